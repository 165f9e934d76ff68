"""Pictures of the panel after a finished run: whole, not blank, nothing on top of anything else.

With HABITAT_RADIOMICS_UPDATE_SCREENSHOTS=1 they are written into Resources/Screenshots, for the README.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qt
from matplotlib.image import imread

from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import RUN_SECONDS, add_patient, module_panel, scored_by_the_library, show_results_of

pytest.importorskip("radiomics")

_WIDTH = 500
_UPDATE = os.environ.get("HABITAT_RADIOMICS_UPDATE_SCREENSHOTS") == "1"


@pytest.fixture
def finished(habitat_widget: Any, slicer_gui: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The panel after a run, in the application's scroll area, as high as its content."""
    with module_panel(slicer_gui, habitat_widget, _WIDTH) as area:
        show_results_of(habitat_widget, add_patient(habitat_widget), scored_by_the_library(tmp_path_factory))
        habitat_widget.ui.statusLabel.text = "Done."
        slicer_gui.wait_until(lambda: area.verticalScrollBar().visible)
        slicer_gui.process_events()
        assert not area.horizontalScrollBar().visible, "the panel is wider than the application's"
        _settle(slicer_gui, habitat_widget, area)
        yield area


def _settle(app: Any, widget: Any, area: Any) -> None:
    """Make the area as high as its content wants to be: no scroll bar, and no empty space."""
    for _ in range(3):
        app.process_events()
        height = widget.parent.layout().heightForWidth(_WIDTH - 2)
        area.resize(_WIDTH, height + 4)
    app.process_events()
    assert not area.verticalScrollBar().visible


def _overlaps(widget: Any) -> list[str]:
    """Pairs of visible siblings, in all depths, that share pixels; and widgets that stick out of their parent."""
    found = []
    children = [child for child in widget.children() if child.inherits("QWidget") and child.visible]
    children = [child for child in children if not child.isWindow()]
    for number, child in enumerate(children):
        if not widget.rect.contains(child.geometry) and not widget.inherits("QAbstractScrollArea"):
            found.append(f"{_name(child)} sticks out of {_name(widget)}")
        for other in children[number + 1 :]:
            if child.geometry.intersects(other.geometry):
                found.append(f"{_name(child)} and {_name(other)}")
        if not child.inherits("QAbstractScrollArea") and not child.inherits("QAbstractSpinBox"):
            found += _overlaps(child)
    return found


def _cut(widget: Any) -> list[str]:
    """Labels that are lower than their text."""
    labels = [label for label in widget.findChildren("QLabel") if label.visible]
    return [
        f"{_name(label)}: {label.height} of {needed}"
        for label in labels
        if (needed := label.heightForWidth(label.width) if label.wordWrap else label.sizeHint.height()) > label.height
    ]


def _name(widget: Any) -> str:
    return f"{widget.className()} '{widget.objectName}'"


def _save(area: Any, path: Path, top: int = 0, bottom: int | None = None) -> np.ndarray:
    """A part of the area's picture, as wide as it is; its pixels."""
    picture = area.grab()
    bottom = picture.height() if bottom is None else bottom
    assert picture.copy(qt.QRect(0, top, picture.width(), bottom - top)).save(str(path))
    return imread(path)[:, :, :3]


def _check(pixels: np.ndarray, path: Path, checkout: Path) -> None:
    assert pixels.shape[1] == _WIDTH
    rows = pixels.std(axis=(1, 2)) > 0.02
    assert rows.mean() > 0.3, "much of the picture is empty"
    assert len(np.unique((pixels * 255).astype(np.uint8).reshape(-1, 3), axis=0)) > 50
    if _UPDATE:
        target = checkout / "Resources" / "Screenshots" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())


def test_patient_tab(finished: Any, habitat_widget: Any, slicer_gui: Any, tmp_path: Path, checkout: Path) -> None:
    ui = habitat_widget.ui
    assert _overlaps(finished.widget()) == []
    assert _cut(finished.widget()) == []
    cut = ui.scoreSection.mapTo(finished, qt.QPoint(0, 0)).y()
    for name, top, bottom in (("panel-patient.png", 0, cut), ("panel-score.png", cut, None)):
        _check(_save(finished, tmp_path / name, top, bottom), tmp_path / name, checkout)
    score = imread(tmp_path / "panel-score.png")[:, :, :3]
    red = (np.abs(score - [0.84, 0.15, 0.16]).max(axis=2) < 0.05).sum()
    assert red > 2000, "the picture of the bars is missing"


def test_bar_clicked_and_long_sentences_leave_nothing_overlapping(
    finished: Any, habitat_widget: Any, slicer_gui: Any
) -> None:
    ui = habitat_widget.ui
    habitat_widget.patient.score.click_bar(1)
    ui.statusLabel.text = "T1W: The lesion has 8 voxels; an entropy window of 9 x 9 needs at least 81. " * 3
    for row in habitat_widget.patient.rows.values():
        row.ui.maskSelector.setCurrentNode(None)
    slicer_gui.wait_until(lambda: not ui.problemLabel.isHidden())
    _settle(slicer_gui, habitat_widget, finished)
    assert _overlaps(finished.widget()) == []
    assert _cut(finished.widget()) == []


@pytest.mark.usefixtures("commands_here")
def test_cohort_tab(
    habitat_widget: Any,
    slicer_gui: Any,
    tmp_path: Path,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After a run: a model compared with the outcomes of synthetic patients, more of them for the README's picture."""
    cases = 12 if _UPDATE else 5
    write_synthetic_cohort(tmp_path / "spine", cases, seed=3)
    monkeypatch.chdir(tmp_path)
    ui = habitat_widget.ui
    with module_panel(slicer_gui, habitat_widget, _WIDTH) as area:
        add_patient(habitat_widget)
        ui.tabs.setCurrentIndex(1)
        ui.taskSelector.setCurrentIndex(ui.taskSelector.findData("evaluate"))
        ui.imagesPathEdit.currentPath = "spine/images.csv"
        ui.clinicalPathEdit.currentPath = "spine/clinical.csv"
        ui.outputPathEdit.currentPath = "spine/evaluation"
        ui.jobsSpinBox.value = 1
        ui.runButton.click()
        slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running, RUN_SECONDS)
        assert ui.cohortStatusLabel.text == "Done."
        assert f"{cases} of {cases} new cases" in ui.logText.plainText
        assert not ui.cohortResultLabel.isHidden()
        ui.addPatientSection.collapsed = False
        ui.caseIdEdit.text = "case-031"
        _settle(slicer_gui, habitat_widget, area)
        assert _overlaps(area.widget()) == []
        assert _cut(area.widget()) == []
        _check(_save(area, tmp_path / "panel-cohort.png"), tmp_path / "panel-cohort.png", checkout)
