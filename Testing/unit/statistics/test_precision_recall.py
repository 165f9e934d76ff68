"""Precision-recall points and area against scikit-learn; the interval against a bootstrap written out."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics import average_precision, precision_recall_curve
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.statistics.resampling import stratified_resample


def _ties(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.repeat([0, 1], [30, 12]))
    return outcome, np.round(generator.normal(outcome, 1.0), 1)


@pytest.mark.parametrize("seed", range(5))
def test_points_and_area_equal_scikit_learn(seed: int) -> None:
    from sklearn.metrics import average_precision_score
    from sklearn.metrics import precision_recall_curve as reference

    outcome, scores = _ties(seed)
    precision, recall = precision_recall_curve(outcome, scores)
    expected_precision, expected_recall, _ = reference(outcome, scores)
    np.testing.assert_allclose(precision, expected_precision[-2::-1])
    np.testing.assert_allclose(recall, expected_recall[-2::-1])
    assert average_precision(outcome, scores) == pytest.approx(average_precision_score(outcome, scores), rel=1e-12)


def test_interval_equals_the_replicates_one_by_one() -> None:
    from sklearn.metrics import average_precision_score

    outcome, scores = _ties(1)
    drawn = [
        average_precision_score(outcome, scores[stratified_resample(outcome, 3, replicate)]) for replicate in range(200)
    ]
    found = average_precision_with_interval(outcome, scores, count=200, seed=3)
    np.testing.assert_allclose([found.low, found.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)
    assert found.value == pytest.approx(average_precision_score(outcome, scores))


def test_interval_over_repeats_draws_cases_jointly() -> None:
    from sklearn.metrics import average_precision_score

    outcome, first = _ties(1)
    scores = np.stack([first, np.random.default_rng(8).normal(outcome, 1.0)])
    drawn = []
    for replicate in range(100):
        sample = stratified_resample(outcome, 3, replicate)
        drawn.append(np.mean([average_precision_score(outcome, row[sample]) for row in scores]))
    found = average_precision_with_interval(outcome, scores, count=100, seed=3)
    np.testing.assert_allclose([found.low, found.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)


def test_equal_scores_have_the_prevalence() -> None:
    outcome, _ = _ties(0)
    found = average_precision_with_interval(outcome, np.ones(42), count=50, seed=0)
    np.testing.assert_allclose([found.value, found.low, found.high], 12 / 42)


def test_few_positives_give_numbers() -> None:
    outcome = np.repeat([0, 1], [28, 2])
    found = average_precision_with_interval(outcome, np.random.default_rng(0).normal(size=30), count=500, seed=0)
    assert 0 < found.low <= found.value <= found.high <= 1


def test_a_perfect_ranking_is_not_called_certain() -> None:
    outcome = np.repeat([0, 1], [20, 7])
    found = average_precision_with_interval(outcome, np.arange(27.0), count=50, seed=0)
    assert found.value == pytest.approx(1)
    assert found.low == pytest.approx(0.025 ** (1 / 7))
    assert found.high == pytest.approx(1)
