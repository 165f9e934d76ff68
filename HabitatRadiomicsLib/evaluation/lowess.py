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
    places = np.unique(x)
    knots = [places[0]]
    while knots[-1] < places[-1]:
        following = places[places > knots[-1]]
        within = following[following <= knots[-1] + 0.01 * width]
        knots.append(within[-1] if len(within) else following[0])
    return np.array(knots), np.array([_line_at(knot, x, y, near, width) for knot in knots])


def _line_at(place: float, x: np.ndarray, y: np.ndarray, near: int, width: float) -> float:
    distance = np.abs(x - place)
    reach = np.partition(distance, near - 1)[near - 1]
    if reach == 0:
        return float(y[distance == 0].mean())
    relative = distance / reach
    inside = relative <= 0.999
    x, y, relative = x[inside], y[inside], relative[inside]
    weight = np.where(relative <= 0.001, 1.0, (1 - relative**3) ** 3)
    weight = weight / weight.sum()
    centre = np.sum(weight * x)
    spread = np.sum(weight * (x - centre) ** 2)
    # Points all but on top of one another carry a mean and no slope.
    if np.sqrt(spread) <= 0.001 * width:
        return float(np.sum(weight * y))
    return float(np.sum(weight * (1 + (place - centre) * (x - centre) / spread) * y))
