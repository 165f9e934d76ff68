"""Observed against predicted risk: groups of equal size, a smooth curve, and how far it strays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.calibration import quantile_groups
from HabitatRadiomicsLib.statistics.checking import checked_probability
from HabitatRadiomicsLib.statistics.intervals import Estimate, wilson
from HabitatRadiomicsLib.statistics.lowess import lowess

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
