"""Observed against predicted risk: groups of equal size, a smooth curve, and how far it strays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.calibration import quantile_groups
from HabitatRadiomicsLib.statistics.checking import checked_probability
from HabitatRadiomicsLib.statistics.intervals import Estimate, wilson

#: Cases that make a group worth a point on the curve.
_GROUP = 10


@dataclass(frozen=True)
class CalibrationGroup:
    """Cases of similar probability: their number, mean probability, and observed share with its Wilson interval."""

    cases: int
    predicted: float
    observed: Estimate


@dataclass(frozen=True)
class SmoothCalibration:
    """The smooth curve, and absolute differences between it and the probabilities over the cases.

    Attributes:
        predicted, observed: points of the curve, shape (points,); predicted ascends.
        e_max, e_90, e_avg: largest, 90th percentile and mean of the differences.
    """

    predicted: np.ndarray
    observed: np.ndarray
    e_max: float
    e_90: float
    e_avg: float


def calibration_groups(
    outcome: np.ndarray, probability: np.ndarray, *, groups: int | None = None, level: float = 0.95
) -> list[CalibrationGroup]:
    """The calibration curve by groups of about equal size, ascending.

    Groups and not the smooth curve carry the intervals: with the few cases of most radiomics studies a smoother
    invents shape (Van Calster 2019, doi 10.1186/s12916-019-1466-7).

    Args:
        groups: at most; None: such that each has ten cases, from one to ten groups.

    Raises:
        EvaluationError: see `checked_probability`, and for less than one group.
    """
    outcome, probability = checked_probability(outcome, probability)
    wanted = min(10, max(1, len(outcome) // _GROUP)) if groups is None else groups
    if wanted < 1:
        raise EvaluationError(f"A calibration curve cannot have {wanted} groups.", remedy="Ask for at least one.")
    member = quantile_groups(probability, wanted)
    found = []
    for group in range(member.max() + 1):
        inside = member == group
        cases = int(inside.sum())
        predicted = float(probability[inside].mean())
        found.append(CalibrationGroup(cases, predicted, wilson(int(outcome[inside].sum()), cases, level=level)))
    return found


def smooth_calibration(outcome: np.ndarray, probability: np.ndarray) -> SmoothCalibration:
    """The lowess curve, and E-max, E-90 and E-avg as R's ``rms::val.prob`` has them.

    Raises:
        EvaluationError: see `checked_probability`.
    """
    outcome, probability = checked_probability(outcome, probability)
    predicted, observed = lowess(probability, outcome.astype(float))
    error = np.abs(probability - np.interp(probability, predicted, observed))
    return SmoothCalibration(
        predicted, observed, float(error.max()), float(np.quantile(error, 0.9)), float(error.mean())
    )


def lowess(x: np.ndarray, y: np.ndarray, *, share: float = 2 / 3) -> tuple[np.ndarray, np.ndarray]:
    """Cleveland's smoother (1979, doi 10.1080/01621459.1979.10481038) without its robustness iterations.

    The values are those of R's ``lowess(x, y, f = share, iter = 0)``: lines are fitted at knots about a hundredth of
    the range apart, and in between the curve is straight. statsmodels' ``lowess``
    places its knots otherwise: it differs by up to 2e-5 where no x are equal, and may be NaN where many of a few are.

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
