"""Many patients at once: told what is missing, run in a process of its own, stopped, and gone on with."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import SimpleITK as sitk
import slicer

from HabitatRadiomicsLib.child_process import ChildProcess
from HabitatRadiomicsLib.cohort import load_cohort
from HabitatRadiomicsLib.panel import background_run
from HabitatRadiomicsLib.synthetic import synthetic_patient, write_synthetic_cohort

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import RUN_SECONDS, add_patient, lesion_of, scene_content

_FEW_FEATURES = """\
name: few
title: Few features
sequences: [T1W]
features:
  classes: [shape]
  images: {wavelet: null, square: false, square_root: false, logarithm: false, exponential: false, gradient: false,
           lbp_2d: false, log_sigmas: []}
"""

#: What the user calls a new model, by widget.
_NAMES = {
    "modelNameEdit": "spine-1",
    "modelTitleEdit": "T790M in the spine",
    "endpointEdit": " T790M mutation ",
    "positiveEdit": "T790M-positive",
    "negativeEdit": "T790M-negative",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two patients of one sequence, and a protocol of few features."""
    folder = tmp_path_factory.mktemp("cohort")
    images, _ = write_synthetic_cohort(folder, 2, seed=5)
    lines = images.read_text(encoding="utf-8").splitlines(keepends=True)
    images.write_text("".join(line for line in lines if ",T2FS," not in line), encoding="utf-8")
    (folder / "few.yaml").write_text(_FEW_FEATURES, encoding="utf-8")
    return folder


@pytest.fixture
def tab(habitat_widget: Any, slicer_gui: Any) -> Any:
    """The tab's widgets."""
    slicer_gui.process_events()
    return habitat_widget.ui


def _choose(tab: Any, slicer_gui: Any, made: Path, output: Path, task: str = "extract") -> None:
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData(task))
    tab.imagesPathEdit.currentPath = str(made / "images.csv")
    tab.outputPathEdit.currentPath = str(output)
    slicer_gui.dialogs.answer(str(made / "few.yaml"))
    tab.settingsFileButton.click()


def _name_the_model(tab: Any) -> None:
    for name, text in _NAMES.items():
        getattr(tab, name).text = text


def test_problems_are_told_one_after_the_other_until_run_is_enabled(
    tab: Any, slicer_gui: Any, made: Path, tmp_path: Path
) -> None:
    def told() -> str:
        assert tab.cohortProblemLabel.isHidden() == tab.runButton.enabled == (tab.cohortProblemLabel.text == "")
        return tab.cohortProblemLabel.text

    assert told() == "Choose the table of images (images.csv)."
    tab.imagesPathEdit.currentPath = str(tmp_path / "none.csv")
    assert told() == "There is no such table of images."
    tab.imagesPathEdit.currentPath = str(made / "images.csv")
    assert told() == "Choose a folder for the results."
    tab.outputPathEdit.currentPath = str(tmp_path / "out")
    assert told() == ""
    tab.clinicalPathEdit.currentPath = str(tmp_path / "none.csv")
    assert told() == "There is no such table of clinical data."
    tab.clinicalPathEdit.currentPath = ""
    assert told() == ""
    for task in ("train", "evaluate"):
        tab.taskSelector.setCurrentIndex(tab.taskSelector.findData(task))
        assert told() == "Choose the table of outcomes (clinical.csv); this task needs it."
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    assert told() == ""


def test_questions_about_a_new_model_are_put_to_training_only(tab: Any) -> None:
    shown = {}
    for index in range(tab.taskSelector.count):
        tab.taskSelector.setCurrentIndex(index)
        shown[tab.taskSelector.currentData] = not tab.trainingSection.isHidden()
    assert shown == {"extract": False, "score-cohort": False, "train": True, "evaluate": False}


def test_paths_are_chosen_by_dialogs_of_the_right_kind(tab: Any, slicer_gui: Any) -> None:
    for edit, dialog in (
        (tab.imagesPathEdit, "getOpenFileName"),
        (tab.clinicalPathEdit, "getOpenFileName"),
        (tab.outputPathEdit, "getExistingDirectory"),
    ):
        slicer_gui.dialogs.answer("/chosen")
        edit.browse()
        assert slicer_gui.dialogs.shown[-1].kind == dialog
        assert edit.currentPath == "/chosen"


def test_arguments_are_those_of_the_command_line(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path
) -> None:
    _choose(tab, slicer_gui, made, tmp_path)
    images, protocol, output = str(made / "images.csv"), str(made / "few.yaml"), str(tmp_path)
    arguments = habitat_widget.cohort.arguments
    common = ["--cohort", images, "--out", output]
    assert arguments() == ["extract", *common, "--protocol", protocol, "--jobs", "1"]
    tab.jobsSpinBox.value = 3
    tab.resampleMaskCheckBox.checked = True
    assert arguments() == ["extract", *common, "--protocol", protocol, "--jobs", "3", "--resample-mask"]
    tab.resampleMaskCheckBox.checked = False
    _name_the_model(tab)
    tab.completeCasesCheckBox.checked = True
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("score-cohort"))
    assert arguments() == ["score-cohort", *common, "--model", "t790m-spine-demo", "--jobs", "3"]
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("train"))
    rest = ["--jobs", "3", "--clinical", str(made / "clinical.csv")]
    training = ["train", *common, "--protocol", protocol, *rest]
    named = [
        "--name=spine-1", "--title=T790M in the spine", "--endpoint=T790M mutation",
        "--positive=T790M-positive", "--negative=T790M-negative",
    ]  # fmt: skip
    assert arguments() == [*training, *named, "--complete-cases"]
    tab.frozenHabitatsCheckBox.checked = True
    tab.completeCasesCheckBox.checked = False
    assert arguments() == [*training, *named, "--frozen-habitats"]
    for name in _NAMES:
        getattr(tab, name).text = " "
    tab.frozenHabitatsCheckBox.checked = False
    assert arguments() == training, "the command has words of its own"
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("evaluate"))
    assert arguments() == ["evaluate", *common, "--model", "t790m-spine-demo", *rest]


def test_every_task_is_understood_by_the_command_line(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path
) -> None:
    from HabitatRadiomicsLib.commands.program import build_parser

    _choose(tab, slicer_gui, made, tmp_path)
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    _name_the_model(tab)
    for box in (tab.resampleMaskCheckBox, tab.completeCasesCheckBox, tab.frozenHabitatsCheckBox):
        box.checked = True
    for index in range(tab.taskSelector.count):
        tab.taskSelector.setCurrentIndex(index)
        parsed = build_parser().parse_args(habitat_widget.cohort.arguments())
        assert parsed.resample_mask
        assert parsed.out == tmp_path
        if parsed.run.__module__.endswith(".train"):
            assert parsed.complete_cases
            assert parsed.frozen_habitats
            assert [getattr(parsed, name) for name in ("name", "title", "endpoint", "positive", "negative")] == [
                text.strip() for text in _NAMES.values()
            ]


def test_features_are_extracted_stopped_and_gone_on_with(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path
) -> None:
    pytest.importorskip("radiomics")
    output = tmp_path / "out"
    _choose(tab, slicer_gui, made, output)
    run = habitat_widget.cohort.run
    tab.runButton.click()
    assert not tab.runButton.enabled
    assert tab.stopButton.enabled
    slicer_gui.wait_until(lambda: list(output.glob("work/*/synthetic-*")), RUN_SECONDS)
    family = psutil.Process().children(recursive=True)
    assert family
    tab.stopButton.click()
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
    assert tab.cohortStatusLabel.text == "Stopped. Run goes on where it was; patients that are done are kept."
    assert not (output / "features.csv").exists()
    assert tab.runButton.enabled

    before = scene_content()
    seen = set()
    tab.runButton.click()

    def over() -> bool:
        seen.add((tab.cohortProgressBar.value, tab.cohortStatusLabel.text))
        return not run.running

    slicer_gui.wait_until(over, RUN_SECONDS)
    assert tab.cohortStatusLabel.text == "Done."
    assert tab.cohortProgressBar.value == 100
    assert len(seen) > 3, "nothing was told on the way"
    assert "features.csv" in tab.logText.toPlainText()
    assert scene_content() == before, "a cohort's run leaves the scene alone"
    with (output / "features.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case_id"] for row in rows] == ["synthetic-000", "synthetic-001"]
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{output / 'features.csv'}"]


def test_broken_table_is_told_in_the_tables_own_sentences(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path
) -> None:
    table = tmp_path / "images.csv"
    good = str(made / "few.yaml")
    table.write_text(
        f"case_id,timepoint,sequence,image,mask\na,baseline,T1W,none.nrrd,none.nrrd\n,baseline,T1W,{good},{good}\n"
    )
    _choose(tab, slicer_gui, made, tmp_path / "out")
    tab.imagesPathEdit.currentPath = str(table)
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running, RUN_SECONDS)
    text = tab.cohortStatusLabel.text
    assert text == (
        f"{table}: The table has 3 problems:\n"
        "  - row 2: the image file none.nrrd does not exist\n"
        "  - row 2: the mask file none.nrrd does not exist\n"
        "  - row 3: case_id '' must have 1 to 64 letters, digits, dots, hyphens or underscores"
    )
    assert tab.runButton.enabled


class _Fake:
    """A command that says something and ends with a status."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status, self.text = status, text

    def __call__(self, arguments: Sequence[str]) -> ChildProcess:
        return ChildProcess([sys.executable, "-c", f"print({self.text!r}); raise SystemExit({self.status})"])


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (0, "2 cases.", "Done."),
        (3, "1 case.", "Done, but some patients could not be measured: see errors.csv in the output folder."),
        (2, "habitat-radiomics: It cannot be.", "It cannot be."),
        (
            1,
            "Segmentation fault",
            "The process ended unexpectedly (status 1), perhaps for lack of memory. It last said: Segmentation fault",
        ),
    ],
)
def test_end_of_the_command_is_told(
    status: int,
    text: str,
    told: str,
    habitat_widget: Any,
    tab: Any,
    slicer_gui: Any,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background_run, "start_command", _Fake(status, text))
    _choose(tab, slicer_gui, made, tmp_path)
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running, 20)
    assert tab.cohortStatusLabel.text == told
    assert tab.logText.toPlainText() == text
    assert tab.runButton.enabled
    assert not tab.stopButton.enabled
    assert tab.cohortProgressBar.value == (100 if status in (0, 3) else 0)


def test_results_are_opened_as_folder_where_there_is_no_table(
    tab: Any, slicer_gui: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_run, "start_command", _Fake(0))
    _choose(tab, slicer_gui, made, tmp_path)
    assert not tab.openOutputButton.enabled
    tab.runButton.click()
    slicer_gui.wait_until(lambda: tab.openOutputButton.enabled, 20)
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path}"]


def test_report_of_an_earlier_run_is_not_shown_for_one_that_failed(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("of an earlier run")
    monkeypatch.setattr(background_run, "start_command", _Fake(2, "habitat-radiomics: It cannot be."))
    _choose(tab, slicer_gui, made, tmp_path, "train")
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running, 20)
    assert tab.cohortResultLabel.isHidden()
    assert tab.useModelButton.isHidden()
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path}"]


def test_study_that_cannot_be_read_is_told(
    habitat_widget: Any, tab: Any, slicer_gui: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.json").write_text('{"title": "cut')
    monkeypatch.setattr(background_run, "start_command", _Fake(0))
    _choose(tab, slicer_gui, made, tmp_path, "train")
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running, 20)
    told = "The result cannot be shown: there is no study.json that can be read."
    assert told in tab.cohortResultLabel.text
    assert tab.useModelButton.isHidden(), "there is no model"


def test_closing_the_scene_leaves_the_cohorts_run_alone_and_cleanup_stops_it(
    habitat_widget: Any,
    tab: Any,
    slicer_gui: Any,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(background_run, "start_command", lambda arguments: ChildProcess(command))
    _choose(tab, slicer_gui, made, tmp_path)
    tab.runButton.click()
    slicer.mrmlScene.Clear(False)
    assert habitat_widget.cohort.run.running
    (process,) = psutil.Process().children(recursive=True)
    habitat_widget.cleanup()
    psutil.wait_procs([process], timeout=5)
    assert not process.is_running()


def test_current_patient_is_added_and_read_back_voxel_by_voxel(
    habitat_widget: Any, tab: Any, slicer_gui: Any, tmp_path: Path
) -> None:
    assert tab.addPatientLabel.text == "First choose images and lesions in the Patient tab."
    inputs = add_patient(habitat_widget)
    assert tab.addPatientLabel.text == "Name the table of images above; it is made when it does not exist."
    tab.imagesPathEdit.currentPath = str(tmp_path / "images.csv")
    tab.clinicalPathEdit.currentPath = str(tmp_path / "clinical.csv")
    assert tab.addPatientLabel.text == "Give the patient an identifier."
    assert not tab.addPatientButton.enabled
    tab.caseIdEdit.text = "case-001"
    assert tab.addPatientLabel.text == ""
    tab.outcomeSelector.setCurrentIndex(tab.outcomeSelector.findData("1"))
    tab.addPatientButton.click()
    assert tab.addPatientLabel.text == "case-001 was added to images.csv."
    assert tab.caseIdEdit.text == ""

    cohort = load_cohort(tmp_path / "images.csv", tmp_path / "clinical.csv")
    (entry,) = cohort.cases
    assert entry.case_id == "case-001"
    with (tmp_path / "images.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["sequence"]: row for row in csv.DictReader(stream)}
    original = synthetic_patient(31, seed=4).case
    for name, chosen in inputs.items():
        image = sitk.ReadImage(str(tmp_path / rows[name]["image"]))
        mask = sitk.ReadImage(str(tmp_path / rows[name]["mask"]))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), slicer.util.arrayFromVolume(chosen.volume))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), lesion_of(chosen))
        np.testing.assert_allclose(image.GetDirection(), original.sequences[name].image.GetDirection(), atol=1e-9)
        np.testing.assert_allclose(image.GetOrigin(), original.sequences[name].image.GetOrigin(), atol=1e-6)
    with (tmp_path / "clinical.csv").open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == [{"case_id": "case-001", "outcome": "1"}]


@pytest.mark.parametrize(
    ("identifier", "sentence"),
    [
        ("synthetic-000", "synthetic-000 (baseline) stands already in the table."),
        ("Meier, Hans", ""),
        ("../escape", ""),
    ],
)
def test_identifier_that_will_not_do_is_refused_and_nothing_changed(
    identifier: str, sentence: str, habitat_widget: Any, tab: Any, made: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    shutil.copytree(made, folder)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    add_patient(habitat_widget)
    tab.imagesPathEdit.currentPath = str(folder / "images.csv")
    tab.caseIdEdit.text = identifier
    tab.addPatientButton.click()
    assert sentence in tab.addPatientLabel.text
    assert identifier in tab.addPatientLabel.text
    assert tab.caseIdEdit.text == identifier, "it can be corrected"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_what_was_chosen_comes_back_with_a_saved_scene(tab: Any, slicer_gui: Any, made: Path, tmp_path: Path) -> None:
    _choose(tab, slicer_gui, made, tmp_path / "out")
    tab.clinicalPathEdit.currentPath = str(made / "clinical.csv")
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("train"))
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer_gui.process_events()
    edits = (tab.imagesPathEdit, tab.clinicalPathEdit, tab.outputPathEdit)
    assert [edit.currentPath for edit in edits] == ["", "", ""]
    assert tab.taskSelector.currentData == "extract"
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    slicer_gui.process_events()
    assert [edit.currentPath for edit in edits] == [
        str(made / "images.csv"), str(made / "clinical.csv"), str(tmp_path / "out"),
    ]  # fmt: skip
    assert tab.taskSelector.currentData == "train"
    assert tab.settingsSelector.currentData == str(made / "few.yaml")
    assert tab.runButton.enabled
