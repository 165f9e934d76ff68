"""Every kind of outcome and score that cannot be judged is refused with a sentence, by every function that takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import (
    auc_with_interval,
    average_precision,
    brier_score,
    calibration_groups,
    count_calls,
    decision_curve,
    hosmer_lemeshow_test,
    mean_auc,
    performance_table_row,
    precision_recall_curve,
    recalibration,
    roc_band,
    smooth_calibration,
    spiegelhalter_test,
    youden_cut_off,
)
from HabitatRadiomicsLib.statistics.delong import auc_covariance
from HabitatRadiomicsLib.statistics.performance import classify
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval

_OUTCOME = np.array([0, 1, 0, 1, 0, 1])
_PROBABILITY = np.array([0.1, 0.8, 0.3, 0.4, 0.6, 0.7])
_OF_SCORES: dict[str, Callable[..., Any]] = {
    "auc": auc_with_interval,
    "youden": youden_cut_off,
    "delong": lambda outcome, scores: auc_covariance(outcome, np.stack([scores, scores])),
    "band": lambda outcome, scores: roc_band(outcome, scores, count=2, seed=0),
    "precision-recall": precision_recall_curve,
    "average-precision": average_precision,
    "auprc": lambda outcome, scores: average_precision_with_interval(outcome, scores, count=2, seed=0),
    "counts": lambda outcome, scores: count_calls(outcome, scores, 0.5),
    "classify": lambda outcome, scores: classify(outcome, scores, 0.5, count=2, seed=0),
    "mean-auc": mean_auc,
    "row": lambda outcome, scores: performance_table_row(outcome, scores, 0.5, count=2),
}
_OF_PROBABILITY: dict[str, Callable[..., Any]] = {
    "recalibration": recalibration,
    "brier": brier_score,
    "spiegelhalter": spiegelhalter_test,
    "hosmer-lemeshow": lambda outcome, probability: hosmer_lemeshow_test(outcome, probability, groups=3),
    "groups": calibration_groups,
    "smooth": smooth_calibration,
    "decision-curve": decision_curve,
}
_ALL = _OF_SCORES | _OF_PROBABILITY


@pytest.mark.parametrize("name", _ALL)
def test_good_input_is_taken(name: str) -> None:
    _ALL[name](_OUTCOME, _PROBABILITY)


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_no_numbers(name: str, bad: float) -> None:
    with pytest.raises(EvaluationError, match=r"(1 of 6|2 of 12) scores are not finite"):
        _ALL[name](_OUTCOME, np.append(_PROBABILITY[:-1], bad))


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("value", [0, 1])
def test_one_outcome_only(name: str, value: int) -> None:
    with pytest.raises(EvaluationError, match=f"6 (cases )?with outcome {value}"):
        _ALL[name](np.full(6, value), _PROBABILITY)


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize("bad", [np.array([0, 1, 0, 1, 0, 2]), np.array([0, 1, 0, 1, 0, np.nan])])
def test_outcomes_other_than_zero_and_one(name: str, bad: np.ndarray) -> None:
    with pytest.raises(EvaluationError, match="neither 0 nor 1"):
        _ALL[name](bad, _PROBABILITY)


@pytest.mark.parametrize("name", _ALL)
def test_another_number_of_scores(name: str) -> None:
    with pytest.raises(EvaluationError, match="do not belong together"):
        _ALL[name](_OUTCOME, _PROBABILITY[:-1])


@pytest.mark.parametrize("name", ["auc", "delong", "mean-auc", "row"])
def test_a_variance_takes_two_of_each_outcome(name: str) -> None:
    with pytest.raises(EvaluationError, match="at least 2 of each"):
        _ALL[name](np.array([0, 0, 0, 0, 0, 1]), _PROBABILITY)


@pytest.mark.parametrize("name", _OF_PROBABILITY)
@pytest.mark.parametrize("bad", [-0.1, 1.1])
def test_scores_that_are_no_probabilities(name: str, bad: float) -> None:
    with pytest.raises(EvaluationError, match="outside 0 to 1"):
        _OF_PROBABILITY[name](_OUTCOME, np.append(_PROBABILITY[:-1], bad))


@pytest.mark.parametrize("name", _OF_PROBABILITY)
def test_probabilities_are_one_per_case(name: str) -> None:
    with pytest.raises(EvaluationError, match="not one per case"):
        _OF_PROBABILITY[name](_OUTCOME, np.stack([_PROBABILITY, _PROBABILITY]))


def test_booleans_and_floats_are_outcomes_too() -> None:
    expected = auc_with_interval(_OUTCOME, _PROBABILITY)
    assert auc_with_interval(_OUTCOME.astype(bool), _PROBABILITY) == expected
    assert auc_with_interval(_OUTCOME.astype(float), _PROBABILITY) == expected
