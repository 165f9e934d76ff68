"""Clinical values: asked for where a model has a nomogram, checked as they are typed, kept, and handed on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import slicer

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.panel import background_run, clinical_form
from HabitatRadiomicsLib.panel.widgets import PROBLEM, QUIET, WARNING
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.system.child_process import ChildProcess

sys.path.append(str(Path(__file__).resolve().parent))

from made_up_models import CLINICAL, nomogram_model
from panel_steps import MODEL, add_patient, run_to_the_end

#: A name and values that no file format likes.
_ODD = {"stage & grade=<\"1'>\n": 'a=b&c;"ä"', **CLINICAL}


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The arguments of each run; the commands do nothing."""
    found: list[Sequence[str]] = []

    def start(arguments: Sequence[str]) -> ChildProcess:
        found.append(arguments)
        return ChildProcess([sys.executable, "-c", "import time; time.sleep(600)"])

    monkeypatch.setattr(background_run, "start_command", start)
    return found


@pytest.fixture
def asked(habitat_widget: Any, slicer_gui: Any, tmp_path: Path) -> Any:
    """The panel with a patient and a model that asks for age and visceral metastases."""
    file = tmp_path / "nomogram.json"
    file.write_text(model_text(nomogram_model()), encoding="utf-8")
    add_patient(habitat_widget)
    slicer_gui.dialogs.answer(str(file))
    habitat_widget.ui.modelFileButton.click()
    assert habitat_widget.patient.model.card is not None, habitat_widget.ui.modelProblemLabel.text
    return habitat_widget


def _rows(widget: Any) -> tuple[Any, Any]:
    return widget.patient.clinical.rows["age"], widget.patient.clinical.rows["visceral"]


def test_a_row_for_each_value_that_the_nomogram_needs(asked: Any) -> None:
    ui = asked.ui
    age, visceral = _rows(asked)
    assert not ui.clinicalSection.isHidden()
    assert age.field.placeholderText == "not known"
    assert age.field.toolTip == "Training cases: 38 to 81 years"
    offered = [visceral.field.itemText(index) for index in range(visceral.field.count)]
    assert offered == ["not known", "none", "liver or lung"]
    assert age.message.text == "'age' is missing; a number is needed, 38 to 81 years in training."
    assert age.message.styleSheet == QUIET, "nobody has done anything wrong yet"
    assert visceral.message.text == "'visceral' is missing; allowed are no, yes."
    assert not ui.applyButton.enabled
    assert ui.problemLabel.text == "Complete the clinical values; the model's nomogram needs them."


def test_model_without_a_nomogram_asks_for_nothing(asked: Any) -> None:
    asked.ui.modelSelector.setCurrentIndex(asked.ui.modelSelector.findData(MODEL))
    assert asked.ui.clinicalSection.isHidden()
    assert asked.patient.clinical.values == {}
    assert asked.ui.applyButton.enabled


def test_values_are_handed_on(asked: Any, started: list[Sequence[str]]) -> None:
    age, visceral = _rows(asked)
    age.field.text = " 61,5 "
    assert not asked.ui.applyButton.enabled
    visceral.field.setCurrentIndex(2)
    assert asked.ui.applyButton.enabled, asked.ui.problemLabel.text
    assert age.message.isHidden()
    assert visceral.message.isHidden()
    asked.ui.applyButton.click()
    asked.ui.cancelButton.click()
    (arguments,) = started
    assert [text for text in arguments if text.startswith("--clinical")] == [
        "--clinical=age=61,5",
        "--clinical=visceral=yes",
    ]


def test_maps_need_no_clinical_values(asked: Any, started: list[Sequence[str]]) -> None:
    asked.ui.mapsOnlyCheckBox.checked = True
    assert asked.ui.applyButton.enabled
    asked.ui.applyButton.click()
    asked.ui.cancelButton.click()
    assert not any(text.startswith("--clinical") for text in started[0])


@pytest.mark.parametrize("text", ["sixty", "61 years", "1_0", "inf", "nan", "-", "?"])
def test_what_is_no_number_is_told_under_the_row(asked: Any, text: str) -> None:
    age, visceral = _rows(asked)
    visceral.field.setCurrentIndex(1)
    age.field.text = text
    assert not asked.ui.applyButton.enabled
    assert "a number is needed, 38 to 81 years in training." in age.message.text
    assert age.message.styleSheet == PROBLEM


def test_a_number_outside_of_training_draws_a_warning_only(asked: Any) -> None:
    age, visceral = _rows(asked)
    visceral.field.setCurrentIndex(1)
    age.field.text = "93"
    assert age.message.text == "The age of 93 lies outside the training cases' range of 38 to 81."
    assert age.message.styleSheet == WARNING
    assert asked.ui.applyButton.enabled


def test_values_stay_with_the_patient_and_come_back_with_a_saved_scene(
    asked: Any, slicer_gui: Any, tmp_path: Path
) -> None:
    age, visceral = _rows(asked)
    age.field.text = "61"
    visceral.field.setCurrentIndex(2)
    chosen = asked.ui.modelSelector.currentData
    asked.ui.modelSelector.setCurrentIndex(asked.ui.modelSelector.findData(MODEL))
    asked.ui.modelSelector.setCurrentIndex(asked.ui.modelSelector.findData(chosen))
    assert asked.patient.clinical.values == CLINICAL, "it is still the same patient"
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer_gui.process_events()
    assert asked.patient.clinical.values == {}
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    slicer_gui.process_events()
    assert asked.patient.clinical.values == CLINICAL
    assert asked.ui.applyButton.enabled, asked.ui.problemLabel.text


def test_any_name_and_value_survives_in_the_scene(asked: Any, tmp_path: Path) -> None:
    asked.patient._parameters.set_clinical(_ODD)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    assert asked.patient._parameters.clinical() == _ODD


def test_level_that_the_model_does_not_know_is_not_shown(asked: Any) -> None:
    asked.patient._parameters.set_clinical({"visceral": "perhaps", "age": "50"})
    asked.loadParameters()
    assert asked.patient.clinical.values == {"age": "50"}
    assert not asked.ui.applyButton.enabled


def test_before_the_packages_are_installed_nothing_but_presence_is_checked(
    asked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinical_form, "missing", lambda: ["pydantic"])
    age, visceral = _rows(asked)
    visceral.field.setCurrentIndex(1)
    assert age.message.text == "The model needs it."
    age.field.text = "sixty"
    assert asked.ui.applyButton.enabled, "the run asks for the packages first"
    monkeypatch.undo()
    asked.ui.applyButton.click()
    assert not asked.patient.run.running, "then the value is checked"
    assert not asked.ui.applyButton.enabled
    assert age.message.text.startswith("'sixty' is not a valid value of 'age'")


@pytest.mark.usefixtures("commands_here")
def test_score_is_that_of_the_values(asked: Any, slicer_gui: Any, tmp_path: Path) -> None:
    pytest.importorskip("radiomics")
    age, visceral = _rows(asked)
    age.field.text = "61"
    visceral.field.setCurrentIndex(2)
    run_to_the_end(slicer_gui, asked)
    assert asked.ui.statusLabel.text == "Done."
    score = asked.patient._parameters.results().score["score"]
    model, case = load_model(str(tmp_path / "nomogram.json")), synthetic_patient(31, seed=4).case
    assert score == score_case(case, model, clinical=CLINICAL).score
    assert score != score_case(case, model, clinical={**CLINICAL, "age": "62"}).score


def test_console_scores_with_clinical_values_too(asked: Any, tmp_path: Path) -> None:
    pytest.importorskip("radiomics")
    inputs = {name: (row.chosen.volume, row.chosen.mask, "lesion") for name, row in asked.patient.rows.items()}
    file = str(tmp_path / "nomogram.json")
    found = asked.logic.score(inputs, file, clinical={"age": 61, "visceral": "yes"})
    expected = score_case(synthetic_patient(31, seed=4).case, load_model(file), clinical=CLINICAL).score
    assert found.score["score"] == expected
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(ModelError, match="'visceral' is missing"):
        asked.logic.score(inputs, file, clinical={"age": 61})
    assert slicer.mrmlScene.GetNumberOfNodes() == before
