"""Shapley values against all orders of the features, closed forms, and shap's own exact explainer."""

from __future__ import annotations

from itertools import permutations
from typing import get_args

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.model.classifier import decision
from HabitatRadiomicsLib.protocol import ClassifierName
from HabitatRadiomicsLib.scoring.explanation import exact_shapley
from HabitatRadiomicsLib.scoring.shap_bridge import import_shap


def _curved(rows: np.ndarray) -> np.ndarray:
    return rows[:, 0] * rows[:, 1] + np.sin(rows[:, 2]) - np.maximum(rows[:, -1], rows[:, 0] ** 2)


def _case(features: int, background: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(size=features), generator.normal(size=(background, features))


@pytest.mark.parametrize("features", [3, 4])
def test_values_are_the_mean_over_all_orders(features: int) -> None:
    values, background = _case(features, 7)
    expected = np.zeros(features)
    orders = list(permutations(range(features)))
    for order in orders:
        rows = background.copy()
        before = _curved(rows).mean()
        for feature in order:
            rows[:, feature] = values[feature]
            after = _curved(rows).mean()
            expected[feature] += (after - before) / len(orders)
            before = after
    base, found = exact_shapley(_curved, values, background)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert base == pytest.approx(_curved(background).mean(), abs=1e-12)


@pytest.mark.parametrize("features", [3, 8, 12])
def test_values_add_up_to_the_score(features: int) -> None:
    values, background = _case(features, 30)
    base, found = exact_shapley(_curved, values, background)
    assert base + found.sum() == pytest.approx(_curved(values[None])[0], abs=1e-9)
    np.testing.assert_allclose(found[3:-1], 0, atol=1e-12)  # of features that the score does not look at


def test_values_of_a_linear_score_are_its_terms() -> None:
    values, background = _case(12, 40)
    coefficients = np.random.default_rng(2).normal(size=12)
    base, found = exact_shapley(lambda rows: 0.7 + rows @ coefficients, values, background)
    np.testing.assert_allclose(found, coefficients * (values - background.mean(axis=0)), rtol=0, atol=1e-9)
    assert base == pytest.approx(0.7 + background.mean(axis=0) @ coefficients, abs=1e-9)


@pytest.mark.parametrize("name", get_args(ClassifierName))
def test_values_are_those_of_shap(name: ClassifierName) -> None:
    values, background = _case(6, 40, seed=3)
    outcome = (background[:, 0] + background[:, 1] * background[:, 2] > 0).astype(int)
    estimator = fit_classifier(name, background, outcome, seed=0)

    def score(rows: np.ndarray) -> np.ndarray:
        return decision(estimator, rows)

    base, found = exact_shapley(score, values, background)
    shap = import_shap()
    explainer = shap.explainers.Exact(score, shap.maskers.Independent(background, max_samples=len(background)))
    expected = explainer(values[None])
    np.testing.assert_allclose(found, expected.values[0], rtol=0, atol=1e-9)
    assert base == pytest.approx(float(np.ravel(expected.base_values)[0]), abs=1e-9)


def test_one_feature_is_all_the_difference() -> None:
    base, found = exact_shapley(lambda rows: rows[:, 0] ** 2, np.array([3.0]), np.array([[0.0], [2.0]]))
    assert base == 2.0
    assert found.tolist() == [7.0]


def test_rows_are_scored_in_batches_of_limited_size() -> None:
    values, background = _case(11, 300)
    asked: list[int] = []

    def score(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return _curved(rows)

    exact_shapley(score, values, background)
    assert sum(asked) == 300 * 2**11
    assert max(asked) <= 2**14


@pytest.mark.parametrize(
    ("values", "background"),
    [
        (np.array([0, np.nan, 0]), np.zeros((5, 3))),
        (np.zeros(3), np.full((5, 3), np.inf)),
    ],
)
def test_what_cannot_be_explained_is_told(values: np.ndarray, background: np.ndarray) -> None:
    with pytest.raises(ModelError, match="not a finite number"):
        exact_shapley(lambda rows: rows.sum(axis=1), values, background)


def test_a_score_that_is_no_number_is_told() -> None:
    with pytest.raises(ModelError, match="not a finite number"):
        exact_shapley(lambda rows: np.full(len(rows), np.nan), np.zeros(2), np.ones((3, 2)))
