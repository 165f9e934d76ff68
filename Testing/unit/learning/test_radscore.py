"""Selection and rad-score: the planted effect is found, noise is not flattered."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.evaluation import auc_with_interval
from HabitatRadiomicsLib.learning import (
    RadScore,
    calibrate,
    coefficient_covariance,
    fit_rad_score,
    select_features,
    stratified_folds,
)
from HabitatRadiomicsLib.protocol import LearningSettings
from HabitatRadiomicsLib.validation import cross_validate


def _cohort(seed: int, cases: int = 60, columns: int = 200) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = np.arange(cases) % 2
    values = generator.normal(size=(cases, columns))
    values[:, 5 % columns] += 1.5 * outcome
    values[:, 9 % columns] -= 1.2 * outcome
    return values, outcome


def test_selection_drops_what_it_must() -> None:
    values, outcome = _cohort(1)
    values[:, 20] = 3.0  # constant
    values[0, 5 + 25] = np.nan
    values[:, 40] = values[:, 5] * 2 + 1e-3 * values[:, 41]  # redundant with 5
    kept = select_features(values, outcome, LearningSettings())
    assert {5, 40} & set(kept)
    assert not {5, 40} <= set(kept)
    assert 9 in kept
    assert not {20, 30} & set(kept)
    from scipy.stats import mannwhitneyu

    for column in kept:
        assert mannwhitneyu(values[outcome == 1, column], values[outcome == 0, column]).pvalue < 0.05


def test_planted_effect_is_found_and_the_score_is_short() -> None:
    values, outcome = _cohort(2)
    score = fit_rad_score(values, outcome, LearningSettings(maximum_features=4), seed=1)
    assert 1 <= len(score.columns) <= 4
    assert {5, 9} <= set(score.columns)
    named = dict(zip(score.columns, score.coefficients))
    assert named[5] > 0 > named[9]
    by_hand = score.intercept + ((values[:, score.columns] - score.means) / score.deviations) @ score.coefficients
    np.testing.assert_allclose(score.score(values), by_hand)


def test_noise_is_not_flattered() -> None:
    """Mean cross-validated AUC over cohorts of pure noise; the training scores' own is far above."""
    outcome = np.arange(60) % 2
    honest, flattered = [], []
    for seed in range(3):
        values = np.random.default_rng(seed).normal(size=(60, 200))
        honest.append(cross_validate(values, outcome, LearningSettings(repeats=1), seed=seed).area(outcome).auc)
        fitted = fit_rad_score(values, outcome, LearningSettings(), seed=seed).score(values)
        flattered.append(auc_with_interval(outcome, fitted).auc)
    assert abs(np.mean(honest) - 0.5) < 0.12
    assert np.mean(flattered) > 0.75


def test_test_cases_change_nothing_in_the_fold_that_they_test() -> None:
    values, outcome = _cohort(4)
    settings = LearningSettings(repeats=1)
    before = cross_validate(values, outcome, settings, seed=5).scores[0]
    training, test = next(iter(stratified_folds(outcome, settings.folds, 5)))
    marked = values.copy()
    marked[test] = 1e6  # the fold's own test cases
    again = fit_rad_score(marked[training], outcome[training], settings, seed=5)
    seen = again.score(values[training])
    np.testing.assert_allclose(before[test], (again.score(values[test]) - seen.mean()) / seen.std())


def test_folds_of_different_scale_are_pooled_in_their_own_standard_deviations() -> None:
    values, outcome = _cohort(9)
    found = cross_validate(values, outcome, LearningSettings(repeats=2), seed=2)
    assert found.scores.shape == (2, 60)
    assert (found.fits, found.empty) == (10, 0)
    assert 0.5 < found.scores.std() < 2
    area = found.area(outcome)
    aucs = [auc_with_interval(outcome, row).auc for row in found.scores]
    assert len(set(aucs)) > 1
    assert area.auc == pytest.approx(np.mean(aucs))


def test_folds_without_a_model_are_counted() -> None:
    generator = np.random.default_rng(11)
    values, outcome = generator.normal(size=(40, 3)), np.arange(40) % 2
    found = cross_validate(values, outcome, LearningSettings(repeats=2, significance=1e-6), seed=1)
    assert (found.fits, found.empty) == (10, 10)
    assert (found.scores == 0).all()
    assert found.area(outcome).auc == 0.5


def test_nothing_to_learn_is_told() -> None:
    generator = np.random.default_rng(6)
    with pytest.raises(LearningError, match="No feature differs by outcome"):
        fit_rad_score(generator.normal(size=(40, 2)), np.arange(40) % 2, LearningSettings(significance=1e-6), seed=1)


def test_covariance_is_that_of_refits_and_seeded() -> None:
    values, outcome = _cohort(7)
    score = fit_rad_score(values, outcome, LearningSettings(maximum_features=4), seed=1)
    one = coefficient_covariance(values, outcome, score, count=60, seed=2)
    np.testing.assert_array_equal(one, coefficient_covariance(values, outcome, score, count=60, seed=2))
    assert one.shape == (len(score.columns) + 1,) * 2
    assert np.linalg.eigvalsh(one).min() > -1e-12
    assert 0.05 < np.sqrt(one[0, 0]) < 2


def test_calibration_recovers_slope_and_intercept() -> None:
    generator = np.random.default_rng(8)
    scores = generator.normal(size=(1, 20_000))
    outcome = (generator.random(20_000) < 1 / (1 + np.exp(-(0.4 + 1.7 * scores[0])))).astype(int)
    found = calibrate(scores, outcome)
    assert found.slope == pytest.approx(1.7, abs=0.08)
    assert found.intercept == pytest.approx(0.4, abs=0.06)
    separated = calibrate(np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([0, 0, 1, 1]))
    assert np.isfinite([separated.slope, separated.intercept]).all()


def test_calibration_covariance_is_that_of_logistic_regression() -> None:
    """Against refits of simulated cohorts; repeats of the same cases must not narrow it."""
    generator = np.random.default_rng(12)
    fits = []
    for _ in range(300):
        scores = generator.normal(size=200)
        outcome = (generator.random(200) < 1 / (1 + np.exp(-(0.3 + 1.2 * scores)))).astype(int)
        fits.append(calibrate(scores[None], outcome))
    simulated = np.cov([[fit.slope, fit.intercept] for fit in fits], rowvar=False)
    typical = np.mean([fit.covariance for fit in fits], axis=0)
    np.testing.assert_allclose(np.diag(typical), np.diag(simulated), rtol=0.3)
    once, thrice = calibrate(scores[None], outcome), calibrate(np.tile(scores, (3, 1)), outcome)
    np.testing.assert_allclose(once.covariance, thrice.covariance, rtol=1e-6)


def test_refits_of_a_nearly_separated_cohort_converge() -> None:
    """At a small penalty many bootstrap samples are separated; their refits take long, and still end."""
    values, outcome = _cohort(13, cases=24, columns=3)
    values[:, 1] = 2.2 * outcome + np.random.default_rng(13).normal(size=24)
    score = RadScore(np.arange(3), values.mean(axis=0), values.std(axis=0, ddof=1), np.zeros(3), 0.0, 3e-5)
    covariance = coefficient_covariance(values, outcome, score, count=60, seed=1)
    assert np.isfinite(covariance).all()
