"""Many patients at once: told what is missing, put into arguments, added one by one, and kept with the scene."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import synthetic_patient

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import add_patient, choose_cohort, lesion_of

#: What the user calls a new model, by widget.
_NAMES = {
    "modelNameEdit": "spine-1",
    "modelTitleEdit": "T790M in the spine",
    "endpointEdit": " T790M mutation ",
    "positiveEdit": "T790M-positive",
    "negativeEdit": "T790M-negative",
}


def _name_the_model(tab: Any) -> None:
    for name, text in _NAMES.items():
        getattr(tab, name).text = text


def test_problems_are_told_one_after_the_other_until_run_is_enabled(
    tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    def told() -> str:
        assert tab.cohortProblemLabel.isHidden() == tab.runButton.enabled == (tab.cohortProblemLabel.text == "")
        return tab.cohortProblemLabel.text

    assert told() == "Choose the table of images (images.csv)."
    tab.imagesPathEdit.currentPath = str(tmp_path / "none.csv")
    assert told() == "There is no such table of images."
    tab.imagesPathEdit.currentPath = str(few_cases / "images.csv")
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
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    assert told() == ""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("secondReaderPathEdit", "There is no such table of a second reader's segmentations."),
        ("repeatReadingPathEdit", "There is no such table of repeated segmentations."),
    ],
)
def test_a_table_of_outlines_that_is_not_there_is_told_to_training_only(
    name: str, sentence: str, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    choose_cohort(tab, slicer_gui, few_cases, tmp_path / "out", "train")
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    assert tab.runButton.enabled
    getattr(tab, name).currentPath = str(tmp_path / "none.csv")
    assert tab.cohortProblemLabel.text == sentence
    assert not tab.runButton.enabled
    getattr(tab, name).currentPath = str(few_cases / "images.csv")
    assert tab.runButton.enabled
    getattr(tab, name).currentPath = str(tmp_path / "none.csv")
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("extract"))
    assert tab.cohortProblemLabel.text != sentence


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
        (tab.secondReaderPathEdit, "getOpenFileName"),
        (tab.repeatReadingPathEdit, "getOpenFileName"),
        (tab.outputPathEdit, "getExistingDirectory"),
    ):
        slicer_gui.dialogs.answer("/chosen")
        edit.browse()
        assert slicer_gui.dialogs.shown[-1].kind == dialog
        assert edit.currentPath == "/chosen"


def test_arguments_are_those_of_the_command_line(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    choose_cohort(tab, slicer_gui, few_cases, tmp_path)
    images, protocol, output = str(few_cases / "images.csv"), str(few_cases / "few.yaml"), str(tmp_path)
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
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("train"))
    rest = ["--jobs", "3", "--clinical", str(few_cases / "clinical.csv")]
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
    tab.repeatReadingPathEdit.currentPath = "again.csv"
    assert arguments() == [*training, "--repeat-reading", "again.csv"]
    tab.secondReaderPathEdit.currentPath = "second.csv"
    assert arguments() == [*training, "--second-reader", "second.csv", "--repeat-reading", "again.csv"]
    tab.repeatReadingPathEdit.currentPath = ""
    assert arguments() == [*training, "--second-reader", "second.csv"]
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("evaluate"))
    assert arguments() == ["evaluate", *common, "--model", "t790m-spine-demo", *rest]


def test_every_task_is_understood_by_the_command_line(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    from HabitatRadiomicsLib.commands.program import build_parser

    choose_cohort(tab, slicer_gui, few_cases, tmp_path)
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    _name_the_model(tab)
    for box in (tab.resampleMaskCheckBox, tab.completeCasesCheckBox, tab.frozenHabitatsCheckBox):
        box.checked = True
    tab.secondReaderPathEdit.currentPath = "second.csv"
    tab.repeatReadingPathEdit.currentPath = "again.csv"
    for index in range(tab.taskSelector.count):
        tab.taskSelector.setCurrentIndex(index)
        parsed = build_parser().parse_args(habitat_widget.cohort.arguments())
        assert parsed.resample_mask
        assert parsed.out == tmp_path
        if parsed.run.__module__.endswith(".train"):
            assert parsed.complete_cases
            assert parsed.frozen_habitats
            assert (parsed.second_reader, parsed.repeat_reading) == (Path("second.csv"), Path("again.csv"))
            assert [getattr(parsed, name) for name in ("name", "title", "endpoint", "positive", "negative")] == [
                text.strip() for text in _NAMES.values()
            ]


def test_current_patient_is_added_and_read_back_voxel_by_voxel(
    habitat_widget: Any, tab: Any, slicer_gui: Any, tmp_path: Path
) -> None:
    assert tab.addPatientLabel.text == "First choose images and lesions in the Patient tab."
    inputs = add_patient(habitat_widget)
    assert tab.addPatientLabel.text == "Name the table of images above; it is created if it does not exist."
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
        ("synthetic-000", "synthetic-000 (baseline) is already in the table."),
        ("Meier, Hans", ""),
        ("../escape", ""),
    ],
)
def test_identifier_that_will_not_do_is_refused_and_nothing_changed(
    identifier: str, sentence: str, habitat_widget: Any, tab: Any, few_cases: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    shutil.copytree(few_cases, folder)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    add_patient(habitat_widget)
    tab.imagesPathEdit.currentPath = str(folder / "images.csv")
    tab.caseIdEdit.text = identifier
    tab.addPatientButton.click()
    assert sentence in tab.addPatientLabel.text
    assert identifier in tab.addPatientLabel.text
    assert tab.caseIdEdit.text == identifier, "it can be corrected"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


def test_what_was_chosen_comes_back_with_a_saved_scene(
    tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    choose_cohort(tab, slicer_gui, few_cases, tmp_path / "out")
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    tab.taskSelector.setCurrentIndex(tab.taskSelector.findData("train"))
    tab.secondReaderPathEdit.currentPath = str(few_cases / "images.csv")
    tab.repeatReadingPathEdit.currentPath = str(few_cases / "clinical.csv")
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer_gui.process_events()
    edits = (
        tab.imagesPathEdit, tab.clinicalPathEdit, tab.outputPathEdit, tab.secondReaderPathEdit,
        tab.repeatReadingPathEdit,
    )  # fmt: skip
    assert [edit.currentPath for edit in edits] == [""] * 5
    assert tab.taskSelector.currentData == "extract"
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    slicer_gui.process_events()
    assert [edit.currentPath for edit in edits] == [
        str(few_cases / "images.csv"), str(few_cases / "clinical.csv"), str(tmp_path / "out"),
        str(few_cases / "images.csv"), str(few_cases / "clinical.csv"),
    ]  # fmt: skip
    assert tab.taskSelector.currentData == "train"
    assert tab.settingsSelector.currentData == str(few_cases / "few.yaml")
    assert tab.runButton.enabled
