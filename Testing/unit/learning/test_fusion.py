"""Rad-scores of regions and deep features, joined by a classifier."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.fusion import FusedScore, fit_fused
from HabitatRadiomicsLib.protocol import FusionSettings, LearningSettings
from HabitatRadiomicsLib.statistics import auc_with_interval

CASES, COLUMNS = 80, 30
REGIONS = {"CT whole": np.arange(0, 12), "CT ring": np.arange(12, 24)}
SINGLE = np.arange(24, 30)
LEARNING = LearningSettings(folds=4)


def a_table(effect: float, *, seed: int, cases: int = CASES) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of the tumour, two of the ring and one deep one carry the effect."""
    generator = np.random.default_rng(seed)
    outcome = np.arange(cases) % 2
    values = generator.normal(size=(cases, COLUMNS))
    for column in (0, 1, 12, 13, 24):
        values[:, column] += effect * outcome
    return values, outcome


def fitted(effect: float, classifiers: tuple[str, ...] = ("svm", "logistic-regression"), seed: int = 1) -> FusedScore:
    values, outcome = a_table(effect, seed=seed)
    fusion = FusionSettings(classifiers=classifiers, deep_features=2)
    return fit_fused(values, outcome, REGIONS, SINGLE, LEARNING, fusion, seed=3)


def test_a_planted_effect_is_found_on_cases_that_were_not_seen() -> None:
    score = fitted(1.5)
    values, outcome = a_table(1.5, seed=99, cases=400)
    assert auc_with_interval(outcome, score.score(values)).auc > 0.9
    assert auc_with_interval(a_table(1.5, seed=1)[1], score.held_out).auc > 0.9
    assert [part.name for part in score.rad_scores] == ["CT whole", "CT ring"]
    assert 24 in score.single


def test_noise_scores_by_chance() -> None:
    values, outcome = a_table(0.0, seed=5)
    try:
        score = fit_fused(values, outcome, REGIONS, SINGLE, LEARNING, FusionSettings(deep_features=2), seed=3)
    except LearningError:
        return  # nothing differed: nothing is learned
    new, new_outcome = a_table(0.0, seed=77, cases=400)
    area = auc_with_interval(new_outcome, score.score(new))
    assert area.low <= 0.5 <= area.high


def test_every_classifier_is_compared_and_the_best_is_taken() -> None:
    names = ("svm", "knn", "random-forest", "naive-bayes", "logistic-regression", "mlp", "lda")
    score = fitted(0.8, names)
    assert tuple(result.classifier for result in score.compared) == names
    assert score.classifier == max(score.compared, key=lambda result: result.auc).classifier


def test_inputs_are_the_rad_scores_in_training_deviations_then_single_columns_z_scored() -> None:
    score = fitted(1.0)
    values, _ = a_table(1.0, seed=1)
    inputs = score.inputs(values)
    assert inputs.shape == (CASES, len(score.rad_scores) + len(score.single))
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(inputs[:, : len(score.rad_scores)].std(axis=0), 1, atol=1e-12)
    part = score.rad_scores[1]
    by_hand = part.score.intercept + sum(
        coefficient * (values[:, column] - mean) / deviation
        for column, mean, deviation, coefficient in zip(
            part.score.columns, part.score.means, part.score.deviations, part.score.coefficients
        )
    )
    np.testing.assert_allclose(inputs[:, 1], (by_hand - by_hand.mean()) / by_hand.std(), atol=1e-12)
    assert set(part.score.columns) <= set(REGIONS["CT ring"])


def test_a_case_without_one_of_the_columns_has_no_score() -> None:
    score = fitted(1.5)
    values, _ = a_table(1.5, seed=2)
    values[3, score.columns[0]] = np.nan
    found = score.score(values)
    assert np.flatnonzero(np.isnan(found)).tolist() == [3]


def test_the_same_table_gives_the_same_bytes() -> None:
    first, second = fitted(1.0), fitted(1.0)
    np.testing.assert_array_equal(first.held_out, second.held_out)
    np.testing.assert_array_equal(first.score(a_table(1.0, seed=9)[0]), second.score(a_table(1.0, seed=9)[0]))


def test_cases_of_a_patient_stay_together() -> None:
    """With each case doubled, a random forest would recognise a case whose double it had seen."""
    values, outcome = a_table(0.0, seed=8, cases=40)
    doubled, twice = np.repeat(values, 2, axis=0), np.repeat(outcome, 2)
    fusion = FusionSettings(classifiers=("random-forest",), deep_features=6)
    score = fit_fused(
        doubled, twice, {}, np.arange(COLUMNS), LearningSettings(folds=4, significance=1.0), fusion,
        seed=3, groups=np.repeat(np.arange(40), 2),
    )  # fmt: skip
    assert auc_with_interval(twice, score.held_out).auc < 0.8


def test_nothing_to_learn_is_a_sentence() -> None:
    values, outcome = np.ones((40, COLUMNS)), np.arange(40) % 2
    with pytest.raises(LearningError, match="No region and no deep feature"):
        fit_fused(values, outcome, REGIONS, SINGLE, LEARNING, FusionSettings(), seed=1)


def test_single_columns_are_those_with_the_smallest_p_however_large_it_is() -> None:
    values, outcome = a_table(1.5, seed=1)
    values[:, SINGLE] = np.random.default_rng(3).normal(size=(CASES, len(SINGLE)))
    score = fit_fused(values, outcome, REGIONS, SINGLE, LEARNING, FusionSettings(deep_features=2), seed=3)
    p = [mannwhitneyu(values[outcome == 1, column], values[outcome == 0, column]).pvalue for column in SINGLE]
    assert score.single.tolist() == SINGLE[np.argsort(p)[:2]].tolist()
    assert min(p) > LEARNING.significance
