"""The arithmetic of a nomogram: the points of each value of a factor, and the risk that a total corresponds to.

The scales are those of R's ``rms::nomogram`` (Harrell, Regression Modeling Strategies, doi 10.1007/978-3-319-19425-7).
A factor's axis begins with 0 points at its lowest effect on the linear predictor, and the axis with the largest range
of effects ends with 100. Points are linear in the effects, so that their total gives the linear predictor exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

#: The points at the end of the longest axis.
_POINTS = 100.0
#: About how many ticks an axis gets.
_TICKS = 10
_RISKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
#: With fewer of the usual risks on the axis, round numbers are used instead.
_FEWEST_RISKS = 4


@dataclass(frozen=True)
class Axis:
    """Ticks of one factor, of a number or of levels: their labels and effects on the linear predictor."""

    name: str
    labels: tuple[str, ...]
    effects: np.ndarray
    numeric: bool

    @property
    def lowest_effect(self) -> float:
        """The effect that corresponds to 0 points."""
        return float(self.effects.min())


def numeric_axis(name: str, coefficient: float, minimum: float, maximum: float) -> Axis:
    """The axis of a number whose effect is ``coefficient * value``, from its minimum to its maximum."""
    values = pretty(minimum, maximum, _TICKS)
    return Axis(name, tuple(f"{value:.12g}" for value in values), coefficient * values, numeric=True)


@dataclass(frozen=True)
class NomogramScale:
    """All axes of a nomogram.

    Attributes:
        axes: in the order of the factors.
        points_per_unit: of the linear predictor.
        linear_at_zero: the linear predictor of 0 points in total.
        totals: ticks of the axis of total points.
        risks, risk_totals: ticks of the axis of risks, and the total points at these ticks; same shape.
    """

    axes: tuple[Axis, ...]
    points_per_unit: float
    linear_at_zero: float
    totals: np.ndarray
    risks: np.ndarray
    risk_totals: np.ndarray

    @property
    def ticks(self) -> dict[str, np.ndarray]:
        """Points of the ticks of each axis."""
        return {axis.name: (axis.effects - axis.lowest_effect) * self.points_per_unit for axis in self.axes}

    def points(self, effects: Mapping[str, float]) -> dict[str, float]:
        """Points by axis; an effect beyond the end of its axis has less than 0 or more than the axis shows.

        Args:
            effects: of every axis, by its name: coefficient times value.

        Raises:
            EvaluationError: an axis has no effect, or an effect has no axis.
        """
        names = [axis.name for axis in self.axes]
        if sorted(names) != sorted(effects):
            raise EvaluationError(
                f"The nomogram adds up points of {', '.join(names)}; given were {', '.join(effects) or 'none'}.",
                remedy="Give one effect for each axis.",
            )
        return {axis.name: (effects[axis.name] - axis.lowest_effect) * self.points_per_unit for axis in self.axes}

    def probability(self, total: float | np.ndarray) -> np.ndarray:
        """The risk for a total of points."""
        from scipy.special import expit

        return np.asarray(expit(self.linear_at_zero + np.asarray(total, dtype=float) / self.points_per_unit))


def nomogram_scale(axes: Sequence[Axis], intercept: float, linear_range: tuple[float, float]) -> NomogramScale:
    """Lay out the axes.

    Args:
        axes: of the factors of the model, each with a unique name.
        intercept: of the linear predictor.
        linear_range: lowest and highest linear predictor of the training cases: how far totals and risks reach.

    Raises:
        EvaluationError: no factor has an effect.
    """
    reach = max(float(np.ptp(axis.effects)) for axis in axes)
    if reach == 0:
        raise EvaluationError("No factor of the nomogram has an effect.", remedy="There is nothing to add up.")
    per_unit = _POINTS / reach
    at_zero = intercept + sum(axis.lowest_effect for axis in axes)
    ends = pretty(*linear_range, _TICKS)[[0, -1]] if linear_range[0] < linear_range[1] else np.array(linear_range)
    most = _POINTS if len(axes) == 1 else max(_POINTS, per_unit * (ends[1] - at_zero))
    risks = _risk_ticks(ends)
    risk_totals = (np.log(risks) - np.log1p(-risks) - at_zero) * per_unit
    return NomogramScale(tuple(axes), per_unit, at_zero, pretty(0.0, float(most), _TICKS), risks, risk_totals)


def pretty(low: float, high: float, count: int) -> np.ndarray:
    """Round numbers, about ``count`` + 1 of them, that cover a range: the values of R's ``pretty``.

    Steps are 1, 2 or 5 times a power of ten, the smaller ones preferred (Becker, Chambers, Wilks 1988, The New S
    Language).

    Args:
        low, high: finite, low below high.
    """
    step = (high - low) / count
    base = 10.0 ** math.floor(math.log10(step))
    unit = base
    # A larger unit is used if it is nearer to the step, with R's bias of 1.5, or 2.75 for the five.
    for factor, bias in ((2, 1.5), (5, 2.75), (10, 1.5)):
        if factor * base - step < bias * (step - unit):
            unit = factor * base
    ticks = np.arange(math.floor(low / unit + 1e-10), math.ceil(high / unit - 1e-10) + 1) * unit
    # 3 * 0.1 is 0.30000000000000004; an axis says 0.3.
    return np.array([float(f"{tick:.12g}") for tick in ticks])


def _risk_ticks(ends: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    low, high = expit(ends)
    usual = np.array(_RISKS)
    inside = usual[(usual >= low - 1e-9) & (usual <= high + 1e-9)]
    if len(inside) < _FEWEST_RISKS and low < high:
        between = pretty(low, high, _TICKS)
        inside = between[(between >= low) & (between <= high) & (between > 0) & (between < 1)]
    return inside
