"""The correction for overlapping training sets: its closed form, and what intervals then cover in a simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import auc_with_interval, compare_aucs, mean_auc
from HabitatRadiomicsLib.statistics.intervals import overlap_factor, p_of, reach_of


@pytest.mark.parametrize("folds", [2, 3, 5, 10, 40])
def test_the_factor_is_nadeau_and_bengios_over_that_of_independent_folds(folds: int) -> None:
    tested_to_trained = (1 / folds) / (1 - 1 / folds)
    assert overlap_factor(folds) == pytest.approx((1 / folds + tested_to_trained) / (1 / folds), rel=1e-12)


def test_a_frozen_score_has_no_overlap() -> None:
    assert overlap_factor(None) == 1.0
    assert reach_of(2.0, 12, None) == pytest.approx(2 * 1.959964, rel=1e-6)
    assert p_of(1.959964, 12, None) == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize("folds", [1, 0, -3])
def test_folds_that_hold_nothing_out_are_refused(folds: int) -> None:
    with pytest.raises(EvaluationError, match="holds nothing out"):
        overlap_factor(folds)


def test_reach_and_p_are_students() -> None:
    from scipy.stats import t

    assert reach_of(2.0, 12, 5) == pytest.approx(2 * t.ppf(0.975, 11), rel=1e-12)
    assert p_of(-1.7, 12, 5) == pytest.approx(2 * t.sf(1.7, 11), rel=1e-12)
    assert math.isnan(p_of(math.nan, 12, 5))


def test_the_interval_of_held_out_scores_is_as_much_wider() -> None:
    from scipy.stats import t

    outcome = np.repeat([0, 1], [25, 15])
    scores = np.random.default_rng(2).normal(0.4 * outcome, 1.0, (3, 40))
    plain, corrected = mean_auc(outcome, scores), mean_auc(outcome, scores, folds=5)
    assert corrected.auc == plain.auc
    assert corrected.variance == pytest.approx(2.25 * plain.variance, rel=1e-12)
    assert corrected.auc - corrected.low == pytest.approx(t.ppf(0.975, 14) * corrected.variance**0.5, rel=1e-12)


def test_patients_and_not_their_lesions_are_degrees_of_freedom() -> None:
    from scipy.stats import t

    generator = np.random.default_rng(4)
    patient = np.repeat(np.arange(16), 3)
    outcome = patient % 2
    scores = generator.normal(size=48) + 0.3 * outcome
    found = mean_auc(outcome, scores, clusters=patient, folds=4)
    plain = auc_with_interval(outcome, scores, clusters=patient)
    assert found.variance == pytest.approx((1 + 4 / 3) * plain.variance, rel=1e-12)
    assert found.high - found.auc == pytest.approx(t.ppf(0.975, 7) * found.variance**0.5, rel=1e-12)


def test_differences_of_held_out_scores_are_tested_with_the_same_correction() -> None:
    from scipy.stats import t

    outcome = np.repeat([0, 1], [25, 15])
    scores = np.random.default_rng(5).normal(outcome, 1.0, (2, 40))
    named = {"a": scores[0], "b": scores[1] - outcome}
    (plain,), (corrected,) = compare_aucs(outcome, named), compare_aucs(outcome, named, folds=5)
    assert corrected.difference == plain.difference
    assert corrected.z == pytest.approx(plain.z / 1.5, rel=1e-12)
    assert corrected.p > plain.p
    assert corrected.high - corrected.low > 1.5 * (plain.high - plain.low)
    # The interval and p come from the same t with 14 degrees of freedom.
    deviation = (corrected.high - corrected.low) / 2 / t.ppf(0.975, 14)
    assert corrected.p == pytest.approx(2 * t.sf(abs(corrected.difference) / deviation, 14), rel=1e-9)


def cross_validated(seed: int, cohorts: int, cases: int, columns: int, folds: int) -> tuple[np.ndarray, np.ndarray]:
    """Held-out scores of cohorts without any effect: of correlated columns the three that differ most by outcome, each
    with its sign and z-scored, are summed; all of it anew in each fold. Shape (cohorts, cases)."""
    generator = np.random.default_rng(seed)
    outcome = np.arange(cases) % 2
    fold = (np.arange(cases) // 2) % folds  # of exchangeable cases any stratified split will do
    common = generator.normal(size=(cohorts, cases, 1))
    values = 0.7 * common + 0.7 * generator.normal(size=(cohorts, cases, columns))
    scores = np.empty((cohorts, cases))
    for number in range(folds):
        training, test = values[:, fold != number], values[:, fold == number]
        z = (training.mean(axis=1), training.std(axis=1))
        difference = training[:, outcome[fold != number] == 1].mean(axis=1) - z[0]
        rank = np.argsort(-np.abs(difference / z[1]), axis=1)[:, :3]
        weights = np.zeros((cohorts, columns))
        np.put_along_axis(weights, rank, np.sign(np.take_along_axis(difference, rank, 1)), 1)
        fitted, unseen = (
            np.einsum("cij,cj->ci", (part - z[0][:, None]) / z[1][:, None], weights) for part in (training, test)
        )
        scores[:, fold == number] = unseen / fitted.std(axis=1, keepdims=True)
    return outcome, scores


@pytest.mark.parametrize(("cases", "folds"), [(24, 3), (24, 5), (40, 5)])
def test_chance_lies_in_the_interval_as_often_as_it_says_where_delongs_leaves_it_out(cases: int, folds: int) -> None:
    outcome, scores = cross_validated(cases + folds, 400, cases, 40, folds)
    found = {name: [mean_auc(outcome, row, folds=k) for row in scores] for name, k in (("own", folds), ("plain", None))}
    covered = {name: np.mean([area.low <= 0.5 <= area.high for area in areas]) for name, areas in found.items()}
    assert 0.94 <= covered["own"] <= 0.995
    assert covered["plain"] < 0.9
