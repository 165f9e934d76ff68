"""The preset ``spine-nomogram-mri`` the whole way: a rad-score of what readings agree on, and clinical factors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from HabitatRadiomicsLib.commands.program import main

from .tiny_presets import Run, evaluated_auc, images_of, learned_nothing, rows, train, write

NAME = "spine-nomogram-mri"


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(NAME, tmp_path_factory.mktemp("strong"), seed=1)


def test_a_nomogram_is_learned(strong: Run) -> None:
    # Seeds 1 and 2 were tried: AUC 0.93 and 0.97, age and visceral metastases in both nomograms.
    assert strong.status == 0
    assert strong.performance.auc > 0.9
    assert strong.model.nomogram is not None


def test_planted_factors_are_found_and_noise_is_not(strong: Run) -> None:
    """With the outcome patients are older and have visceral metastases more often; sex is noise."""
    nomogram = strong.model.nomogram
    assert nomogram is not None
    p = {row.factor: row.p for row in nomogram.univariate}
    assert p["age"] < 0.05
    assert p["visceral"] < 0.05
    assert p["sex"] >= 0.05
    assert "sex" in nomogram.left_out
    assert nomogram.clinical_model is not None
    assert {one.name for one in nomogram.clinical_model.inputs} <= {"age", "visceral"}
    odds = {row.term: math.exp(row.coefficient) for row in nomogram.multivariable}
    assert odds["rad-score"] > 1
    assert odds["clinical:age"] > 1
    assert odds["clinical:visceral=yes"] > 1
    assert not [term for term in odds if "sex" in term]


def test_only_features_that_readers_agree_on_with_each_other_and_themselves_enter(strong: Run) -> None:
    reliability = rows(strong.out / "tables" / "reliability.csv")
    inter, intra = (
        {row["feature"] for row in reliability if row["kind"] == kind and float(row["icc"] or "nan") >= 0.75}
        for kind in ("inter-observer", "intra-observer")
    )
    agreed = inter & intra
    assert 0 < len(agreed) < min(len(inter), len(intra))
    assert {row["feature"] for row in reliability if row["kept"] == "yes"} == agreed
    assert {int(row["cases"]) for row in reliability} == {12}
    measured = [feature.name for feature in strong.model.features if not feature.name.startswith("clinical:")]
    assert measured
    assert set(measured) <= agreed


def test_a_new_patient_is_scored_with_clinical_values(strong: Run, tmp_path: Path) -> None:
    write(NAME, tmp_path / "new", seed=98, patients=2)
    known = rows(tmp_path / "new" / "clinical.csv")[1]
    assert strong.model.nomogram is not None
    asked = [row.name for row in strong.model.nomogram.inputs]
    clinical = [text for name in asked for text in ("--clinical", f"{name}={known[name]}")]
    options = ["score", "--model", str(strong.out / "model.json"), *images_of(tmp_path / "new", known["case_id"])]
    assert main([*options, *clinical, "--out", str(tmp_path / "out")]) == 0
    document = json.loads((tmp_path / "out" / "score.json").read_text(encoding="utf-8"))
    assert document["probability"] == pytest.approx(1 / (1 + math.exp(-document["score"])))
    named = {row["name"] for row in document["contributions"]}
    assert {name for name in named if name.startswith("clinical:")}


def test_a_new_patient_without_them_is_refused(strong: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(NAME, tmp_path / "new", seed=98, patients=1)
    case = images_of(tmp_path / "new", rows(tmp_path / "new" / "clinical.csv")[0]["case_id"])
    assert main(["score", "--model", str(strong.out / "model.json"), *case, "--out", str(tmp_path / "out")]) == 2
    assert "age" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("sketches")
def test_it_holds_on_fresh_patients(strong: Run, tmp_path: Path) -> None:
    assert evaluated_auc(NAME, strong.out / "model.json", tmp_path) > 0.8
    study = json.loads((tmp_path / "evaluated" / "study.json").read_text(encoding="utf-8"))
    assert [row["kind"] for row in study["validation"]["candidates"]] == ["nomogram", "rad-score alone", "clinical"]
    assert study["validation"]["comparisons"]
    assert study["calibration"]["hosmer_lemeshow_degrees"] == 10
    assert (tmp_path / "evaluated" / "figures" / "nomogram.png").is_file()


@pytest.mark.usefixtures("sketches")
def test_without_an_effect_nothing_is_claimed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train(NAME, tmp_path, seed=1, effect=0.0)
    assert learned_nothing(run, capsys.readouterr().err)
