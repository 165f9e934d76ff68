"""Odds ratios against closed forms."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.statistics.logistic import OddsRatio, logistic_model, obstacle


def _made_up() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(12)
    columns = np.column_stack(
        [generator.normal(0.02, 0.01, 80), generator.normal(60, 9, 80), generator.random(80) < 0.3]
    )
    linear = 100 * (columns[:, 0] - 0.02) + 0.05 * (columns[:, 1] - 60)
    return columns, (generator.random(80) < 1 / (1 + np.exp(-linear))).astype(int)


def test_two_by_two_table_has_its_cross_product() -> None:
    a, b, c, d = 12, 8, 5, 20  # with and without the factor by outcome 1 and 0
    factor = np.repeat([1.0, 1.0, 0.0, 0.0], [a, b, c, d])
    outcome = np.repeat([1, 0, 1, 0], [a, b, c, d])
    (row,) = logistic_model(factor[:, None], ["yes"], outcome).odds_ratios
    value, low, high = row.ratio()
    error = np.sqrt(1 / a + 1 / b + 1 / c + 1 / d)
    assert value == pytest.approx(a * d / (b * c), rel=1e-9)
    assert row.standard_error == pytest.approx(error, rel=1e-9)
    assert (low, high) == pytest.approx(tuple(value * np.exp(step * 1.959963985 * error) for step in (-1, 1)), rel=1e-8)
    assert row.p == pytest.approx(2 * stats.norm.sf(np.log(value) / error), rel=1e-8)


def test_fit_is_the_root_of_the_score_equations_on_columns_of_any_scale() -> None:
    columns, outcome = _made_up()
    model = logistic_model(columns, ["score", "age", "yes"], outcome)
    risk = 1 / (1 + np.exp(-(model.intercept + columns @ model.coefficients)))
    assert np.column_stack([np.ones(80), columns]).T @ (outcome - risk) == pytest.approx(np.zeros(4), abs=1e-9)


def test_covariance_is_the_inverse_information() -> None:
    columns, outcome = _made_up()
    model = logistic_model(columns, ["score", "age", "yes"], outcome)
    design = np.column_stack([np.ones(80), columns])
    risk = 1 / (1 + np.exp(-(model.intercept + columns @ model.coefficients)))
    information = design.T @ ((risk * (1 - risk))[:, None] * design)
    assert model.covariance @ information == pytest.approx(np.eye(4), abs=1e-5)


def test_joint_test_of_one_term_is_its_own_and_of_two_has_two_degrees() -> None:
    columns, outcome = _made_up()
    model = logistic_model(columns, ["score", "age", "yes"], outcome)
    for row in model.odds_ratios:
        assert model.joint_p([row.term]) == pytest.approx(row.p, rel=1e-9)
    values, own = model.coefficients[1:], model.covariance[2:, 2:]
    statistic = values @ np.linalg.inv(own) @ values
    assert model.joint_p(["age", "yes"]) == pytest.approx(np.exp(-statistic / 2))  # chi-square, two degrees


@pytest.mark.parametrize("seed", range(6))
def test_separation_is_seen_where_a_line_separates(seed: int) -> None:
    """Against all lines through two of the points: small tables, of which about half are separated."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(20):
        columns = np.round(generator.normal(size=(14, 2)), 1)
        outcome = (generator.random(14) < 1 / (1 + np.exp(-4 * columns[:, 0]))).astype(int)
        if len(set(outcome)) == 2:
            found.append(bool(obstacle(columns, outcome)))
            assert found[-1] == _a_line_separates(columns, outcome)
    assert set(found) == {False, True}


def _a_line_separates(points: np.ndarray, outcome: np.ndarray) -> bool:
    """Any line with each outcome on a side of its own, or on the line, can be turned until it touches two points."""
    sign = 2 * outcome - 1
    for first, second in combinations(np.unique(points, axis=0), 2):
        along, beside = second - first, points - first
        side = sign * np.round(along[0] * beside[:, 1] - along[1] * beside[:, 0], 6)
        if side.any() and ((side >= 0).all() or (side <= 0).all()):
            return True
    return False


def test_complete_and_quasi_complete_separation_are_told() -> None:
    x = np.arange(12.0)[:, None]
    with pytest.raises(LearningError, match="of age has no odds ratios: its terms separate the outcomes"):
        logistic_model(x, ["age"], (x[:, 0] > 5).astype(int))
    # Nobody without the factor has the outcome.
    factor, outcome = np.repeat([0.0, 1.0], [20, 10]), np.r_[np.zeros(20), np.ones(4), np.zeros(6)].astype(int)
    with pytest.raises(LearningError, match="separate"):
        logistic_model(factor[:, None], ["yes"], outcome)


def test_terms_that_depend_on_one_another_are_told() -> None:
    columns, outcome = _made_up()
    with pytest.raises(LearningError, match="depend on one another"):
        logistic_model(np.column_stack([columns, columns @ [1, 2, 3]]), ["a", "b", "c", "d"], outcome)
    with pytest.raises(LearningError, match="does not vary"):
        logistic_model(np.ones((80, 1)), ["constant"], outcome)
    with pytest.raises(LearningError, match="depend on one another"):  # more terms than cases
        logistic_model(np.random.default_rng(0).normal(size=(5, 6)), list("abcdef"), np.array([0, 1, 0, 1, 1]))


def test_ratios_too_large_or_small_for_numbers_end_somewhere() -> None:
    assert OddsRatio("score", 800.0, 900.0, 0.4).ratio() == pytest.approx((1e99, 1e-99, 1e99))
