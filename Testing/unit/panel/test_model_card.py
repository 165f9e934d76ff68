"""The card says what the model says, and is read without any package."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from HabitatRadiomicsLib import EVIDENCE_IN_WORDS
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.model import bundled_models, load_model
from HabitatRadiomicsLib.panel.model_card import read_card


@pytest.mark.parametrize("name", sorted(bundled_models()))
def test_the_card_agrees_with_the_model(name: str) -> None:
    card, model = read_card(bundled_models()[name]), load_model(name)
    assert (card.name, card.title, card.sequences) == (model.name, model.title, model.sequences)
    assert card.sites == model.evidence.sites
    assert card.needs_site == (model.combat is not None)
    assert model.intended_use in card.lines[0]
    events = model.evidence.events
    told = "the number with the outcome is not stated" if events is None else f"{events} with the outcome"
    assert f"{model.evidence.cases} cases, {told}" in card.lines[1]
    assert model.evidence.in_words == EVIDENCE_IN_WORDS[model.evidence.kind]
    area = model.evidence.performance
    told = "performance is not stated" if area is None else f"AUC {area.auc:.2f}"
    unready = "cannot score patients until 'habitat-radiomics take-reference'"
    assert (unready if model.needs_reference else told) in card.lines[2]
    page = card.html()
    assert all(feature.name in page for feature in model.features)
    assert model.evidence.licence in page


def test_the_card_of_a_model_that_harmonises_names_the_sites_that_it_can_score(tmp_path: Path) -> None:
    document = json.loads(bundled_models()["t790m-spine-demo"].read_text(encoding="utf-8"))
    document["combat"] = {"sites": ["Beta", "Gamma"]}
    file = tmp_path / "model.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    card = read_card(file)
    assert card.sites == ("Beta", "Gamma")
    assert card.needs_site


def test_the_card_escapes_what_a_model_says(tmp_path: Path) -> None:
    text = bundled_models()["t790m-spine-demo"].read_text(encoding="utf-8")
    file = tmp_path / "model.json"
    file.write_text(text.replace("To show and test", "<script>To show and test"), encoding="utf-8")
    assert "<script>" not in read_card(file).html()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"evidence": 3}', "not json"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "model.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match="not a model file"):
        read_card(file)


def test_reading_a_card_loads_nothing_but_the_standard_library() -> None:
    code = (
        "import sys; from HabitatRadiomicsLib.panel.model_card import read_card; "
        "from HabitatRadiomicsLib.system.resources import resource_files; "
        "[read_card(path) for path in resource_files('Models', '.json').values()]; "
        "print([name for name in ('numpy', 'pydantic', 'SimpleITK', 'yaml') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
