"""External validation: the frozen model, cut-off and probabilities, and nothing fitted."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.reporting.document.external import external_study
from HabitatRadiomicsLib.scoring.cohort import CohortScores
from HabitatRadiomicsLib.validation.external import (
    ExternalValidation,
    Opening,
    check_outcomes_of_both,
    external_validation,
)

from ..made_up_tables import cohort

_FIRST = [Opening("2026-01-01T00:00:00+00:00", "m", "c", 20)]
_OUTCOMES = [0, 1] * 10
_SCORES = np.round(np.random.default_rng(1).normal(size=20) + 1.2 * np.array(_OUTCOMES), 3)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("t790m-spine-demo")


def _result(model: Model, given: Cohort, *, lost: int = 0, probability: bool = True) -> CohortScores:
    names = [feature.name for feature in model.features]
    documents: dict[str, dict[str, Any]] = {}
    for case, score in list(zip(given.cases, _SCORES))[lost:]:
        rows = [{"name": name, "shap": float(score) + place, "value": 2.0 * place} for place, name in enumerate(names)]
        chance = float(1 / (1 + np.exp(-0.8 * score))) if probability else None
        documents[case.case_id] = {
            "score": float(score),
            "probability": chance,
            "contributions": rows[::-1],
            "values": {row["name"]: row["value"] for row in rows},
        }
    problems = tuple(CaseProblem(case.case_id, "scores", "The mask is empty.") for case in given.cases[:lost])
    return CohortScores(model, documents, problems, 0)


def _found(model: Model, **more: Any) -> ExternalValidation:
    given = cohort(_OUTCOMES, covariates={f"P{place:03}": {"age": str(50 + place)} for place in range(20)})
    return external_validation(model, given, _result(model, given, **more), _FIRST)


def test_scores_probabilities_and_contributions_stand_beside_their_outcomes(model: Model) -> None:
    found = _found(model, lost=3)
    assert found.outcome.tolist() == _OUTCOMES[3:]
    assert found.scores.tolist() == _SCORES[3:].tolist()
    assert found.probability == pytest.approx(1 / (1 + np.exp(-0.8 * _SCORES[3:])))
    assert found.contributions[:, 1] == pytest.approx(_SCORES[3:] + 1)
    assert found.values[0].tolist() == [2.0 * place for place in range(len(model.features))]


def test_performance_is_that_of_the_scores_at_the_models_own_cut_off(model: Model) -> None:
    document = external_study(_found(model)).document()
    (row,) = document["validation"]["candidates"]
    outcome = np.array(_OUTCOMES)
    pairs = [(a, b) for a in _SCORES[outcome == 1] for b in _SCORES[outcome == 0]]
    assert row["auc"] == pytest.approx(np.mean([float(a > b) + 0.5 * float(a == b) for a, b in pairs]))
    calls = model.cutoff.value <= _SCORES
    assert row["sensitivity"] == pytest.approx(calls[outcome == 1].mean())
    assert row["specificity"] == pytest.approx((~calls)[outcome == 0].mean())
    assert row["accuracy"] == pytest.approx((calls == outcome).mean())
    assert row["ppv"] == pytest.approx(outcome[calls].mean())
    assert row["auc_low"] < row["auc"] < row["auc_high"]
    assert document["calibration"]["brier"] == pytest.approx(np.mean((1 / (1 + np.exp(-0.8 * _SCORES)) - outcome) ** 2))


def test_the_decision_curve_is_of_the_models_probabilities(model: Model) -> None:
    curve = external_study(_found(model)).document()["decision_curve"]
    outcome, chance = np.array(_OUTCOMES), 1 / (1 + np.exp(-0.8 * _SCORES))
    for threshold, benefit in list(zip(curve["thresholds"], curve["model"]))[5::20]:
        calls = chance >= threshold
        by_hand = (calls & (outcome == 1)).mean() - (calls & (outcome == 0)).mean() * threshold / (1 - threshold)
        assert benefit == pytest.approx(by_hand)


def test_a_model_without_probabilities_has_neither_calibration_nor_decisions(model: Model) -> None:
    found = _found(model, probability=False)
    assert found.probability is None
    document = external_study(found).document()
    assert document["calibration"] is None
    assert document["decision_curve"] is None


def test_the_document_tells_who_was_left_out_and_that_nothing_was_fitted(model: Model) -> None:
    found = _found(model, lost=2)
    document = json.loads(json_text(external_study(found).document()))
    assert document["flow"] == {
        "cases": 20, "excluded": [{"reason": "The mask is empty.", "cases": 2}], "analysed": 18, "events": 9,
    }  # fmt: skip
    assert document["problems"] == [{"step": "scores", "count": 2, "problem": "The mask is empty."}]
    assert document["validation"]["external"] is True
    assert "nothing was fitted, the cut-off included" in document["validation"]["method"]
    assert "for the first time on 2026-01-01" in document["validation"]["method"]
    assert document["model"]["cutoff"]["value"] == model.cutoff.value
    assert document["notice"].startswith("Demonstration model")
    assert "P003" not in json_text(document)
    assert [row["name"] for row in document["characteristics"]][:1] == ["age"]


def test_a_second_look_is_told_in_the_document(model: Model) -> None:
    given = cohort(_OUTCOMES)
    found = external_validation(model, given, _result(model, given), [*_FIRST, *_FIRST])
    assert "had seen this cohort before" in external_study(found).document()["validation"]["method"]


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([0] * 8, "0 cases with outcome 1 and 8 with 0"),
        ([1] * 8, "8 cases with outcome 1 and 0"),
        ([1, 0, 0], "1 cases"),
    ],
)
def test_a_cohort_of_one_outcome_is_refused(outcomes: list[int], told: str) -> None:
    with pytest.raises(CohortError, match=told):
        check_outcomes_of_both(cohort(outcomes))


def test_a_cohort_without_outcomes_is_refused() -> None:
    with pytest.raises(CohortError, match="have no outcomes"):
        check_outcomes_of_both(Cohort(cohort([0, 1]).cases))


def test_where_too_few_could_be_scored_it_is_refused(model: Model) -> None:
    given = cohort([1, 1, 1] + [0] * 6)
    with pytest.raises(CohortError, match="1 cases with outcome 1 and 6 with 0"):
        external_validation(model, given, _result(model, given, lost=2), _FIRST)
