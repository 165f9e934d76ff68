"""Calls at a cut-off against scikit-learn, a table counted by hand, and a bootstrap written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import count_calls, sensitivity_and_specificity, stratified_resample
from HabitatRadiomicsLib.statistics.intervals import wilson
from HabitatRadiomicsLib.statistics.performance import classify


def _cases(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.repeat([0, 1], [25, 15]))
    return outcome, np.round(generator.normal(outcome, 1.0), 1)


@pytest.mark.parametrize("seed", range(3))
def test_proportions_equal_scikit_learn(seed: int) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

    outcome, scores = _cases(seed)
    calls = scores >= 0.5
    found = classify(outcome, scores, 0.5, count=20, seed=0)
    tn, fp, fn, tp = confusion_matrix(outcome, calls).ravel()
    counts = count_calls(outcome, scores, 0.5)
    assert (counts.true_negatives, counts.false_positives) == (tn, fp)
    assert (counts.false_negatives, counts.true_positives) == (fn, tp)
    assert found["sensitivity"].value == pytest.approx(recall_score(outcome, calls))
    assert found["specificity"].value == pytest.approx(recall_score(1 - outcome, ~calls))
    assert found["accuracy"].value == pytest.approx(accuracy_score(outcome, calls))
    assert found["ppv"].value == pytest.approx(precision_score(outcome, calls))
    assert found["npv"].value == pytest.approx(precision_score(1 - outcome, ~calls))
    assert found["f1"].value == pytest.approx(f1_score(outcome, calls))
    assert (found["sensitivity"].value, found["specificity"].value) == sensitivity_and_specificity(outcome, scores, 0.5)


def test_intervals_are_wilsons_of_the_right_trials() -> None:
    outcome = np.repeat([1, 0], [10, 20])
    scores = np.concatenate([np.repeat([1.0, 0.0], [7, 3]), np.repeat([1.0, 0.0], [4, 16])])
    found = classify(outcome, scores, 1.0, count=20, seed=0)  # a score at the cut-off is called positive
    assert found["sensitivity"] == wilson(7, 10)
    assert found["specificity"] == wilson(16, 20)
    assert found["accuracy"] == wilson(23, 30)
    assert found["ppv"] == wilson(7, 11)
    assert found["npv"] == wilson(16, 19)


def test_f1_interval_equals_the_replicates_one_by_one() -> None:
    from sklearn.metrics import f1_score

    outcome, scores = _cases()
    calls = scores >= 0.5
    drawn = [f1_score(outcome, calls[stratified_resample(outcome, 4, replicate)]) for replicate in range(150)]
    found = classify(outcome, scores, 0.5, count=150, seed=4)["f1"]
    np.testing.assert_allclose([found.low, found.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)


def test_repeats_give_mean_counts_and_intervals_of_one_repeat() -> None:
    outcome, first = _cases()
    scores = np.stack([first, first[::-1], np.random.default_rng(1).normal(outcome, 1.0)])
    found = classify(outcome, scores, 0.5, count=60, seed=4)
    each = [count_calls(outcome, row, 0.5) for row in scores]
    hits = float(np.mean([one.true_positives for one in each]))
    assert count_calls(outcome, scores, 0.5).true_positives == pytest.approx(hits)
    assert found["sensitivity"] == wilson(hits, 15)
    drawn = []
    for replicate in range(60):
        sample = stratified_resample(outcome, 4, replicate)
        drawn.append(count_calls(outcome, scores[:, sample], 0.5).f1)
    np.testing.assert_allclose([found["f1"].low, found["f1"].high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)


def test_cut_offs_may_differ_by_repeat_and_case() -> None:
    outcome, scores = _cases()
    shift = np.arange(40) % 5.0
    assert count_calls(outcome, scores + shift, 0.5 + shift) == count_calls(outcome, scores, 0.5)
    repeats = np.stack([scores, scores + 10])
    assert count_calls(outcome, repeats, np.array([[0.5], [10.5]])) == count_calls(outcome, scores, 0.5)


def test_nobody_and_everybody_called() -> None:
    outcome, scores = _cases()
    nobody = classify(outcome, scores, 99.0, count=20, seed=0)
    assert math.isnan(nobody["ppv"].value)
    assert (nobody["ppv"].low, nobody["ppv"].high) == (0.0, 1.0)
    assert nobody["sensitivity"].value == nobody["f1"].value == 0
    assert 0 < nobody["f1"].high < 0.5
    everybody = classify(outcome, scores, -99.0, count=20, seed=0)
    assert math.isnan(everybody["npv"].value)
    assert everybody["specificity"].value == 0
    assert everybody["ppv"] == wilson(15, 40)


def test_perfect_calls_are_not_called_certain() -> None:
    found = classify(np.repeat([0, 1], 8), np.repeat([0.0, 1.0], 8), 0.5, count=20, seed=0)
    assert found["f1"].value == 1
    assert found["f1"].low == pytest.approx(0.025 ** (1 / 8))
    assert found["sensitivity"].low < 0.7


def test_cut_offs_that_do_not_fit_are_refused() -> None:
    outcome, scores = _cases()
    with pytest.raises(EvaluationError, match="do not fit"):
        classify(outcome, scores, np.zeros(3), count=2, seed=0)
    with pytest.raises(EvaluationError, match="not a number"):
        count_calls(outcome, scores, math.nan)
