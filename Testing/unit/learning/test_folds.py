"""Folds: every case tested once, both outcomes everywhere, no patient on two sides."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import in_deviations, stratified_folds


def test_each_case_is_tested_once_and_the_outcomes_are_shared_out() -> None:
    outcome = np.array([1] * 12 + [0] * 33)
    folds = stratified_folds(outcome, 5, 1)
    assert len(folds) == 5
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(45))
    for training, test in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([training, test])), np.arange(45))
        assert 2 <= outcome[test].sum() <= 3


def test_seed_decides() -> None:
    outcome = np.arange(40) % 2
    one, again, other = (stratified_folds(outcome, 4, seed) for seed in (1, 1, 2))
    for (_, first), (_, second) in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)
    assert any(not np.array_equal(first, second) for (_, first), (_, second) in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", [str, int])
def test_a_patient_is_on_one_side(kind: type) -> None:
    generator = np.random.default_rng(3)
    patients = [kind(number) for number in generator.integers(0, 25, 60)]
    outcome = np.array([int(patient) % 2 for patient in patients])
    folds = stratified_folds(outcome, 5, 1, patients)
    names = np.array(patients)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(60))
    for training, test in folds:
        assert not set(names[training]) & set(names[test])
        assert set(outcome[training]) == set(outcome[test]) == {0, 1}


def test_too_few_cases_of_an_outcome_are_told() -> None:
    with pytest.raises(LearningError, match="There are 3 cases with outcome 1, too few for 5 folds"):
        stratified_folds(np.array([1] * 3 + [0] * 30), 5, 1)
    with pytest.raises(LearningError, match="There are 0 cases with outcome 0"):
        stratified_folds(np.ones(20, dtype=int), 5, 1)


def test_too_few_patients_are_told() -> None:
    outcome = np.array([1] * 10 + [0] * 10)
    patients = ["a", "b"] * 5 + [f"c{case}" for case in range(10)]
    with pytest.raises(LearningError, match="There are 2 groups of cases with outcome 1, too few for 3 folds"):
        stratified_folds(outcome, 3, 1, patients)


def test_patients_that_are_not_shared_out_are_told() -> None:
    # Three patients have outcome 0 and three outcome 1, but one of them nearly all cases, and two folds stay without 1.
    outcome = np.array([0, 1, 0, 1, 0, 1, 1, 1, 1])
    patients = ["a", "d", "b", "a", "c", "e", "e", "e", "e"]
    with pytest.raises(LearningError, match="could not be distributed over 3 folds"):
        stratified_folds(outcome, 3, 1, patients)


def test_patients_of_one_case_each_change_nothing() -> None:
    outcome = np.array([1] * 8 + [0] * 22)
    one, other = stratified_folds(outcome, 4, 7), stratified_folds(outcome, 4, 7, [f"p{case}" for case in range(30)])
    for (_, first), (_, second) in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)


def test_scores_that_do_not_vary_in_training_say_nothing() -> None:
    assert in_deviations(np.array([1.0, 1.0]), np.array([2.0])).tolist() == [0.0]
    assert in_deviations(np.array([1.0, 3.0]), np.array([2.0, 4.0])).tolist() == [0.0, 2.0]
