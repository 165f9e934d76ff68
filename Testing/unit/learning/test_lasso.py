"""The LASSO path is glmnet's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.lasso import lasso_logistic, lasso_path


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """Answers of R's glmnet 4.1-6, thresh 1e-14."""
    document: dict[str, Any] = json.loads(
        (Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8")
    )
    return {**document["glmnet"], "y": document["roc"]["y"]}


def test_coefficients_equal_glmnet(reference: dict[str, Any]) -> None:
    values, outcome = np.array(reference["X"]), np.array(reference["y"])
    path = lasso_path(values, outcome, reference["lambda"])
    found = np.column_stack([path.intercepts, path.coefficients]).T
    np.testing.assert_allclose(found, np.array(reference["coef"]), rtol=0, atol=2e-6)
    np.testing.assert_array_equal(found == 0, np.array(reference["coef"]) == 0)


def test_largest_penalty_equals_glmnet(reference: dict[str, Any]) -> None:
    path = lasso_path(np.array(reference["X"]), np.array(reference["y"]))
    assert path.penalties[0] == pytest.approx(reference["lambda_max"], rel=1e-12)
    assert (path.coefficients[0] == 0).all()
    assert np.count_nonzero(path.coefficients[1]) >= 1
    steps = np.diff(np.log(path.penalties))
    np.testing.assert_allclose(steps, np.log(1e-4) / 99)  # a hundred steps down to 1e-4, as far as the path goes


def test_path_ends_where_a_smaller_penalty_explains_no_more() -> None:
    generator = np.random.default_rng(4)
    values, outcome = generator.normal(size=(60, 5)), np.arange(60) % 2
    own = lasso_path(values, outcome)
    assert 5 < len(own.penalties) < 100
    linear = own.intercepts + values @ own.coefficients.T
    deviance = 2 * (np.logaddexp(0, linear) - outcome[:, None] * linear).sum(axis=0)
    gains = -np.diff(deviance) / deviance[0]
    assert (gains[5:-1] >= 1e-5).all()
    assert gains[-1] < 1e-5
    given_penalties = lasso_path(values, outcome, np.geomspace(own.penalties[0], own.penalties[0] * 1e-4, 100))
    assert len(given_penalties.penalties) == 100
    np.testing.assert_allclose(given_penalties.coefficients[: len(own.penalties)], own.coefficients, atol=1e-9)


@st.composite
def _problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """Tables with correlated, equal and nearly equal columns, of any scale, with few or many cases of an outcome."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cases, columns = draw(st.integers(6, 40)), draw(st.integers(1, 60))
    shared = draw(st.sampled_from([0.0, 1.0, 10.0]))
    values = generator.normal(size=(cases, columns)) + shared * generator.normal(size=(cases, 1))
    if draw(st.booleans()) and columns > 3:
        values[:, 1] = values[:, 0]
        values[:, 2] = -values[:, 0] + 1e-9 * values[:, 3]
    if draw(st.booleans()):
        values = np.round(values)
    outcome = (generator.random(cases) < draw(st.sampled_from([0.2, 0.5]))).astype(int)
    outcome[:2] = 0, 1
    if draw(st.booleans()):
        values[:, 0] += 3 * outcome
    share = draw(st.sampled_from([1.5, 0.9, 0.5, 0.1, 0.01, 0.001]))
    largest = np.abs((values - values.mean(axis=0)).T @ (outcome - outcome.mean())).max() / cases
    return values, outcome, share * max(float(largest), 1e-3)


@settings(max_examples=150)
@given(_problems())
def test_solution_is_optimal(problem: tuple[np.ndarray, np.ndarray, float]) -> None:
    """Karush-Kuhn-Tucker: the gradient is lambda times the sign where b is not 0, and no larger elsewhere.

    The objective is convex, so that these conditions leave no other solution (but among dependent columns).
    """
    values, outcome, penalty = problem
    intercept, coefficients = lasso_logistic(values, outcome, penalty)
    probability = 1 / (1 + np.exp(-(intercept + values @ coefficients)))
    gradient = values.T @ (outcome - probability) / len(outcome)
    scale = max(1.0, float(np.abs(values).max()))
    assert (outcome - probability).mean() == pytest.approx(0, abs=1e-9)
    used = coefficients != 0
    np.testing.assert_allclose(gradient[used], penalty * np.sign(coefficients[used]), rtol=0, atol=1e-9 * scale)
    assert np.abs(gradient[~used]).max(initial=0) <= penalty * (1 + 1e-7) + 1e-9 * scale
    again = lasso_logistic(values, outcome, penalty, start=(5.0, np.ones(values.shape[1])))
    np.testing.assert_allclose(again[0] + values @ again[1], intercept + values @ coefficients, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("cases", "columns", "share"), [(30, 10, 0.3), (30, 40, 0.2), (60, 20, 0.05)])
def test_solution_equals_that_of_scikit_learn(cases: int, columns: int, share: float) -> None:
    from sklearn import __version__
    from sklearn.linear_model import LogisticRegression

    if tuple(int(part) for part in __version__.split(".")[:2]) < (1, 8):
        pytest.skip("older versions of scikit-learn call this penalty by another name")
    generator = np.random.default_rng(columns)
    values = generator.normal(size=(cases, columns))
    outcome = (values[:, 0] - values[:, 1] + generator.normal(size=cases) > 0).astype(int)
    penalty = share * np.abs(values.T @ (outcome - outcome.mean())).max() / cases
    intercept, coefficients = lasso_logistic(values, outcome, penalty)
    other = LogisticRegression(C=1 / (cases * penalty), l1_ratio=1, solver="saga", tol=1e-12, max_iter=200_000)
    other.fit(values, outcome)
    np.testing.assert_allclose(coefficients, other.coef_[0], rtol=0, atol=1e-7)
    assert intercept == pytest.approx(other.intercept_[0], abs=1e-7)


def test_path_equals_its_single_problems_and_repeats_to_the_bit() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(size=(40, 60)) + generator.normal(size=(40, 1))
    outcome = np.arange(40) % 2
    path = lasso_path(values, outcome)
    deviation = values.std(axis=0)
    for step in (3, 12, 25):
        intercept, coefficients = lasso_logistic(values / deviation, outcome, float(path.penalties[step]))
        np.testing.assert_allclose(path.coefficients[step], coefficients / deviation, rtol=0, atol=1e-9)
        assert path.intercepts[step] == pytest.approx(intercept, abs=1e-9)
    again = lasso_path(values, outcome)
    np.testing.assert_array_equal(path.coefficients, again.coefficients)


def test_equal_columns_do_not_stop_the_path() -> None:
    generator = np.random.default_rng(5)
    values = np.repeat(generator.normal(size=(40, 6)), 3, axis=1)
    outcome = (values[:, 0] + generator.normal(size=40) > 0).astype(int)
    path = lasso_path(values, outcome)
    single = lasso_path(values[:, ::3], outcome, path.penalties)
    linear = path.intercepts[:, None] + path.coefficients @ values.T
    np.testing.assert_allclose(linear, single.intercepts[:, None] + single.coefficients @ values[:, ::3].T, atol=1e-7)


def test_path_ends_before_it_has_too_many_columns() -> None:
    generator = np.random.default_rng(6)
    values, outcome = generator.normal(size=(50, 30)), np.arange(50) % 2
    whole, short = lasso_path(values, outcome), lasso_path(values, outcome, stop_above=4)
    counts = np.count_nonzero(whole.coefficients, axis=1)
    assert len(short.penalties) == np.argmax(counts > 4)
    np.testing.assert_array_equal(short.coefficients, whole.coefficients[: len(short.penalties)])


@pytest.mark.parametrize("outcome", [np.zeros(10, dtype=int), np.ones(10, dtype=int)])
def test_one_outcome_alone_is_told(outcome: np.ndarray) -> None:
    values = np.random.default_rng(7).normal(size=(10, 3))
    with pytest.raises(LearningError, match="same outcome"):
        lasso_path(values, outcome)
    with pytest.raises(LearningError, match="same outcome"):
        lasso_logistic(values, outcome, 0.1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_told(value: float) -> None:
    values, outcome = np.random.default_rng(8).normal(size=(10, 3)), np.arange(10) % 2
    values[3, 1] = value
    with pytest.raises(LearningError, match="finite"):
        lasso_logistic(values, outcome, 0.1)
    with pytest.raises(LearningError, match="vary, without gaps"), np.errstate(invalid="ignore"):
        lasso_path(values, outcome)


def test_constant_column_is_told() -> None:
    values, outcome = np.ones((10, 3)), np.arange(10) % 2
    with pytest.raises(LearningError, match="vary, without gaps"):
        lasso_path(values, outcome)


def test_separated_outcomes_without_a_penalty_are_told() -> None:
    outcome = np.arange(20) % 2
    with pytest.raises(LearningError, match="lambda = 0"):
        lasso_logistic(outcome[:, None] - 0.5, outcome, 0.0, start=(0.0, np.ones(1)))


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
