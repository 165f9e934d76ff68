"""Selection and rad-score: the planted effect is found, noise is not flattered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.lasso import cross_validated_path, lasso_path
from HabitatRadiomicsLib.learning.radscore import calibrate, coefficient_covariance, fit_rad_score
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.learning.strategy import held_out_scores
from HabitatRadiomicsLib.protocol import LearningSettings
from HabitatRadiomicsLib.statistics import auc_with_interval


def _cohort(seed: int, cases: int = 60, columns: int = 200) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = np.arange(cases) % 2
    values = generator.normal(size=(cases, columns))
    values[:, 5 % columns] += 1.5 * outcome
    values[:, 9 % columns] -= 1.2 * outcome
    return values, outcome


def test_planted_effect_is_found_and_the_score_is_short() -> None:
    values, outcome = _cohort(2)
    score = fit_rad_score(values, outcome, LearningSettings(maximum_features=4), seed=1)
    assert 1 <= len(score.columns) <= 4
    assert {5, 9} <= set(score.columns)
    named = dict(zip(score.columns, score.coefficients))
    assert named[5] > 0 > named[9]
    by_hand = score.intercept + ((values[:, score.columns] - score.means) / score.deviations) @ score.coefficients
    np.testing.assert_allclose(score.score(values), by_hand)


def _held_out_auc(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings, seed: int) -> float:
    """AUC of the scores of cases that the score's own columns, scaling and coefficients never saw."""
    scores = np.zeros(len(outcome))
    for training, test in stratified_folds(outcome, settings.folds, seed):
        try:
            score = fit_rad_score(values[training], outcome[training], settings, seed=seed)
        except LearningError:
            continue
        scores[test] = held_out_scores(score, values[training], values[test])
    return auc_with_interval(outcome, scores).auc


def test_noise_is_not_flattered_unless_the_selection_saw_the_test_cases() -> None:
    """Pure noise has an AUC of 0.5. Selection on all cases, before the folds, makes a good score of it (Ambroise and
    McLachlan 2002, doi 10.1073/pnas.102102699)."""
    outcome = np.arange(80) % 2
    settings = LearningSettings(significance=0.02, maximum_features=40)
    every = LearningSettings(significance=1.0, maximum_features=40)
    inside, outside, apparent = [], [], []
    for seed in range(3):
        values = np.random.default_rng(seed).normal(size=(80, 1000))
        inside.append(_held_out_auc(values, outcome, settings, seed))
        seen = select_features(values, outcome, settings)
        outside.append(_held_out_auc(values[:, seen], outcome, every, seed))
        fitted = fit_rad_score(values, outcome, settings, seed=seed).score(values)
        apparent.append(auc_with_interval(outcome, fitted).auc)
    assert abs(np.mean(inside) - 0.5) < 0.1
    assert np.mean(outside) > 0.8
    assert np.mean(apparent) > 0.75


@pytest.mark.parametrize("rule", ["minimum", "one-standard-error"])
def test_penalty_is_that_of_the_rule(rule: str) -> None:
    values, outcome = _cohort(3)
    settings = LearningSettings.model_validate({"penalty_rule": rule})
    score = fit_rad_score(values, outcome, settings, seed=4)
    columns = select_features(values, outcome, settings)
    path = lasso_path(values[:, columns], outcome, stop_above=settings.maximum_features)
    expected = cross_validated_path(
        values,
        outcome,
        stratified_folds(outcome, settings.folds, 4),
        path.penalties,
        lambda some, their_outcome: select_features(some, their_outcome, settings),
    )
    assert expected.one_standard_error > expected.minimum
    penalty = expected.minimum if rule == "minimum" else expected.one_standard_error
    assert score.penalty == pytest.approx(penalty, rel=1e-12)
    step = int(np.argmin(np.abs(path.penalties - penalty)))
    np.testing.assert_array_equal(score.columns, columns[np.flatnonzero(path.coefficients[step])])
    raw = path.intercepts[step] + values[:, columns] @ path.coefficients[step]
    np.testing.assert_allclose(score.score(values), raw, atol=1e-9)
    np.testing.assert_allclose(score.validated.deviance, expected.deviance, rtol=1e-9)


def test_larger_penalty_of_the_two_rules_has_no_more_features() -> None:
    for seed in range(5):
        values, outcome = _cohort(seed)
        smallest = fit_rad_score(values, outcome, LearningSettings(), seed=1)
        simple = fit_rad_score(values, outcome, LearningSettings(penalty_rule="one-standard-error"), seed=1)
        assert simple.penalty >= smallest.penalty
        assert 1 <= len(simple.columns) <= len(smallest.columns)


def test_a_score_of_noise_has_a_feature_and_tells_that_none_would_be_better() -> None:
    worse = 0
    for seed in range(6):
        values, outcome = np.random.default_rng(seed).normal(size=(60, 300)), np.arange(60) % 2
        score = fit_rad_score(values, outcome, LearningSettings(), seed=seed)
        assert len(score.columns) >= 1
        worse += score.penalty != score.validated.minimum
        assert score.penalty < score.validated.penalties[0]
    assert worse >= 3
    values, outcome = _cohort(2)
    clear = fit_rad_score(values, outcome, LearningSettings(), seed=1)
    assert clear.penalty == clear.validated.minimum


def test_selected_columns_are_those_of_all_cases() -> None:
    values, outcome = _cohort(5)
    values[:, 40] = values[:, 5]
    score = fit_rad_score(values, outcome, LearningSettings(), seed=1)
    np.testing.assert_array_equal(score.selected, select_features(values, outcome, LearningSettings()))
    assert set(score.columns) <= set(score.selected)


def test_patients_stay_together_in_the_folds_of_the_penalty() -> None:
    """Ten copies of each case, noise all of it: folds that tear copies apart take the noise for an effect."""
    generator = np.random.default_rng(6)
    values, outcome = np.repeat(generator.normal(size=(40, 60)), 4, axis=0), np.repeat(np.arange(40) % 2, 4)
    values += 0.1 * generator.normal(size=values.shape)
    patients = np.repeat(np.arange(40), 4)
    torn = fit_rad_score(values, outcome, LearningSettings(), seed=1)
    together = fit_rad_score(values, outcome, LearningSettings(), seed=1, groups=patients)
    assert together.validated.deviance.min() > torn.validated.deviance.min() + 0.05
    folds = stratified_folds(outcome, 5, 1, patients)
    settings = LearningSettings()
    expected = cross_validated_path(
        values, outcome, folds, together.validated.penalties, lambda x, y: select_features(x, y, settings)
    )
    np.testing.assert_array_equal(together.validated.deviance, expected.deviance)


def test_score_is_the_same_to_the_bit_and_for_any_order_of_calls() -> None:
    values, outcome = _cohort(8)
    one = fit_rad_score(values, outcome, LearningSettings(), seed=1)
    fit_rad_score(-values, outcome, LearningSettings(), seed=2)
    other = fit_rad_score(values.copy(order="F"), outcome, LearningSettings(), seed=1)
    np.testing.assert_array_equal(one.coefficients, other.coefficients)
    assert (one.intercept, one.penalty) == (other.intercept, other.penalty)


def test_too_few_cases_for_the_folds_are_told() -> None:
    values, outcome = np.random.default_rng(9).normal(size=(30, 3)), np.array([1] * 4 + [0] * 26)
    with pytest.raises(LearningError, match="too few for 5 folds"):
        fit_rad_score(values, outcome, LearningSettings(significance=1.0), seed=1)


def test_nothing_to_learn_is_told() -> None:
    generator = np.random.default_rng(6)
    with pytest.raises(LearningError, match="No feature differs by outcome"):
        fit_rad_score(generator.normal(size=(40, 2)), np.arange(40) % 2, LearningSettings(significance=1e-6), seed=1)
    normal = LearningSettings(significance=1e-6, univariate_test="by-normality")
    with pytest.raises(LearningError, match="Welch or Mann-Whitney p < 1e-06"):
        fit_rad_score(generator.normal(size=(40, 2)), np.arange(40) % 2, normal, seed=1)
    variance = LearningSettings(significance=1e-6, univariate_test="anova")
    with pytest.raises(LearningError, match="ANOVA p < 1e-06"):
        fit_rad_score(generator.normal(size=(40, 2)), np.arange(40) % 2, variance, seed=1)


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
    for _ in range(120):
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
    fitted = fit_rad_score(*_cohort(1), LearningSettings(), seed=1)
    scale = {"means": values.mean(axis=0), "deviations": values.std(axis=0, ddof=1), "coefficients": np.zeros(3)}
    score = replace(fitted, columns=np.arange(3), intercept=0.0, penalty=3e-5, **scale)
    covariance = coefficient_covariance(values, outcome, score, count=60, seed=1)
    assert np.isfinite(covariance).all()
