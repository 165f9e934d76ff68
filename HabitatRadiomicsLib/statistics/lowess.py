"""Locally weighted straight lines through a scatter."""

from __future__ import annotations

import numpy as np


def lowess(x: np.ndarray, y: np.ndarray, *, share: float = 2 / 3) -> tuple[np.ndarray, np.ndarray]:
    """Cleveland's smoother (1979, doi 10.1080/01621459.1979.10481038) without its robustness iterations.

    The values are those of R's ``lowess(x, y, f = share, iter = 0)``: lines are fitted at knots about a hundredth of
    the range apart, and in between the curve is straight.

    Args:
        x, y: shape (points,), in any order.
        share: of the points that has weight in each line.

    Returns:
        The knots, ascending, and the smooth values there: ``numpy.interp`` gives the curve anywhere between.
    """
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    near = min(len(x), max(2, int(share * len(x) + 1e-7)))
    width = x[-1] - x[0]
    knots = _knots(np.unique(x), 0.01 * width)
    distance = np.abs(knots[:, None] - x)
    reach = np.partition(distance, near - 1, axis=1)[:, near - 1, None]
    # Without a reach only points at the knot itself count, and all of them alike.
    relative = np.divide(distance, reach, out=np.where(distance == 0, 0.0, np.inf), where=reach > 0)
    weight = np.where(relative <= 0.001, 1.0, np.where(relative <= 0.999, (1 - np.minimum(relative, 1) ** 3) ** 3, 0.0))
    weight /= weight.sum(axis=1, keepdims=True)
    centre = weight @ x
    offset = x - centre[:, None]
    spread = np.sum(weight * offset**2, axis=1)
    # Points all but on top of one another carry a mean and no slope.
    sloped = (np.sqrt(spread) > 0.001 * width) & (reach[:, 0] > 0)
    slope = np.divide(np.sum(weight * offset * y, axis=1), spread, out=np.zeros(len(knots)), where=sloped)
    return knots, weight @ y + (knots - centre) * slope


def _knots(places: np.ndarray, apart: float) -> np.ndarray:
    """From the lowest place to the highest, each the farthest that is no farther than ``apart``, or else the next."""
    chosen = [0]
    while chosen[-1] < len(places) - 1:
        farthest = int(np.searchsorted(places, places[chosen[-1]] + apart, "right")) - 1
        chosen.append(max(farthest, chosen[-1] + 1))
    return places[chosen]
