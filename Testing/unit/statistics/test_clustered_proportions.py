"""Sensitivity and the like where patients have several lesions: definition, what it extends, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import performance_table_row, roc_band
from HabitatRadiomicsLib.statistics.clustered import design_effect
from HabitatRadiomicsLib.statistics.intervals import wilson
from HabitatRadiomicsLib.statistics.performance import classify
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.statistics.resampling import grouped_resample

PROPORTIONS = ("sensitivity", "specificity", "accuracy", "ppv", "npv")


def lesions(seed: int, patients: int, *, alike: float, each: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, score and patient of each lesion; lesions of a patient share a part of their scores."""
    generator = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), generator.integers(1, each + 1, patients))
    outcome = patient % 2
    common = generator.normal(size=patients)[patient]
    return outcome, alike * common + (1 - alike**2) ** 0.5 * generator.normal(size=len(patient)) + outcome, patient


def trials_of(name: str, outcome: np.ndarray, calls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which lesions are trials of a measure, and which of those are successes."""
    counted = {
        "sensitivity": outcome == 1, "specificity": outcome == 0, "accuracy": outcome >= 0, "ppv": calls, "npv": ~calls,
    }[name]  # fmt: skip
    return counted, counted & (calls == (outcome == 1))


def by_definition(counted: np.ndarray, right: np.ndarray, patient: np.ndarray) -> float:
    """Rao and Scott's design effect, patient by patient."""
    share = right.sum() / counted.sum()
    groups = [np.flatnonzero(counted & (patient == name)) for name in np.unique(patient)]
    groups = [group for group in groups if len(group)]
    total = 0.0
    for group in groups:
        total += (sum(bool(right[place]) for place in group) - share * len(group)) ** 2
    variance = len(groups) / (len(groups) - 1) * total / counted.sum() ** 2
    return max(1.0, variance / (share * (1 - share) / counted.sum()))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", PROPORTIONS)
def test_the_interval_is_wilsons_of_as_many_trials_as_the_definition_leaves(seed: int, name: str) -> None:
    outcome, scores, patient = lesions(seed, 18, alike=0.9)
    outcome = outcome.copy()
    outcome[::7] ^= 1  # some patients have lesions of both outcomes
    counted, right = trials_of(name, outcome, scores >= 0.5)
    effect = by_definition(counted, right, patient)
    found = classify(outcome, scores, 0.5, count=5, seed=0, clusters=patient)[name]
    expected = wilson(right.sum() / effect, counted.sum() / effect)
    assert found.value == right.sum() / counted.sum()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_one_lesion_per_patient_is_todays_row_to_the_last_bit() -> None:
    outcome, _, _ = lesions(1, 40, alike=0.0, each=1)
    scores = np.random.default_rng(2).normal(outcome, 1.0, (3, 40))
    names = [f"P{number}" for number in range(40)]
    plain = performance_table_row(outcome, scores, 0.5, count=50, seed=1)
    assert performance_table_row(outcome, scores, 0.5, count=50, seed=1, clusters=names) == plain
    bands = [roc_band(outcome, scores, count=20, seed=1, clusters=clusters) for clusters in (None, names)]
    np.testing.assert_array_equal(bands[0].low, bands[1].low)


def test_trials_of_which_no_patient_has_two_are_independent() -> None:
    """Every patient has one lesion with the outcome and two without: sensitivity counts patients already."""
    outcome = np.tile([1, 0, 0], 12)
    patient = np.repeat(np.arange(12), 3)
    scores = np.random.default_rng(3).normal(outcome, 1.0)
    plain, clustered = (classify(outcome, scores, 0.5, count=5, seed=0, clusters=who) for who in (None, patient))
    assert clustered["sensitivity"] == plain["sensitivity"]


def test_the_same_lesion_many_times_tells_hardly_more_than_once() -> None:
    outcome, scores, _ = lesions(5, 60, alike=0.0, each=1)
    once = classify(outcome, scores, 0.5, count=5, seed=0)
    patient = np.repeat(np.arange(60), 4)
    four = classify(np.repeat(outcome, 4), np.repeat(scores, 4), 0.5, count=5, seed=0, clusters=patient)
    for name in ("sensitivity", "specificity", "accuracy"):
        one, many = once[name], four[name]
        assert many.value == pytest.approx(one.value)
        # The ratio estimator divides by one cluster less than there are.
        assert many.high - many.low == pytest.approx(one.high - one.low, rel=0.03)


def test_no_design_effect_makes_an_interval_narrower() -> None:
    """One of each patient's two lesions is called: they are less alike than chance."""
    counted = np.ones((1, 40), dtype=bool)
    right = np.tile([True, False], 20)[None]
    right[0, :2] = True
    assert design_effect(counted, right, np.repeat(np.arange(20), 2)) == 1.0


def test_over_repeats_it_is_the_ratio_of_mean_variances() -> None:
    outcome, scores, patient = lesions(6, 20, alike=0.9)
    repeats = np.stack([scores, scores + np.random.default_rng(1).normal(size=len(scores))])
    counted = np.stack([outcome == 1] * 2)
    right = counted & (repeats >= 0.5)
    variances = []
    for trial, success in zip(counted, right):
        share = success.sum() / trial.sum()
        variances.append((by_definition(trial, success, patient), share * (1 - share)))
    expected = sum(effect * spread for effect, spread in variances) / sum(spread for _, spread in variances)
    assert all(effect > 1 for effect, _ in variances)
    assert design_effect(counted, right, patient) == pytest.approx(expected, rel=1e-12)
    same = np.stack([scores, scores])
    once, twice = (classify(outcome, rows, 0.5, count=5, seed=0, clusters=patient) for rows in (scores, same))
    assert once["sensitivity"] == twice["sensitivity"]


def test_perfect_calls_are_as_certain_as_their_patients_are_many() -> None:
    patient = np.repeat(np.arange(10), 4)
    outcome = patient % 2
    found = classify(outcome, outcome.astype(float), 0.5, count=20, seed=0, clusters=patient)
    assert found["sensitivity"] == wilson(5, 5)
    assert found["accuracy"] == wilson(10, 10)
    assert found["f1"].low == pytest.approx(0.025 ** (1 / 5))


def test_calls_of_one_patient_alone_count_once() -> None:
    patient = np.repeat(np.arange(8), 3)
    outcome = patient % 2
    scores = np.where(patient == 1, [1.0, 1.0, 1.0] * 8, 0.0)
    found = classify(outcome, scores, 0.5, count=5, seed=0, clusters=patient)
    assert found["ppv"] == wilson(1, 1)


def test_nobody_called_has_no_predictive_value() -> None:
    outcome, scores, patient = lesions(2, 10, alike=0.5)
    found = classify(outcome, scores, 99.0, count=5, seed=0, clusters=patient)
    assert math.isnan(found["ppv"].value)
    assert (found["ppv"].low, found["ppv"].high) == (0.0, 1.0)
    rows = np.stack([scores, np.full(len(scores), -5.0)])  # in the second repeat nobody is called
    assert classify(outcome, rows, 0.5, count=5, seed=0, clusters=patient)["ppv"].low > 0


def test_bootstraps_draw_patients() -> None:
    outcome, scores, patient = lesions(7, 24, alike=0.8)
    samples = [grouped_resample(outcome, patient, 4, replicate) for replicate in range(60)]
    drawn = [f1_score(outcome[sample], scores[sample] >= 0.5) for sample in samples]
    f1 = classify(outcome, scores, 0.5, count=60, seed=4, clusters=patient)["f1"]
    np.testing.assert_allclose([f1.low, f1.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)
    drawn = [average_precision_score(outcome[sample], scores[sample]) for sample in samples]
    area = average_precision_with_interval(outcome, scores, count=60, seed=4, clusters=patient)
    np.testing.assert_allclose([area.low, area.high], np.quantile(drawn, [0.025, 0.975]), rtol=1e-12)
    band = roc_band(outcome, scores, np.array([0.5]), count=60, seed=4, clusters=patient)
    each = [
        roc_band(outcome[sample], scores[sample], np.array([0.5]), count=1, seed=0).sensitivity for sample in samples
    ]
    np.testing.assert_allclose([band.low, band.high], np.quantile(each, [0.025, 0.975], axis=0), rtol=1e-12)


@pytest.mark.parametrize(("name", "truth"), [("sensitivity", 0.6914625), ("specificity", 0.6914625)])
def test_the_truth_lies_in_the_interval_as_often_as_it_says(name: str, truth: float) -> None:
    """Of lesions that are alike within a patient; the interval of independent lesions leaves it out too often."""
    covered = {"clustered": 0, "plain": 0}
    for seed in range(400):
        outcome, scores, patient = lesions(seed, 60, alike=0.9)
        for way, clusters in (("clustered", patient), ("plain", None)):
            estimate = classify(outcome, scores, 0.5, count=1, seed=0, clusters=clusters)[name]
            covered[way] += estimate.low <= truth <= estimate.high
    assert 0.92 <= covered["clustered"] / 400 <= 0.98
    assert covered["plain"] / 400 < 0.85


def test_clusters_of_another_number_are_refused() -> None:
    outcome, scores, patient = lesions(1, 10, alike=0.5)
    with pytest.raises(EvaluationError, match="clusters are given for"):
        classify(outcome, scores, 0.5, count=2, seed=0, clusters=patient[1:])
    with pytest.raises(EvaluationError, match="clusters are given for"):
        average_precision_with_interval(outcome, scores, count=2, seed=0, clusters=patient[1:])
    with pytest.raises(EvaluationError, match="one cluster"):
        roc_band(outcome, scores, count=2, seed=0, clusters=np.zeros(len(outcome)))
