"""What tests of the shipped panel do again and again: a patient in the scene, clicks, a finished result."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import qt
import slicer

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.progress import LINES_VARIABLE
from HabitatRadiomicsLib.reporting import write_score
from HabitatRadiomicsLib.scene.result_nodes import add_results
from HabitatRadiomicsLib.scene.sample_data import add_synthetic_patient
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scoring.patient import score_case

MODEL = "t790m-spine-demo"
#: A site that the model has not seen, so that there is a warning to show.
SITE = "Gamma"
RUN_SECONDS = 1200


class CommandHere:
    """What ``start_command`` gives, of a command that was run in this process.

    For tests of what the panel hands on and shows; that the process works is for :mod:`test_patient_story`,
    :mod:`test_running`, :mod:`test_cohort_run` and :mod:`test_readme`.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        output = io.StringIO()
        with patch.dict(os.environ, {LINES_VARIABLE: "1"}), redirect_stdout(output), redirect_stderr(output):
            self.status = main(arguments)
        self._lines = output.getvalue().splitlines()

    def lines(self) -> list[str]:
        """All lines, once."""
        lines, self._lines = self._lines, []
        return lines

    def stop(self) -> None:
        """It has ended."""


def load_panel(app: Any, checkout: Path) -> Any:
    """The shipped module's widget."""
    return app.load_module(checkout / "HabitatRadiomics" / "HabitatRadiomics.py")[1]


def add_patient(widget: Any) -> dict[str, SequenceInput]:
    """The synthetic case of the sample data, and the module opened: what the rows then show, by sequence."""
    t1, t1_lesion, t2, t2_lesion = add_synthetic_patient(slicer.mrmlScene)
    widget.enter()
    return {"T1W": SequenceInput(t1, t1_lesion, "lesion"), "T2FS": SequenceInput(t2, t2_lesion, "lesion")}


def run_to_the_end(app: Any, widget: Any) -> None:
    """Press Apply, and wait."""
    widget.ui.applyButton.click()
    assert widget.patient.run.running, widget.ui.statusLabel.text
    app.wait_until(lambda: not widget.patient.run.running, RUN_SECONDS)


def scored_by_the_library(factory: pytest.TempPathFactory) -> Path:
    """The folder that the command line would write for the synthetic case, made once by the library in this process."""
    folder = factory.getbasetemp() / "scored by the library"
    if not folder.is_dir():
        folder.mkdir()
        write_score(folder, score_case(synthetic_patient(31, seed=4).case, load_model(MODEL), site=SITE))
    return folder


def show_results_of(widget: Any, inputs: Mapping[str, SequenceInput], folder: Path) -> None:
    """Bring a folder of results into the scene and the panel, as the end of a run does."""
    parameters = widget.patient._parameters
    parameters.set_text("site", SITE)
    parameters.set_results(add_results(slicer.mrmlScene, folder, inputs))
    widget.loadParameters()
    widget.ui.showMapsButton.click()


@contextmanager
def module_panel(app: Any, widget: Any, width: int = 500) -> Iterator[Any]:
    """The panel as the application shows it: in a scroll area, as wide as the user made it."""
    area = qt.QScrollArea()
    area.widgetResizable = True
    area.setWidget(widget.parent)
    area.resize(width, 900)
    area.show()
    app.process_events()
    try:
        yield area
    finally:
        area.takeWidget()
        area.hide()
        area.deleteLater()


def scene_content() -> tuple[list[str], list[int]]:
    """The nodes and the subject hierarchy's items: what must not change when something is refused."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items: list[int] = []
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return nodes, items


def lesion_of(chosen: SequenceInput) -> np.ndarray:
    """The voxels of a chosen segment, on its volume's grid."""
    return slicer.util.arrayFromSegmentBinaryLabelmap(chosen.mask, chosen.segment, chosen.volume).copy()


def draw(chosen: SequenceInput, voxels: np.ndarray) -> None:
    """Draw the segment anew."""
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, chosen.mask, chosen.segment, chosen.volume)


def click(widget: Any, x: float, y: float) -> None:
    """Press and release the left mouse button at a place of a widget."""
    place = qt.QPointF(x, y)
    where = (place, widget.mapToGlobal(place))
    left, no_button, no_key = qt.Qt.LeftButton, qt.Qt.NoButton, qt.Qt.NoModifier
    for kind, held in ((qt.QEvent.MouseButtonPress, left), (qt.QEvent.MouseButtonRelease, no_button)):
        qt.QApplication.sendEvent(widget, qt.QMouseEvent(kind, *where, left, held, no_key))


def shown_backgrounds() -> list[Any]:
    """The volume in the background of each slice view."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert len(composites) == 3
    return [slicer.mrmlScene.GetNodeByID(node.GetBackgroundVolumeID() or "") for node in composites]


def choose_cohort(tab: Any, slicer_gui: Any, few_cases: Path, output: Path, task: str = "extract") -> None:
    """Put the cohort of ``few_cases``, its protocol and a folder into the tab."""
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData(task))
    tab.imagesPathEdit.currentPath = str(few_cases / "images.csv")
    tab.outputPathEdit.currentPath = str(output)
    slicer_gui.dialogs.answer(str(few_cases / "few.yaml"))
    tab.settingsFileButton.click()
