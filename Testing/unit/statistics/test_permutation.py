"""Permutation p values against all permutations of a small sample, on noise, by patient."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import auc_with_interval
from HabitatRadiomicsLib.statistics.resampling import PermutationTest, outcome_permutations, permutation_test


def _auc_of(scores: np.ndarray, outcome: np.ndarray) -> float:
    return auc_with_interval(outcome, scores).auc


def _tested(outcome: np.ndarray, scores: np.ndarray, count: int, seed: int = 0) -> PermutationTest:
    permuted = outcome_permutations(outcome, count=count, seed=seed)
    return permutation_test(_auc_of(scores, outcome), [_auc_of(scores, other) for other in permuted])


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
    found = _tested(outcome, scores, 4000)
    assert found.observed == observed
    assert found.p == ((found.permuted >= observed - 1e-12).sum() + 1) / 4001
    assert found.p == pytest.approx(exact, abs=0.008)  # three standard errors


def test_p_is_never_zero_and_one_where_all_are_equal() -> None:
    outcome = np.repeat([0, 1], 20)
    assert _tested(outcome, outcome * 1.0, 99).p == 0.01
    assert _tested(outcome, np.ones(40), 99).p == 1.0


def test_noise_gives_even_p_values() -> None:
    generator = np.random.default_rng(0)
    outcome = np.repeat([0, 1], 12)
    found = [_tested(outcome, generator.normal(size=24), 39, seed).p for seed in range(100)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.09)  # three standard errors
    assert np.mean(np.array(found) <= 0.2) == pytest.approx(0.2, abs=0.12)


def test_rounding_does_not_decide_a_tie() -> None:
    assert permutation_test(0.3, [0.1 + 0.2 - 1e-16] * 50).p == 1.0


def test_patients_keep_their_cases_together() -> None:
    patients = np.array(["c", "a", "a", "b", "c", "d", "d", "e"])
    outcome = np.array([1, 0, 0, 1, 1, 0, 0, 0])
    seen = {tuple(permuted.tolist()) for permuted in outcome_permutations(outcome, count=200, seed=0, groups=patients)}
    expected = set()
    for chosen in combinations("abcde", 2):
        expected.add(tuple(int(patient in chosen) for patient in patients))
    assert seen == expected  # all ten ways to deal two positive outcomes to five patients, and no other


def test_without_groups_every_case_is_its_own() -> None:
    outcome = np.repeat([0, 1], [7, 3])
    ten, five = (outcome_permutations(outcome, count=count, seed=1) for count in (10, 5))
    assert all(permuted.sum() == 3 for permuted in ten)
    np.testing.assert_array_equal(ten[:5], five)  # each depends on its number alone
    assert len({tuple(permuted.tolist()) for permuted in ten}) > 5


def test_bad_input_is_refused() -> None:
    outcome = np.array([0, 1, 0, 1])
    with pytest.raises(EvaluationError, match="2 groups have cases of both outcomes, for example a"):
        outcome_permutations(outcome, count=2, seed=0, groups=["a", "a", "b", "b"])
    with pytest.raises(EvaluationError, match="3 groups for 4 cases"):
        outcome_permutations(outcome, count=2, seed=0, groups=["a", "b", "c"])
    with pytest.raises(EvaluationError, match="0 permutations"):
        outcome_permutations(outcome, count=0, seed=0)
    with pytest.raises(EvaluationError, match="not a number"):
        permutation_test(0.5, [0.4, float("nan")])
    with pytest.raises(EvaluationError, match="at least 1 of each"):
        outcome_permutations(np.zeros(4), count=2, seed=0)
