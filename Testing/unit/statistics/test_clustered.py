"""AUCs where patients have several lesions: Obuchowski's variance against its definition and a simulation."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import auc_with_interval, compare_aucs, mean_auc
from HabitatRadiomicsLib.statistics.delong import auc_covariance


def lesions(
    seed: int, patients: int, *, shared: float, effect: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome of each lesion (its patient's), two scores that share a part within a patient, and the patient."""
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 5, patients)
    patient = np.repeat(np.arange(patients), counts)
    outcome = np.arange(patients)[patient] % 2
    common = generator.normal(size=(2, patients))[:, patient]
    scores = shared * common + (1 - shared**2) ** 0.5 * generator.normal(size=(2, len(patient)))
    return outcome, scores + effect * outcome, patient


def by_definition(outcome: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Obuchowski 1997, written out with loops."""
    models = len(scores)
    positives, negatives = np.flatnonzero(outcome == 1), np.flatnonzero(outcome == 0)

    def share(model: int, above: int, below: int) -> float:
        return float(scores[model, above] > scores[model, below]) + 0.5 * (scores[model, above] == scores[model, below])

    areas = [np.mean([share(model, a, b) for a in positives for b in negatives]) for model in range(models)]
    names = sorted(set(patient.tolist()))
    ten, one = np.zeros((models, len(names))), np.zeros((models, len(names)))
    for model in range(models):
        for place, name in enumerate(names):
            for a in positives[patient[positives] == name]:
                ten[model, place] += np.mean([share(model, a, b) for b in negatives]) - areas[model]
            for b in negatives[patient[negatives] == name]:
                one[model, place] += np.mean([share(model, a, b) for a in positives]) - areas[model]
    m, n, count = len(positives), len(negatives), len(names)
    with_positive, with_negative = len(set(patient[positives])), len(set(patient[negatives]))
    spread = np.zeros((models, models))
    for i in range(models):
        for j in range(models):
            s10 = with_positive / ((with_positive - 1) * m) * (ten[i] * ten[j]).sum()
            s01 = with_negative / ((with_negative - 1) * n) * (one[i] * one[j]).sum()
            s11 = count / (count - 1) * ((ten[i] * one[j]).sum() + (ten[j] * one[i]).sum())
            spread[i, j] = s10 / m + s01 / n + s11 / (m * n)
    return spread


@pytest.mark.parametrize("seed", range(5))
def test_the_covariance_is_that_of_the_definition(seed: int) -> None:
    outcome, scores, patient = lesions(seed, 14, shared=0.8)
    outcome = outcome.copy()
    outcome[::5] ^= 1  # some patients have lesions of both outcomes
    scores = np.round(scores, 1)  # ties
    areas, covariance = auc_covariance(outcome, scores, clusters=patient)
    np.testing.assert_allclose(covariance, by_definition(outcome, scores, patient), rtol=1e-10)
    area = auc_with_interval(outcome, scores[0], clusters=patient)
    assert area.variance == pytest.approx(covariance[0, 0], rel=1e-12)
    assert area.auc == pytest.approx(areas[0], rel=1e-12)


def test_a_cluster_for_each_case_is_delongs_to_the_last_bit() -> None:
    outcome, scores, _ = lesions(1, 20, shared=0.0)
    names = [f"P{number}" for number in range(len(outcome))]
    assert auc_with_interval(outcome, scores[0], clusters=names) == auc_with_interval(outcome, scores[0])
    assert mean_auc(outcome, scores, clusters=names) == mean_auc(outcome, scores)


def test_the_same_lesion_twice_tells_no_more_than_once() -> None:
    generator = np.random.default_rng(3)
    outcome = np.arange(30) % 2
    score = generator.normal(size=30) + outcome
    once = auc_with_interval(outcome, score)
    twice = auc_with_interval(np.repeat(outcome, 2), np.repeat(score, 2), clusters=np.repeat(np.arange(30), 2))
    assert twice.auc == pytest.approx(once.auc, rel=1e-12)
    assert twice.variance == pytest.approx(once.variance, rel=1e-12)
    assert auc_with_interval(np.repeat(outcome, 2), np.repeat(score, 2)).variance < 0.6 * once.variance


def test_chance_lies_in_the_interval_as_often_as_it_says() -> None:
    """Of lesions that are alike within a patient; DeLong's interval leaves it out too often."""
    covered = {"clustered": 0, "delong": 0}
    for seed in range(400):
        outcome, scores, patient = lesions(seed, 60, shared=0.9)
        for name, clusters in (("clustered", patient), ("delong", None)):
            area = auc_with_interval(outcome, scores[0], clusters=clusters)
            covered[name] += area.low <= 0.5 <= area.high
    assert 0.91 <= covered["clustered"] / 400 <= 0.98
    assert covered["delong"] / 400 < 0.88


def test_differences_are_tested_by_patient() -> None:
    outcome, scores, patient = lesions(5, 40, shared=0.9, effect=1.0)
    named = {"a": scores[0], "b": scores[1] + np.random.default_rng(1).normal(size=len(outcome))}
    plain, clustered = compare_aucs(outcome, named)[0], compare_aucs(outcome, named, clusters=patient)[0]
    assert clustered.difference == pytest.approx(plain.difference)
    assert clustered.p > plain.p


def test_a_perfect_separation_is_as_certain_as_its_patients_are_many() -> None:
    outcome = np.repeat([0, 1] * 5, 4)
    area = auc_with_interval(outcome, outcome.astype(float), clusters=np.repeat(np.arange(10), 4))
    assert (area.auc, area.high) == (1.0, 1.0)
    assert area.low == pytest.approx(0.025 ** (1 / 5))


@pytest.mark.parametrize(
    ("clusters", "told"),
    [
        (["a"] * 12, "All cases belong to one cluster"),
        (["a"] * 11, "11 clusters are given for 12 cases"),
        (["a"] * 6 + list("bcdefg"), "All cases with one of the outcomes belong to one cluster"),
    ],
)
def test_clusters_that_tell_nothing_are_refused(clusters: list[str], told: str) -> None:
    outcome = np.repeat([0, 1], 6)
    with pytest.raises(EvaluationError, match=told):
        auc_with_interval(outcome, np.arange(12.0), clusters=clusters)
