"""The panel with one patient before, during and after Apply."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import qt
import slicer
from panel_steps import run_to_the_end, shown_backgrounds

from HabitatRadiomicsLib.scene.result_nodes import ResultNodes


class Story:
    """The panel after Apply, and what was seen on the way."""

    def __init__(self, app: Any, widget: Any, reference: Path) -> None:
        self.app, self.widget, self.ui = app, widget, widget.ui
        self.reference = reference
        self.seen = SimpleNamespace()

    @property
    def results(self) -> ResultNodes:
        found = self.widget.patient._parameters.results()
        assert found is not None
        return found

    @property
    def expected(self) -> dict[str, Any]:
        """score.json as the library writes it."""
        return json.loads((self.reference / "score.json").read_text(encoding="utf-8"))

    def view(self, sequence: str) -> None:
        """Show a sequence's maps by the panel."""
        if self.ui.shownSequenceSelector.currentText == sequence:
            self.ui.showMapsButton.click()
        else:
            self.ui.shownSequenceSelector.setCurrentText(sequence)
        assert shown_backgrounds() == [self.results.volumes[sequence]] * 3


def view_state() -> list[Any]:
    state: list[Any] = []
    for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        state += [node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetForegroundOpacity()]
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        state += np.round(slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()), 6).ravel().tolist()
        state += list(node.GetFieldOfView())
    for name in ("T1W lesion", "T2FS lesion"):
        state.append(bool(slicer.util.getNode(name).GetDisplayVisibility()))
    return state


def run_story(story: Story) -> None:
    """Apply, with a clock in the window that must not stop."""
    ui, seen = story.ui, story.seen
    seen.ticks, seen.fractions, seen.words, seen.while_running = 0, set(), [], set()

    def tick() -> None:
        seen.ticks += 1
        if story.widget.patient.run.running:
            seen.fractions.add(ui.progressBar.value)
            if ui.statusLabel.text not in seen.words:
                seen.words.append(ui.statusLabel.text)
            buttons = (ui.applyButton.enabled, ui.cancelButton.enabled)
            seen.while_running.add((ui.progressBar.isHidden(), *buttons))

    clock = qt.QTimer()
    clock.setInterval(20)
    assert clock.connect("timeout()", tick)
    clock.start()
    run_to_the_end(story.app, story.widget)
    clock.stop()
