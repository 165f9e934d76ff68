"""Model files: the same after a round trip, refused when anything is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.model.storage import bundled_models
from HabitatRadiomicsLib.panel.model_card import read_card
from HabitatRadiomicsLib.system.provenance import document_digest


@pytest.fixture
def model() -> Model:
    return load_model("t790m-spine-demo")


def _written(folder: Path, document: dict[str, Any], *, sign: bool = True) -> Path:
    if sign:
        document = {name: value for name, value in document.items() if name != "sha256"}
        document["sha256"] = document_digest(document)
    path = folder / "model.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_bundled_file_is_what_the_model_writes(model: Model) -> None:
    assert bundled_models()["t790m-spine-demo"].read_text(encoding="utf-8") == model_text(model)


def test_the_demonstration_has_the_studys_form(model: Model) -> None:
    assert len(model.features) == 6
    assert set(model.sequences) == {"T1W", "T2FS"}
    assert {feature.parsed.region for feature in model.features} == {"S2"}
    assert model.evidence.kind == "synthetic-demonstration"
    assert model.regions("T1W") == ("S2",)
    background = np.array(model.background)
    for index, feature in enumerate(model.features):
        assert feature.mean == pytest.approx(background[:, index].mean())
        assert feature.sd == pytest.approx(background[:, index].std(ddof=1))
        assert (feature.minimum, feature.maximum) == (background[:, index].min(), background[:, index].max())


def test_layout_does_not_matter_but_content_does(model: Model, tmp_path: Path) -> None:
    document = json.loads(model_text(model))
    assert load_model(_written(tmp_path, document, sign=False)) == model
    document["features"][0]["coefficient"] += 1e-12
    with pytest.raises(ModelError, match="edited or damaged"):
        load_model(_written(tmp_path, document, sign=False))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"intercept": None}, "intercept"),
        ({"features": []}, "features"),
        ({"nonsense": 1}, "nonsense"),
        ({"background": [[1.0]]}, "one value per feature"),
        ({"coefficient_covariance": [[1.0]]}, "one row and column per coefficient"),
        ({"evidence": {"kind": "excellent"}}, "evidence"),
    ],
)
def test_signed_nonsense_is_refused(model: Model, tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        load_model(_written(tmp_path, {**json.loads(model_text(model)), **change}))


def test_a_habitat_feature_needs_its_habitats(model: Model, tmp_path: Path) -> None:
    document = json.loads(model_text(model))
    document["protocol"]["population"].pop("T1W")
    with pytest.raises(ModelError, match="needs the habitats of T1W"):
        load_model(_written(tmp_path, document))
    document = json.loads(model_text(model))
    document["features"][0]["name"] = document["features"][0]["name"].replace("S2", "S7")
    with pytest.raises(ModelError, match="needs S7; the habitats are S1, S2"):
        load_model(_written(tmp_path, document))


def _of_two_time_points(name: str) -> dict[str, Any]:
    """The document of a model of one feature, with the habitats of the demonstration."""
    base = json.loads(model_text(load_model("t790m-spine-demo")))
    moments = {"baseline": "baseline", "followup": "follow-up"}
    row = {**base["features"][0], "name": name}
    return {
        **base,
        "protocol": {**base["protocol"], "timepoints": moments},
        "features": [row],
        "background": [[values[0]] for values in base["background"]],
        "coefficient_covariance": None,
    }


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("delta_T1W_S2_original_firstorder_Mean", True),
        ("follow-up_T1W_S2_original_firstorder_Mean", True),
        ("baseline_T1W_S2_original_firstorder_Mean", False),
        ("delta_T1W_whole_original_firstorder_Mean", False),
    ],
)
def test_a_model_from_before_the_scale_could_be_chosen_scores_as_it_did(name: str, kept: bool, tmp_path: Path) -> None:
    document = _of_two_time_points(name)
    path = _written(tmp_path, document)
    timepoints = load_model(path).protocol.timepoints
    assert timepoints is not None
    assert read_card(path).sequences == load_model(path).sequences
    assert timepoints.habitat_scale == ("own" if kept else None)
    # One that says what it wants is left alone, also where that is the protocol's own rule.
    for scale in (None, "own", "baseline"):
        document["protocol"]["timepoints"]["habitat_scale"] = scale
        path = _written(tmp_path, document)
        model = load_model(path)
        assert (read_card(path).sequences, read_card(path).timepoints) == (model.sequences, ("baseline", "follow-up"))
        assert model.protocol.timepoints is not None
        assert model.protocol.timepoints.habitat_scale == scale
        (tmp_path / "again.json").write_text(model_text(model), encoding="utf-8")
        assert load_model(tmp_path / "again.json") == model
