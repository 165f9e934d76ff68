"""The cross-validated deviance is cv.glmnet's, and sees no held-out case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import Split, stratified_folds
from HabitatRadiomicsLib.learning.lasso import cross_validated_path, lasso_path
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.protocol import LearningSettings


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """Answers of R's glmnet 4.1-6, thresh 1e-14."""
    document: dict[str, Any] = json.loads(
        (Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8")
    )
    return {**document["glmnet"], "y": document["roc"]["y"]}


def _all_columns(values: np.ndarray, _: np.ndarray) -> np.ndarray:
    return np.arange(values.shape[1])


def _folds(numbers: np.ndarray) -> list[Split]:
    return [(np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in np.unique(numbers)]


def test_deviance_and_choice_equal_glmnet(reference: dict[str, Any]) -> None:
    values, outcome = np.array(reference["X"]), np.array(reference["y"])
    found = cross_validated_path(
        values, outcome, _folds(np.arange(60) % 5), np.array(reference["cv_lambda"]), _all_columns
    )
    np.testing.assert_allclose(found.deviance, reference["cvm"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.deviance_se, reference["cvsd"], rtol=0, atol=1e-6)
    assert found.minimum == reference["min"]
    assert found.one_standard_error == reference["se1"]


def test_deviance_by_hand_with_folds_of_two_cases() -> None:
    """Below three cases per fold the error is that of cases, and folds of unequal size count by their cases."""
    generator = np.random.default_rng(2)
    values, outcome = generator.normal(size=(20, 3)), np.arange(20) % 2
    values[:, 0] += outcome
    penalties = np.array([0.2, 0.05])
    folds = _folds(np.array([0, 0, 0, 1] + [2 + case // 2 for case in range(16)]))
    losses = np.empty((20, 2))
    for training, test in folds:
        path = lasso_path(values[training], outcome[training], penalties)
        chance = 1 / (1 + np.exp(-(path.intercepts + values[test] @ path.coefficients.T)))
        losses[test] = -2 * np.log(np.where(outcome[test][:, None] == 1, chance, 1 - chance))
    found = cross_validated_path(values, outcome, folds, penalties, _all_columns)
    np.testing.assert_allclose(found.deviance, losses.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.deviance_se, losses.std(axis=0, ddof=1) / np.sqrt(20), rtol=1e-12)


def test_columns_are_chosen_by_the_training_cases_of_each_fold() -> None:
    generator = np.random.default_rng(3)
    values, outcome = generator.normal(size=(30, 12)), np.arange(30) % 2
    folds = stratified_folds(outcome, 5, 1)
    seen: list[np.ndarray] = []

    def first_two(some: np.ndarray, their_outcome: np.ndarray) -> np.ndarray:
        seen.append(some)
        assert len(their_outcome) == len(some)
        return np.array([0, 1])

    found = cross_validated_path(values, outcome, folds, np.array([0.1, 0.01]), first_two)
    for some, (training, _) in zip(seen, folds, strict=True):
        np.testing.assert_array_equal(some, values[training])
    expected = cross_validated_path(values[:, :2], outcome, folds, np.array([0.1, 0.01]), _all_columns)
    np.testing.assert_array_equal(found.deviance, expected.deviance)


def test_fold_that_selects_nothing_predicts_the_prevalence() -> None:
    values, outcome = np.random.default_rng(4).normal(size=(30, 4)), np.arange(30) % 2
    nothing = np.array([], dtype=int)
    found = cross_validated_path(
        values, outcome, stratified_folds(outcome, 5, 1), np.array([0.1, 0.01]), lambda *_: nothing
    )
    np.testing.assert_allclose(found.deviance, 2 * np.log(2))
    assert found.minimum == found.one_standard_error == 0.1


def test_selection_outside_the_folds_flatters_the_deviance_of_noise() -> None:
    settings = LearningSettings()
    lower = []
    for seed in range(4):
        values, outcome = np.random.default_rng(seed).normal(size=(60, 400)), np.arange(60) % 2
        columns = select_features(values, outcome, settings)
        folds = stratified_folds(outcome, 5, seed)
        penalties = lasso_path(values[:, columns], outcome).penalties
        outside = cross_validated_path(values[:, columns], outcome, folds, penalties, _all_columns)
        inside = cross_validated_path(
            values,
            outcome,
            folds,
            penalties,
            lambda some, their_outcome: select_features(some, their_outcome, settings),
        )
        lower.append((inside.deviance - outside.deviance).mean())
        # What is best on columns that all cases selected is worse than nothing on columns that they did not.
        assert outside.deviance.min() < 2 * np.log(2) < inside.deviance[np.argmin(outside.deviance)]
    assert min(lower) > 0


@pytest.mark.parametrize("numbers", [[0, 0, 1, 1, 2, 2, 3, 3, 4], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4]])
def test_folds_that_do_not_fit_the_cases_are_told(numbers: list[int]) -> None:
    values, outcome = np.random.default_rng(5).normal(size=(10, 2)), np.arange(10) % 2
    with pytest.raises(LearningError, match="test each case once"):
        cross_validated_path(values, outcome, _folds(np.array(numbers)), np.array([0.1]), _all_columns)


def test_no_folds_are_told() -> None:
    values, outcome = np.random.default_rng(6).normal(size=(10, 2)), np.arange(10) % 2
    with pytest.raises(LearningError, match="test each case once"):
        cross_validated_path(values, outcome, [], np.array([0.1]), _all_columns)


def test_fold_with_one_outcome_is_told() -> None:
    values, outcome = np.random.default_rng(7).normal(size=(10, 2)), np.arange(10) // 5
    with pytest.raises(LearningError, match="same outcome"):
        cross_validated_path(values, outcome, _folds(np.arange(10) // 5), np.array([0.1]), _all_columns)
