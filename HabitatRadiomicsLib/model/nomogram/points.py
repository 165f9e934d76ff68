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
#: About as many ticks as an axis is to have.
_TICKS = 10
_RISKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
#: With fewer of these on the axis, round numbers in between are used.
_FEWEST_RISKS = 4


@dataclass(frozen=True)
class NumericFactor:
    """A number whose effect is ``coefficient * value``; its axis covers ``minimum`` to ``maximum``."""

    name: str
    coefficient: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class CategoricalFactor:
    """Levels and their effects, in the order of an axis; that of the reference is 0."""

    name: str
    levels: tuple[str, ...]
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Axis:
    """Ticks of one factor, of a number or of levels: their labels, effects on the linear predictor, and points."""

    name: str
    numeric: bool
    labels: tuple[str, ...]
    effects: np.ndarray
    points: np.ndarray

    @property
    def lowest_effect(self) -> float:
        """The effect that corresponds to 0 points."""
        return float(self.effects.min())


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

    def linear(self, total: float | np.ndarray) -> np.ndarray:
        """The linear predictor for a total of points."""
        return self.linear_at_zero + np.asarray(total, dtype=float) / self.points_per_unit

    def total(self, linear: float | np.ndarray) -> np.ndarray:
        """The total points of a linear predictor."""
        return (np.asarray(linear, dtype=float) - self.linear_at_zero) * self.points_per_unit

    def probability(self, total: float | np.ndarray) -> np.ndarray:
        """The risk for a total of points."""
        from scipy.special import expit

        return np.asarray(expit(self.linear(total)))


def nomogram_scale(
    factors: Sequence[NumericFactor | CategoricalFactor],
    intercept: float,
    linear_range: tuple[float, float],
    *,
    risks: Sequence[float] | None = None,
) -> NomogramScale:
    """Lay out the axes.

    Args:
        factors: those of the model, each with a unique name.
        intercept: of the linear predictor.
        linear_range: lowest and highest linear predictor of the training cases: how far totals and risks reach.
        risks: ticks of the axis of risks, above 0 and below 1; None: usual ones. Those beyond the range are left out.

    Raises:
        EvaluationError: no factors, twice the same name, numbers that are not finite, a minimum that is not below its
            maximum, levels without a coefficient each, no factor with an effect, risks that are none.
    """
    _check(factors, intercept, linear_range, risks)
    ticks = [_ticks(factor) for factor in factors]
    reach = max(float(np.ptp(effects)) for _, effects in ticks)
    if reach == 0:
        raise EvaluationError("No factor of the nomogram has an effect.", remedy="There is nothing to add up.")
    per_unit = _POINTS / reach
    axes = tuple(
        Axis(factor.name, isinstance(factor, NumericFactor), labels, effects, (effects - effects.min()) * per_unit)
        for factor, (labels, effects) in zip(factors, ticks)
    )
    at_zero = intercept + sum(axis.lowest_effect for axis in axes)
    ends = pretty(*linear_range, _TICKS)[[0, -1]] if linear_range[0] < linear_range[1] else np.array(linear_range)
    most = _POINTS if len(axes) == 1 else max(_POINTS, per_unit * (ends[1] - at_zero))
    marks = _risk_ticks(ends, risks)
    where = (np.log(marks) - np.log1p(-marks) - at_zero) * per_unit
    return NomogramScale(axes, per_unit, at_zero, pretty(0.0, float(most), _TICKS), marks, where)


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
    # A larger unit is taken where it is nearer to the step, with a bias of 1.5 for it, and of 2.75 for the five.
    for factor, bias in ((2, 1.5), (5, 2.75), (10, 1.5)):
        if factor * base - step < bias * (step - unit):
            unit = factor * base
    ticks = np.arange(math.floor(low / unit + 1e-10), math.ceil(high / unit - 1e-10) + 1) * unit
    # 3 * 0.1 is 0.30000000000000004, and no axis should say so.
    return np.array([float(f"{tick:.12g}") for tick in ticks])


def _ticks(factor: NumericFactor | CategoricalFactor) -> tuple[tuple[str, ...], np.ndarray]:
    if isinstance(factor, CategoricalFactor):
        return factor.levels, np.array(factor.coefficients, dtype=float)
    values = pretty(factor.minimum, factor.maximum, _TICKS)
    return tuple(f"{value:.12g}" for value in values), factor.coefficient * values


def _risk_ticks(ends: np.ndarray, risks: Sequence[float] | None) -> np.ndarray:
    from scipy.special import expit

    low, high = expit(ends)
    usual = np.array(_RISKS if risks is None else sorted(risks), dtype=float)
    inside = usual[(usual >= low - 1e-9) & (usual <= high + 1e-9)]
    if risks is None and len(inside) < _FEWEST_RISKS and low < high:
        between = pretty(low, high, _TICKS)
        inside = between[(between >= low) & (between <= high) & (between > 0) & (between < 1)]
    return inside


def _check(
    factors: Sequence[NumericFactor | CategoricalFactor],
    intercept: float,
    linear_range: tuple[float, float],
    risks: Sequence[float] | None,
) -> None:
    if not factors:
        raise EvaluationError("A nomogram needs one factor at least.")
    names = [factor.name for factor in factors]
    if len(set(names)) != len(names):
        raise EvaluationError(f"Factors come twice: {', '.join(names)}.", remedy="Give each factor a name of its own.")
    numbers = [intercept, *linear_range]
    for factor in factors:
        if isinstance(factor, NumericFactor):
            numbers += [factor.coefficient, factor.minimum, factor.maximum]
            if factor.minimum >= factor.maximum:
                raise EvaluationError(
                    f"The range {factor.minimum:g} to {factor.maximum:g} is empty.",
                    where=f"factor '{factor.name}'",
                )
        else:
            numbers += factor.coefficients
            if not factor.levels or len(factor.levels) != len(factor.coefficients):
                raise EvaluationError(
                    f"There are {len(factor.levels)} levels and {len(factor.coefficients)} coefficients.",
                    where=f"factor '{factor.name}'",
                )
    if not np.isfinite(numbers).all():
        raise EvaluationError("A coefficient or a range of the nomogram is not a finite number.")
    if linear_range[0] > linear_range[1]:
        raise EvaluationError("The lowest linear predictor lies above the highest.")
    if risks is not None and not all(0 < risk < 1 for risk in risks):
        raise EvaluationError("A risk on the nomogram's axis is not above 0 and below 1.")
