"""Where the images were made: offered, typed, asked for, and handed on; for models that harmonise and that do not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import slicer

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.features.harmonisation import CombatFeature, CombatParameters
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.panel import background_run
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.system.child_process import ChildProcess

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import MODEL, add_patient, run_to_the_end

_NEEDED = "Choose the site where the images were acquired; the model harmonises sites."


def _harmonising() -> Model:
    """The demonstration's model, with a ComBat that moves every value of Beta."""
    model = load_model(MODEL)
    features = {
        feature.name: CombatFeature(
            mean=feature.mean, variance=feature.sd**2, effects=(), shifts=(0.0, 0.5), scales=(1.0, 2.0)
        )
        for feature in model.features
    }
    combat = CombatParameters(
        sites=("Alpha", "Beta"), cases=(15, 15), mean_only=False, reference_site=None, covariates=(),
        features=features, unchanged=(),
    )  # fmt: skip
    return model.model_copy(update={"combat": combat})


def _without_sites() -> Model:
    model = load_model(MODEL)
    return model.model_copy(update={"evidence": model.evidence.model_copy(update={"sites": ()})})


def _choose(app: Any, widget: Any, model: Model, folder: Path) -> Model:
    """Choose the model as a file; gives it as it is read back."""
    file = folder / "model.json"
    file.write_text(model_text(model), encoding="utf-8")
    app.dialogs.answer(str(file))
    widget.ui.modelFileButton.click()
    assert widget.patient.model.card is not None, widget.ui.modelProblemLabel.text
    return load_model(str(file))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The arguments of each run; the commands do nothing."""
    found: list[Sequence[str]] = []

    def start(arguments: Sequence[str]) -> ChildProcess:
        found.append(arguments)
        return ChildProcess([sys.executable, "-c", "import time; time.sleep(600)"])

    monkeypatch.setattr(background_run, "start_command", start)
    return found


def _arguments(widget: Any, started: list[Sequence[str]]) -> list[tuple[str, str]]:
    widget.ui.applyButton.click()
    widget.ui.cancelButton.click()
    return list(pairwise(started.pop()))


def _offered(ui: Any) -> list[str]:
    return [ui.siteSelector.itemText(index) for index in range(ui.siteSelector.count)]


def test_sites_of_the_model_are_offered_and_none_is_needed(habitat_widget: Any, started: list[Sequence[str]]) -> None:
    ui = habitat_widget.ui
    add_patient(habitat_widget)
    assert _offered(ui) == ["", "Alpha", "Beta"]
    assert ui.siteSelector.currentText == ""
    assert ui.applyButton.enabled
    assert "--site" not in [name for name, _ in _arguments(habitat_widget, started)]
    ui.siteSelector.setCurrentIndex(2)
    assert ("--site", "Beta") in _arguments(habitat_widget, started)
    ui.mapsOnlyCheckBox.checked = True
    assert "--site" not in [name for name, _ in _arguments(habitat_widget, started)], "maps know no sites"


def test_another_site_can_be_typed_for_the_models_warning(habitat_widget: Any, started: list[Sequence[str]]) -> None:
    add_patient(habitat_widget)
    habitat_widget.ui.siteSelector.setEditText(" Gamma ")
    assert ("--site", "Gamma") in _arguments(habitat_widget, started)
    assert _offered(habitat_widget.ui) == ["", "Alpha", "Beta"]


def test_model_that_harmonises_asks_for_one_of_its_sites(
    habitat_widget: Any, slicer_gui: Any, tmp_path: Path, started: list[Sequence[str]]
) -> None:
    ui = habitat_widget.ui
    add_patient(habitat_widget)
    ui.siteSelector.setEditText("Gamma")
    _choose(slicer_gui, habitat_widget, _harmonising(), tmp_path)
    assert _offered(ui) == ["", "Alpha", "Beta"]
    assert not ui.siteSelector.editable, "no other site can be scored"
    assert ui.siteSelector.currentText == "", "Gamma is not among them"
    assert ui.problemLabel.text == _NEEDED
    assert not ui.applyButton.enabled
    ui.mapsOnlyCheckBox.checked = True
    assert ui.applyButton.enabled, "maps know no sites"
    ui.mapsOnlyCheckBox.checked = False
    assert not ui.applyButton.enabled
    ui.siteSelector.setCurrentIndex(1)
    assert ui.problemLabel.text == ""
    assert ("--site", "Alpha") in _arguments(habitat_widget, started)
    ui.siteSelector.setCurrentIndex(0)
    assert not ui.applyButton.enabled


def test_model_without_sites_has_no_field(
    habitat_widget: Any, slicer_gui: Any, tmp_path: Path, started: list[Sequence[str]]
) -> None:
    ui = habitat_widget.ui
    add_patient(habitat_widget)
    ui.siteSelector.setEditText("Alpha")
    _choose(slicer_gui, habitat_widget, _without_sites(), tmp_path)
    assert ui.siteSelector.isHidden()
    assert ui.siteLabel.isHidden()
    assert "--site" not in [name for name, _ in _arguments(habitat_widget, started)]
    ui.modelSelector.setCurrentIndex(ui.modelSelector.findData(MODEL))
    assert not ui.siteSelector.isHidden()
    assert ui.siteSelector.currentText == "Alpha", "it is still the same patient"


def test_site_comes_back_with_a_saved_scene(habitat_widget: Any, slicer_gui: Any, tmp_path: Path) -> None:
    ui = habitat_widget.ui
    add_patient(habitat_widget)
    _choose(slicer_gui, habitat_widget, _harmonising(), tmp_path)
    ui.siteSelector.setCurrentIndex(2)
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer_gui.process_events()
    assert ui.siteSelector.currentText == ""
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    slicer_gui.process_events()
    assert ui.siteSelector.currentText == "Beta"
    assert not ui.siteSelector.editable


@pytest.mark.usefixtures("commands_here")
def test_score_is_that_of_the_site(habitat_widget: Any, slicer_gui: Any, tmp_path: Path) -> None:
    add_patient(habitat_widget)
    model = _choose(slicer_gui, habitat_widget, _harmonising(), tmp_path)
    habitat_widget.ui.siteSelector.setCurrentIndex(2)
    run_to_the_end(slicer_gui, habitat_widget)
    assert habitat_widget.ui.statusLabel.text == "Done."
    results = habitat_widget.patient._parameters.results()
    case = synthetic_patient(31, seed=4).case
    expected = {site: score_case(case, model, site=site).score for site in ("Alpha", "Beta")}
    assert results.score["score"] == expected["Beta"] != expected["Alpha"]
