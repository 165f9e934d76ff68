"""Permutation p values against all permutations of a small sample, on noise, by patient, in processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import auc_with_interval, permutation_test
from HabitatRadiomicsLib.statistics.resampling import Task, permuted_outcome


def _auc_of(scores: np.ndarray, outcome: np.ndarray) -> float:
    return auc_with_interval(outcome, scores).auc


def _in_processes(tasks: Sequence[Task]) -> Iterator[float]:
    import joblib

    yield from joblib.Parallel(n_jobs=2)(joblib.delayed(task)() for task in tasks)


def test_p_approaches_that_of_all_permutations() -> None:
    outcome = np.repeat([0, 1], [6, 4])
    scores = np.array([1.0, 2, 3, 4, 6, 8, 5, 7, 9, 10])
    observed = _auc_of(scores, outcome)
    every = []
    for chosen in combinations(range(10), 4):
        other = np.zeros(10, dtype=int)
        other[list(chosen)] = 1
        every.append(_auc_of(scores, other))
    exact = np.mean(np.array(every) >= observed - 1e-12)
    found = permutation_test(outcome, partial(_auc_of, scores), count=4000, seed=0)
    assert found.observed == observed
    assert found.p == (found.reached + 1) / 4001
    assert found.reached == (found.permuted >= observed - 1e-12).sum()
    assert found.p == pytest.approx(exact, abs=0.008)  # three standard errors


def test_p_is_never_zero_and_one_where_all_are_equal() -> None:
    outcome = np.repeat([0, 1], 20)
    assert permutation_test(outcome, partial(_auc_of, outcome * 1.0), count=99, seed=0).p == 0.01
    assert permutation_test(outcome, partial(_auc_of, np.ones(40)), count=99, seed=0).p == 1.0


def test_noise_gives_even_p_values() -> None:
    generator = np.random.default_rng(0)
    outcome = np.repeat([0, 1], 12)
    found = [
        permutation_test(outcome, partial(_auc_of, generator.normal(size=24)), count=39, seed=seed).p
        for seed in range(100)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.09)  # three standard errors
    assert np.mean(np.array(found) <= 0.2) == pytest.approx(0.2, abs=0.12)


def test_rounding_does_not_decide_a_tie() -> None:
    outcome = np.repeat([0, 1], 5)
    found = permutation_test(outcome, lambda y: 0.3 if (y == outcome).all() else 0.1 + 0.2 - 1e-16, count=50, seed=0)
    assert found.p == 1.0


def test_patients_keep_their_cases_together() -> None:
    patients = np.array(["c", "a", "a", "b", "c", "d", "d", "e"])
    outcome = np.array([1, 0, 0, 1, 1, 0, 0, 0])
    seen: set[tuple[int, ...]] = set()

    def watching(permuted: np.ndarray) -> float:
        seen.add(tuple(int(value) for value in permuted))
        return 0.0

    permutation_test(outcome, watching, count=200, seed=0, groups=patients)
    expected = set()
    for chosen in combinations("abcde", 2):
        expected.add(tuple(int(patient in chosen) for patient in patients))
    assert seen == expected  # all ten ways to deal two positive outcomes to five patients, and no other


def test_without_groups_every_case_is_its_own() -> None:
    outcome = np.repeat([0, 1], [7, 3])
    members = np.arange(10)
    for replicate in range(10):
        assert permuted_outcome(outcome, members, 1, replicate).sum() == 3
    np.testing.assert_array_equal(permuted_outcome(outcome, members, 1, 4), permuted_outcome(outcome, members, 1, 4))


def test_processes_change_nothing() -> None:
    outcome = np.repeat([0, 1], 8)
    statistic = partial(_auc_of, np.random.default_rng(0).normal(outcome, 1.0))
    here = permutation_test(outcome, statistic, count=8, seed=3)
    there = permutation_test(outcome, statistic, count=8, seed=3, run=_in_processes)
    np.testing.assert_array_equal(here.permuted, there.permuted)
    assert here.p == there.p


def test_bad_input_is_refused() -> None:
    outcome = np.array([0, 1, 0, 1])
    with pytest.raises(EvaluationError, match="2 groups have cases of both outcomes, for example a"):
        permutation_test(outcome, np.mean, count=2, seed=0, groups=["a", "a", "b", "b"])
    with pytest.raises(EvaluationError, match="3 groups for 4 cases"):
        permutation_test(outcome, np.mean, count=2, seed=0, groups=["a", "b", "c"])
    with pytest.raises(EvaluationError, match="0 permutations"):
        permutation_test(outcome, np.mean, count=0, seed=0)
    with pytest.raises(EvaluationError, match="not a number"):
        permutation_test(outcome, lambda permuted: float("nan"), count=2, seed=0)
    with pytest.raises(EvaluationError, match="at least 1 of each"):
        permutation_test(np.zeros(4), np.mean, count=2, seed=0)
