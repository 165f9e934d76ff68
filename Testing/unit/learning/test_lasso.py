"""The LASSO path is glmnet's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.learning import lasso_path


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """Answers of R's glmnet 4.1-6, thresh 1e-14."""
    document: dict[str, Any] = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text())
    return {**document["glmnet"], "y": document["roc"]["y"]}


def test_coefficients_equal_glmnet(reference: dict[str, Any]) -> None:
    values, outcome = np.array(reference["X"]), np.array(reference["y"])
    path = lasso_path(values, outcome, reference["lambda"])
    found = np.column_stack([path.intercepts, path.coefficients]).T
    np.testing.assert_allclose(found, np.array(reference["coef"]), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(found == 0, np.array(reference["coef"]) == 0)


def test_largest_penalty_equals_glmnet(reference: dict[str, Any]) -> None:
    path = lasso_path(np.array(reference["X"]), np.array(reference["y"]))
    assert path.penalties[0] == pytest.approx(reference["lambda_max"], rel=1e-12)
    assert (path.coefficients[0] == 0).all()
    assert np.count_nonzero(path.coefficients[1]) >= 1
    steps = np.diff(np.log(path.penalties))
    np.testing.assert_allclose(steps, np.log(1e-4) / 99)  # a hundred steps down to 1e-4, as far as the path goes


def test_solution_is_optimal() -> None:
    """Karush-Kuhn-Tucker: the gradient is lambda times the sign where b is not 0, and smaller elsewhere."""
    generator = np.random.default_rng(1)
    values = generator.normal(size=(50, 120))
    outcome = (values[:, 3] + generator.normal(size=50) > 0).astype(int)
    path = lasso_path(values, outcome, steps=30)
    deviation = values.std(axis=0)
    for penalty, intercept, coefficients in zip(path.penalties, path.intercepts, path.coefficients):
        probability = 1 / (1 + np.exp(-(intercept + values @ coefficients)))
        gradient = ((values - values.mean(axis=0)) / deviation).T @ (outcome - probability) / len(outcome)
        assert (outcome - probability).sum() == pytest.approx(0, abs=1e-6)
        used = coefficients != 0
        np.testing.assert_allclose(gradient[used], penalty * np.sign(coefficients[used]), atol=1e-6)
        assert np.abs(gradient[~used]).max() <= penalty + 1e-6


def test_separated_outcomes_end_the_path_and_not_the_program() -> None:
    outcome = np.arange(30) % 2
    values = np.random.default_rng(2).normal(size=(30, 4))
    values[:, 1] += 8 * outcome
    own = lasso_path(values, outcome)
    assert len(own.penalties) < 100
    assert np.isfinite(own.coefficients).all()
    scores = own.intercepts[-1] + values @ own.coefficients[-1]
    assert scores[outcome == 1].min() > scores[outcome == 0].max()
    given = lasso_path(values, outcome, np.geomspace(0.3, 1e-9, 60))
    assert 1 < len(given.penalties) == len(given.intercepts) < 60
