"""Lowess: lines are kept, order does not matter; R's own values are in the tests of the calibration curve."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics.calibration import lowess


def test_a_line_is_kept() -> None:
    x = np.random.default_rng(0).uniform(size=50)
    knots, smooth = lowess(x, 2 - 3 * x)
    np.testing.assert_allclose(smooth, 2 - 3 * knots, atol=1e-12)
    assert (knots[0], knots[-1]) == (x.min(), x.max())
    assert (np.diff(knots) > 0).all()


def test_order_does_not_matter() -> None:
    generator = np.random.default_rng(1)
    x, y = np.round(generator.uniform(size=40), 1), generator.normal(size=40)
    turn = generator.permutation(40)
    np.testing.assert_allclose(lowess(x, y)[1], lowess(x[turn], y[turn])[1], atol=1e-12)


def test_weighted_line_equals_numpys_least_squares() -> None:
    generator = np.random.default_rng(2)
    x, y = np.sort(generator.uniform(size=30)), generator.normal(size=30)
    knots, smooth = lowess(x, y, share=0.5)
    for knot, value in zip(knots, smooth):
        distance = np.abs(x - knot)
        relative = np.minimum(distance / np.sort(distance)[14], 1)
        weight = (1 - relative**3) ** 3
        expected = np.polyval(np.polyfit(x, y, 1, w=np.sqrt(weight)), knot)
        # The published weights are cut a thousandth from either end of the window.
        assert value == pytest.approx(expected, abs=1e-7)


def test_points_all_but_on_top_of_one_another_have_no_slope() -> None:
    x, y = np.array([0, 1e-5, 2e-5, 3e-5, 1]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    weight = (1 - np.array([0, 1 / 3, 2 / 3]) ** 3) ** 3
    assert lowess(x, y, share=0.8)[1][0] == pytest.approx(weight[1] / weight.sum())


@pytest.mark.parametrize("x", [np.zeros(6), np.repeat([0.0, 1.0], 3)])
def test_equal_places_have_their_mean(x: np.ndarray) -> None:
    y = np.array([0.0, 1.0, 1.0, 0.0, 0.0, 1.0])
    knots, smooth = lowess(x, y, share=0.5)
    np.testing.assert_allclose(smooth, [y[x == knot].mean() for knot in knots], atol=1e-12)
