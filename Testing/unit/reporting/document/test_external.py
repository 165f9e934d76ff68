"""What a report of an external validation says of each kind of model: nomogram, classifier, fused, published."""

from __future__ import annotations

import html
import json
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.stats import chi2
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.model.document import ClassifierInput
from HabitatRadiomicsLib.model.nomogram import ClinicalModelPart, ClinicalTerm
from HabitatRadiomicsLib.model.prediction import scores_of
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.reporting.document.external import external_study
from HabitatRadiomicsLib.reporting.study.files import study_text, write_external
from HabitatRadiomicsLib.reporting.study.report import study_html
from HabitatRadiomicsLib.scoring.cohort import CohortScores
from HabitatRadiomicsLib.scoring.explanation import explain
from HabitatRadiomicsLib.system.provenance import document_digest
from HabitatRadiomicsLib.validation.external import ExternalValidation, Opening, external_validation

from ...made_up_tables import cohort

sys.path.append(str(Path(__file__).resolve().parents[3]))

from made_up_models import DEMONSTRATION, classifier_model, nomogram_model, published_model

_OPENING = [Opening("2026-01-01T00:00:00+00:00", "m", "c", 40)]
_CASES = 60
_OUTCOME = np.arange(_CASES) % 3 == 0
#: Two lesions of each of thirty patients.
_PAIRS = {f"P{number:03}": f"patient-{number // 2}" for number in range(_CASES)}


def _values(model: Model, *, effect: float = 1.0) -> np.ndarray:
    """Feature values scattered as in training, which speak for the outcome as the coefficients of the demonstration."""
    generator = np.random.default_rng(7)
    signs = np.sign(load_model(DEMONSTRATION).coefficients)
    columns = []
    for place, feature in enumerate(model.features):
        if feature.name == "clinical:age":
            columns.append(np.round(generator.normal(60, 9, _CASES) - 4 * effect * _OUTCOME))
        elif feature.is_clinical:
            columns.append((generator.random(_CASES) < 0.3 + 0.3 * effect * _OUTCOME).astype(float))
        else:
            z = generator.normal(size=_CASES) + effect * signs[place] * _OUTCOME
            columns.append(feature.mean + feature.sd * z)
    return np.stack(columns, axis=1)


def _found(
    model: Model, values: np.ndarray | None = None, *, patients: dict[str, str] | None = None
) -> ExternalValidation:
    values = _values(model) if values is None else values
    names = [feature.name for feature in model.features]
    covariates = {}
    if "clinical:age" in names:
        columns = [values[:, names.index(f"clinical:{name}")] for name in ("age", "visceral=yes")]
        covariates = {
            f"P{place:03}": {"age": f"{age:g}", "visceral": "yes" if visceral else "no"}
            for place, (age, visceral) in enumerate(zip(*columns))
        }
    given: Cohort = cohort(_OUTCOME.astype(int).tolist(), patients=patients or {}, covariates=covariates)
    documents: dict[str, dict[str, Any]] = {}
    for case, row, score in zip(given.cases, values, scores_of(model, values)):
        line = model.calibration
        documents[case.case_id] = {
            "score": float(score),
            "probability": None if line is None else float(1 / (1 + np.exp(-line.intercept - line.slope * score))),
            "score_interval": None, "probability_interval": None, "cutoff": {"value": model.cutoff.value}, "call": "",
            "warnings": [],
            "contributions": [asdict(one) for one in explain(model, row)[1]],
            "values": dict(zip([feature.name for feature in model.features], row.tolist())),
        }  # fmt: skip
    return external_validation(model, given, CohortScores(model, documents, (), 0), _OPENING)


def _by_name(document: dict[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in document["validation"]["candidates"]}


def _plain(text: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(text))


def _report(folder: Path, found: ExternalValidation) -> str:
    """The text of the report, in which checklists take the model for what is reported, and no case is named."""
    write_external(folder, found)
    written = [folder / "report.html", folder / "study.json", *(folder / "tables").iterdir()]
    assert not [path for path in written if "P003" in path.read_text(encoding="utf-8")]
    text = _plain((folder / "report.html").read_text(encoding="utf-8"))
    assert "AUC, sensitivity, specificity, ..." in text
    assert "measures are missing" not in text
    return text


@pytest.fixture(scope="module")
def nomogram() -> ExternalValidation:
    return _found(nomogram_model())


def test_a_nomogram_is_compared_with_the_rad_score_that_it_is_made_of(nomogram: ExternalValidation) -> None:
    document = external_study(nomogram).document()
    rows = _by_name(document)
    assert {name: row["kind"] for name, row in rows.items()} == {
        "nomogram": "nomogram", "rad-score alone": "rad-score alone",
    }  # fmt: skip
    base = load_model(DEMONSTRATION)
    alone = base.intercept + base.standardised(nomogram.values[:, : len(base.features)]) @ base.coefficients
    areas = [roc_auc_score(_OUTCOME, scores) for scores in (nomogram.scores, alone)]
    assert [row["auc"] for row in rows.values()] == pytest.approx(areas)
    assert rows["rad-score alone"]["auprc"] == pytest.approx(average_precision_score(_OUTCOME, alone), abs=0.02)
    assert rows["rad-score alone"].get("sensitivity") is None
    assert rows["rad-score alone"]["features"] == len(base.features)
    (pair,) = document["validation"]["comparisons"]
    assert (pair["first"], pair["second"]) == ("nomogram", "rad-score alone")
    assert pair["difference"] == pytest.approx(areas[0] - areas[1])
    assert pair["p"] == pytest.approx(_delong_p(nomogram.scores, alone))


def _delong_p(first: np.ndarray, second: np.ndarray) -> float:
    """DeLong's test written out over all pairs of cases."""
    kernels = []
    for scores in (first, second):
        apart = scores[_OUTCOME][:, None] - scores[~_OUTCOME][None, :]
        kernels.append((apart > 0) + 0.5 * (apart == 0))
    over = kernels[0] - kernels[1]
    variance = over.mean(axis=1).var(ddof=1) / _OUTCOME.sum() + over.mean(axis=0).var(ddof=1) / (~_OUTCOME).sum()
    return float(chi2.sf(over.mean() ** 2 / variance, 1))


@pytest.fixture(scope="module")
def with_clinical_model() -> ExternalValidation:
    """The same, and a model of age alone besides."""
    model = nomogram_model()
    assert model.nomogram is not None
    term = ClinicalTerm(term="clinical:age", coefficient=-0.07)
    clinical = ClinicalModelPart(intercept=3.4, inputs=model.nomogram.inputs[:1], terms=(term,))
    return _found(model.model_copy(update={"nomogram": model.nomogram.model_copy(update={"clinical_model": clinical})}))


def test_a_nomogram_is_compared_with_the_clinical_model_of_its_training(
    with_clinical_model: ExternalValidation, tmp_path: Path
) -> None:
    document = external_study(with_clinical_model).document()
    rows = _by_name(document)
    assert [row["kind"] for row in rows.values()] == ["nomogram", "rad-score alone", "clinical"]
    age = with_clinical_model.values[:, -2]
    assert rows["clinical variables alone"]["auc"] == pytest.approx(roc_auc_score(_OUTCOME, -age))
    assert len(document["validation"]["comparisons"]) == 3
    curve = document["decision_curve"]
    risk, place = 1 / (1 + np.exp(-(3.4 - 0.07 * age))), 30
    threshold = curve["thresholds"][place]
    calls = risk >= threshold
    by_hand = (calls & _OUTCOME).mean() - (calls & ~_OUTCOME).mean() * threshold / (1 - threshold)
    assert 0 < calls.sum() < _CASES
    assert curve["clinical variables alone"][place] == pytest.approx(by_hand)
    text = _report(tmp_path, with_clinical_model)
    assert "without clinical factors and the clinical model that was fitted to the same training cases." in text
    assert "Net benefit of acting on the nomogram or the clinical model, on all cases" in text
    assert "clinical variables alone" in (tmp_path / "tables" / "decision_curve.csv").read_text(encoding="utf-8")


def test_its_calibration_is_that_of_its_own_risks_on_these_cases(nomogram: ExternalValidation) -> None:
    found = external_study(nomogram).document()["calibration"]
    risk, log_odds = 1 / (1 + np.exp(-nomogram.scores)), nomogram.scores
    line = sm.GLM(_OUTCOME.astype(float), sm.add_constant(log_odds), family=sm.families.Binomial()).fit()
    shift = sm.GLM(
        _OUTCOME.astype(float), np.ones((_CASES, 1)), family=sm.families.Binomial(), offset=log_odds
    ).fit()  # fmt: skip
    low, high = line.conf_int()[1]
    assert [found["slope"], found["slope_low"], found["slope_high"]] == pytest.approx([line.params[1], low, high])
    assert found["intercept"] == pytest.approx(line.params[0])
    assert [found["citl"], found["citl_low"]] == pytest.approx([shift.params[0], shift.conf_int()[0, 0]])
    assert found["brier"] == pytest.approx(brier_score_loss(_OUTCOME, risk))
    # Ten groups of six: ten degrees of freedom, not eight, for nothing was fitted to these cases.
    order = np.argsort(risk)
    groups = order.reshape(10, 6)
    expected, seen = risk[groups].sum(axis=1), _OUTCOME[groups].sum(axis=1)
    statistic = float(np.sum((seen - expected) ** 2 / (expected * (1 - expected / 6))))
    assert found["hosmer_lemeshow_statistic"] == pytest.approx(statistic)
    assert found["hosmer_lemeshow_degrees"] == 10
    assert found["hosmer_lemeshow_p"] == pytest.approx(chi2.sf(statistic, 10))


def test_identifiers_are_counted_in_table_1_and_not_written(nomogram: ExternalValidation) -> None:
    rows = {case: {**row, "hospital number": f"H-{case}"} for case, row in nomogram.cohort.covariates.items()}
    study = external_study(replace(nomogram, cohort=replace(nomogram.cohort, covariates=rows)))
    assert {row.name: row.kind for row in study.characteristics}["hospital number"] == "identifier"
    assert "H-P" not in study_text(study)


def test_its_report_has_the_figure_the_terms_the_test_and_the_comparison(
    nomogram: ExternalValidation, tmp_path: Path
) -> None:
    text = _report(tmp_path, nomogram)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn >= {"nomogram", "calibration", "decision-curve", "comparison", "roc", "precision-recall", "shap-bar"}
    assert not (tmp_path / "figures" / "odds-ratios.png").exists()
    assert "The frozen nomogram; nothing in it was fitted to these cases." in text
    assert "visceral: yes 0.900 (0.316) 2.46 (1.323 to 4.571)" in text
    assert re.search(r"Hosmer-Lemeshow test: χ² [0-9.]+ with 10 degrees of freedom, as many as groups", text)
    assert re.search(r"nomogram rad-score alone −?0\.\d\d \(−?0\.\d\d to −?0\.\d\d\)", text)
    assert "The nomogram was compared with its rad-score alone" in text
    assert "The Hosmer-Lemeshow test had as many degrees of freedom as groups" in text
    assert "entered a multivariable logistic regression" not in text
    assert "In an external cohort of 60 cases, 20 of them" in text
    assert "the nomogram reached an AUC of" in text
    assert "Net benefit of acting on the nomogram, on all cases" in text
    study = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert study["figures_not_drawn"] == []
    ratios = (tmp_path / "tables" / "nomogram_odds_ratios.csv").read_text(encoding="utf-8").splitlines()
    assert len(ratios) == 1 + 3
    compared = (tmp_path / "tables" / "comparisons.csv").read_text(encoding="utf-8").splitlines()
    assert compared[1].startswith("nomogram,rad-score alone,")


def test_a_nomogram_without_clinical_factors_is_its_rad_score(nomogram: ExternalValidation) -> None:
    model = nomogram_model()
    assert model.nomogram is not None
    covariance = tuple(row[:2] for row in model.nomogram.covariance[:2])
    part = model.nomogram.model_copy(update={"inputs": (), "terms": (), "covariance": covariance})
    count = len(load_model(DEMONSTRATION).features)
    bare = model.model_copy(
        update={
            "nomogram": part,
            "features": model.features[:count],
            "background": tuple(row[:count] for row in model.background),
        }
    )
    document = external_study(_found(bare, nomogram.values[:, :count])).document()
    assert list(_by_name(document)) == ["nomogram"]
    assert document["validation"]["comparisons"] == []


def test_risks_that_separate_the_outcomes_have_no_slope_but_a_brier_score_and_a_curve() -> None:
    model = nomogram_model()
    found = _found(model, _values(model, effect=9.0))
    assert found.scores[_OUTCOME].min() > found.scores[~_OUTCOME].max()
    document = external_study(found).document()
    calibration = document["calibration"]
    assert calibration.get("slope") is None
    assert calibration["brier"] == pytest.approx(brier_score_loss(_OUTCOME, 1 / (1 + np.exp(-found.scores))))
    assert calibration["hosmer_lemeshow_degrees"] == 10
    assert document["decision_curve"] is not None
    text = _plain(study_html(document, {}))
    assert f"There is no calibration slope. {document['calibration_problem']}" in text
    assert "Brier score" in text


def test_of_patients_with_several_lesions_intervals_and_tests_know_it(nomogram: ExternalValidation) -> None:
    single, paired = (
        external_study(nomogram).document(),
        external_study(_found(nomogram_model(), patients=_PAIRS)).document(),
    )
    for name, row in _by_name(paired).items():
        other = _by_name(single)[name]
        assert row["auc"] == other["auc"]
        assert row["auc_low"] != other["auc_low"]
    assert paired["validation"]["comparisons"][0]["p"] != single["validation"]["comparisons"][0]["p"]
    method = paired["validation"]["method"]
    assert "DeLong interval for clustered data (Obuchowski), by patient; the calibration's intervals take" in method
    assert "Obuchowski" not in single["validation"]["method"]
    assert "patient-3" not in json_text(paired)


def _fused() -> Model:
    names = [feature.name for feature in load_model(DEMONSTRATION).features]
    signs = np.sign(load_model(DEMONSTRATION).coefficients).tolist()
    first = ClassifierInput(name="rad-score T1W S2", intercept=-0.2, weights=dict(zip(names[:3], signs)))
    second = ClassifierInput(name="rad-score T2FS S2", intercept=0.1, weights=dict(zip(names[3:5], signs[3:])))
    return classifier_model(first, second, ClassifierInput(name=names[5], intercept=0.0, weights={names[5]: 1.0}))


def test_a_fused_score_is_compared_with_each_rad_score_that_it_joins(tmp_path: Path) -> None:
    model = _fused()
    found = _found(model)
    document = external_study(found).document()
    rows = _by_name(document)
    assert {name: row["kind"] for name, row in rows.items()} == {
        "made-up-classifier": "classifier", "rad-score T1W S2": "rad-score", "rad-score T2FS S2": "rad-score",
    }  # fmt: skip
    z, signs = model.standardised(found.values), np.sign(load_model(DEMONSTRATION).coefficients)
    assert rows["rad-score T1W S2"]["auc"] == pytest.approx(roc_auc_score(_OUTCOME, z[:, :3] @ signs[:3]))
    assert rows["rad-score T2FS S2"]["auc"] == pytest.approx(roc_auc_score(_OUTCOME, z[:, 3:5] @ signs[3:5]))
    assert [rows[name]["features"] for name in rows] == [6, 3, 2]
    assert len(document["validation"]["comparisons"]) == 3
    assert document["calibration"] is None
    text = _report(tmp_path, found)
    assert (tmp_path / "figures" / "comparison.png").is_file()
    assert "with the inputs rad-score T1W S2, rad-score T2FS S2 and" in text
    assert "The score was compared with the rad-scores that it combines." in text
    assert "The marked row is the model; the others, which it is compared with" in text
    assert "There is no calibration. The model gives no probability." in text
    assert "SHAP values of all cases; colour" in text


def test_a_classifier_of_features_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    found = _found(classifier_model(name="random-forest"))
    document = external_study(found).document()
    (row,) = document["validation"]["candidates"]
    assert row["kind"] == "classifier"
    assert row["auc"] == pytest.approx(roc_auc_score(_OUTCOME, found.scores))
    assert document["validation"]["comparisons"] == []
    assert document["nomogram"] is None
    text = _report(tmp_path, found)
    assert "The score is that of the classifier random-forest" in text
    assert "The model has no component score to compare it with." in text
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn >= {"roc", "shap-bar", "beeswarm", "waterfall"}
    assert not {"comparison", "nomogram", "calibration"} & drawn
    study = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert study["figures_not_drawn"] == []


def test_published_coefficients_name_their_reference_cohort(tmp_path: Path) -> None:
    found = _found(published_model())
    document = external_study(found).document()
    assert document["model"]["reference"] == {"description": "eleven made-up lesions", "cases": 11, "excluded": 1}
    assert any("a reference cohort: eleven made-up lesions, 11 cases" in text for text in document["warnings"])
    assert not any("these very cases" in text for text in document["warnings"])
    text = _report(tmp_path, found)
    named = "are those of a reference cohort: eleven made-up lesions, 11 cases (1 more could not be measured)."
    assert text.count(named) == 2  # summary and model
    assert "z-scored by mean and standard deviation of a reference cohort (eleven made-up lesions, 11 cases)" in text
    assert "cases that the model was trained on" not in text
    assert "No probability is given: none comes with the coefficients." in text


def test_a_reference_cohort_that_is_evaluated_itself_is_told() -> None:
    values = _values(published_model())
    found = _found(published_model(document_digest(values.tolist())), values)
    assert (
        external_study(found)
        .document()["warnings"][0]
        .startswith("The means and standard deviations of the model were taken from these very cases")
    )
