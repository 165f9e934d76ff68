"""The curve against scikit-learn; the band against the binomial distribution and a bootstrap of its own."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics import auc_with_interval, roc_band, stratified_resample


def _ties(seed: int, cases: int = 40) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.repeat([0, 1], [cases - cases // 3, cases // 3]))
    return outcome, np.round(generator.normal(outcome, 1.0), 1)


@pytest.mark.parametrize("seed", range(5))
def test_curve_equals_scikit_learn_at_its_points_and_between_them(seed: int) -> None:
    from sklearn.metrics import roc_curve as reference

    outcome, scores = _ties(seed)
    false, true, _ = reference(outcome, scores, drop_intermediate=False)
    points = np.unique(false)
    highest = [true[false == point].max() for point in points]
    found = roc_band(outcome, scores, 1 - points, count=2, seed=0)
    np.testing.assert_allclose(found.sensitivity, highest, atol=1e-12)
    between = (points[1:] + points[:-1]) / 2
    found = roc_band(outcome, scores, 1 - between, count=2, seed=0)
    np.testing.assert_allclose(found.sensitivity, np.interp(between, false, true), atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_area_under_the_curve_is_the_auc(seed: int) -> None:
    """A line from each number of false positives to the next: the sensitivity half way is the mean of the step."""
    outcome, scores = _ties(seed)
    negatives = int((outcome == 0).sum())
    half_way = (np.arange(negatives) + 0.5) / negatives
    found = roc_band(outcome, scores, 1 - half_way, count=2, seed=0)
    assert found.sensitivity.mean() == pytest.approx(auc_with_interval(outcome, scores).auc, rel=1e-12)


def test_equal_scores_give_the_diagonal() -> None:
    band = roc_band(np.array([0, 1, 0, 1]), np.ones(4), np.array([0.0, 0.25, 0.5, 1.0]), count=10, seed=0)
    np.testing.assert_allclose(band.sensitivity, [1, 0.75, 0.5, 0])
    np.testing.assert_allclose(band.low, band.high)


def test_perfect_separation_reaches_the_corner() -> None:
    outcome = np.repeat([0, 1], 6)
    band = roc_band(outcome, np.arange(12.0), np.array([0.0, 0.5, 1.0]), count=20, seed=0)
    np.testing.assert_array_equal(band.sensitivity, [1, 1, 1])
    np.testing.assert_array_equal(band.low, [1, 1, 1])


def test_sensitivity_at_a_specificity_is_the_highest_of_a_step() -> None:
    outcome = np.array([1, 0, 1, 1, 0])
    scores = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    band = roc_band(outcome, scores, np.array([1.0, 0.5, 0.75, 0.0]), count=2, seed=0)
    # At specificity 0.5 the curve rises from 1/3 to 1; between 1.0 and 0.5 it is flat at 1/3.
    np.testing.assert_allclose(band.sensitivity, [1 / 3, 1, 1 / 3, 1])


def test_band_is_binomial_where_it_must_be() -> None:
    """With all negatives equal, sensitivity at specificity 1 is the share of positives above: a binomial share."""
    from scipy.stats import binom

    outcome = np.repeat([0, 1], [20, 30])
    scores = np.concatenate([np.zeros(20), np.repeat([-1.0, 1.0], [12, 18])])
    band = roc_band(outcome, scores, np.array([1.0]), count=4000, seed=1)
    assert band.sensitivity[0] == pytest.approx(0.6)
    np.testing.assert_allclose([band.low[0], band.high[0]], binom.ppf([0.025, 0.975], 30, 0.6) / 30, atol=1 / 30 + 1e-9)


def test_band_equals_the_replicates_one_by_one() -> None:
    from sklearn.metrics import roc_curve as reference

    outcome, scores = _ties(3)
    at = np.array([0.95, 0.72, 0.31])  # between the points, where there is one answer
    drawn = []
    for replicate in range(80):
        sample = stratified_resample(outcome, 2, replicate)
        false, true, _ = reference(outcome, scores[sample], drop_intermediate=False)
        drawn.append(np.interp(1 - at, false, true))
    band = roc_band(outcome, scores, at, count=80, seed=2)
    np.testing.assert_allclose([band.low, band.high], np.quantile(drawn, [0.025, 0.975], axis=0), rtol=1e-9)


def test_band_equals_a_bootstrap_written_out() -> None:
    outcome, scores = _ties(7)
    at = np.array([0.9, 0.7, 0.5])
    generator = np.random.default_rng(99)  # another stream, so that only the distribution can agree
    positive, negative = scores[outcome == 1], scores[outcome == 0]
    drawn = []
    for _ in range(3000):
        ones, zeros = (generator.choice(group, len(group)) for group in (positive, negative))
        cuts = np.unique(np.concatenate([ones, zeros]))[::-1]
        false = np.concatenate([[0], [(zeros >= cut).mean() for cut in cuts]])
        true = np.concatenate([[0], [(ones >= cut).mean() for cut in cuts]])
        drawn.append(np.interp(1 - at + 1e-9, false, true))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    band = roc_band(outcome, scores, at, count=3000, seed=1)
    np.testing.assert_allclose(band.low, low, atol=0.08)  # sensitivities step by 1/13
    np.testing.assert_allclose(band.high, high, atol=0.08)


def test_repeats_are_averaged_and_the_seed_decides() -> None:
    outcome, scores = _ties(2)
    other = scores + np.random.default_rng(0).normal(size=len(scores))
    at = np.linspace(0, 1, 11)
    both = roc_band(outcome, np.stack([scores, other]), at, count=50, seed=5)
    single = [roc_band(outcome, row, at, count=50, seed=5) for row in (scores, other)]
    np.testing.assert_allclose(both.sensitivity, np.mean([one.sensitivity for one in single], axis=0))
    again = roc_band(outcome, np.stack([scores, other]), at, count=50, seed=5)
    np.testing.assert_array_equal(both.low, again.low)
    assert (roc_band(outcome, scores, count=50, seed=6).low != roc_band(outcome, scores, count=50, seed=5).low).any()
    assert roc_band(outcome, scores, count=2, seed=0).specificity.shape == (101,)
