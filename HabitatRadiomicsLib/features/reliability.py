"""Intraclass correlation: the share of a measurement's variance that is between patients rather than between
repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.protocol import IccForm

#: Shrout and Fleiss' forms: of a single measurement, and of the mean of all k.
Form = IccForm | Literal["1,k", "2,k", "3,k"]

#: A difference is rounding error below this fraction of a feature's largest value.
_ROUNDING = 1e-10
_FEWEST_DEGREES = 0.1


@dataclass(frozen=True)
class Reliability:
    """Intraclass correlation and the bounds of its interval, each of shape (features,)."""

    icc: np.ndarray
    low: np.ndarray
    high: np.ndarray


def intraclass_correlation(ratings: np.ndarray, form: Form, *, confidence: float = 0.95) -> Reliability:
    """ICC of every feature (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420).

    The intervals are theirs, as McGraw and Wong 1996 (doi 10.1037/1082-989X.1.1.30) corrected them. With k raters:

    * ``1,1`` one-way: the raters of two subjects have nothing to do with each other; a shift of a rater is an error.
    * ``2,1`` two-way, absolute agreement: raters are a sample of many; a shift is an error.
    * ``3,1`` two-way, consistency: these raters and no others; a shift is not an error.
    * ``1,k``, ``2,k``, ``3,k``: the same of the mean of all k; -inf where that of one is -1 / (k - 1) or less.

    Args:
        ratings: shape (subjects, raters, features).
        form: which ICC.
        confidence: of the two-sided interval.

    Returns:
        NaN where a rating is not finite. A feature that does not differ between subjects nor within them (a constant)
        tells nothing: 0, with an interval from 0 to 0. Perfect agreement on subjects that differ: 1, from 1 to 1.

    Raises:
        RobustnessError: fewer than two subjects or two raters.
    """
    subjects, raters, _ = ratings.shape
    if subjects < 2 or raters < 2:
        raise RobustnessError(
            f"Reliability needs at least two patients, each measured twice; here are {subjects} patients and "
            f"{raters} measurements of each."
        )
    finite = np.isfinite(ratings).all(axis=(0, 1))
    table = _Variances.of(ratings[:, :, finite])
    single = {"1": _one_way, "2": _agreement, "3": _consistency}[form[0]]
    found = np.array(single(table, (1 - confidence) / 2))
    if form.endswith("k"):
        # Spearman-Brown formula; below this bound the mean of all measurements is pure error.
        whole = 1 + (raters - 1) * found
        found = np.divide(found * raters, whole, out=np.full_like(found, -np.inf), where=whole > 0)
    found = np.where(table.constant, 0.0, found)
    icc, low, high = np.full((3, ratings.shape[2]), np.nan)
    icc[finite], low[finite], high[finite] = found
    return Reliability(icc, low, high)


@dataclass(frozen=True)
class _Variances:
    """Mean squares of the two-way table without replication, shape (features,); rounding error is set to 0."""

    subjects: int
    raters: int
    between: np.ndarray
    within: np.ndarray
    rater: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, ratings: np.ndarray) -> _Variances:
        count, raters, _ = ratings.shape
        centred = ratings - ratings.mean(axis=(0, 1))
        of_subject = centred.mean(axis=1)
        of_rater = centred.mean(axis=0)
        within = centred - of_subject[:, None]
        squares = (
            raters * (of_subject**2).sum(axis=0) / (count - 1),
            (within**2).sum(axis=(0, 1)) / (count * (raters - 1)),
            count * (of_rater**2).sum(axis=0) / (raters - 1),
            ((within - of_rater) ** 2).sum(axis=(0, 1)) / ((count - 1) * (raters - 1)),
        )
        rounding = (_ROUNDING * np.abs(ratings).max(axis=(0, 1), initial=0)) ** 2
        return cls(count, raters, *(np.where(square > rounding, square, 0.0) for square in squares))

    @property
    def constant(self) -> np.ndarray:
        return (self.between == 0) & (self.within == 0)


def _one_way(table: _Variances, tail: float) -> list[np.ndarray]:
    """ICC(1,1) with its bounds."""
    return _from_ratio(table, table.within, tail, table.subjects * (table.raters - 1))


def _consistency(table: _Variances, tail: float) -> list[np.ndarray]:
    """ICC(3,1) with its bounds."""
    return _from_ratio(table, table.error, tail, (table.subjects - 1) * (table.raters - 1))


def _from_ratio(table: _Variances, noise: np.ndarray, tail: float, degrees: int) -> list[np.ndarray]:
    """``(F - 1) / (F + k - 1)`` of the ratio F of two mean squares, and of the bounds of F."""
    subjects, k = table.subjects - 1, table.raters
    # The bounds of F, multiplied by the noise: defined also where there is none.
    factors = (1.0, 1 / _quantile(1 - tail, subjects, degrees), _quantile(1 - tail, degrees, subjects))
    return [_divided(factor * table.between - noise, factor * table.between + (k - 1) * noise) for factor in factors]


def _agreement(table: _Variances, tail: float) -> list[np.ndarray]:
    """ICC(2,1) with its bounds; their degrees of freedom are Satterthwaite's."""
    n, k = table.subjects, table.raters
    between, rater, error = table.between, table.rater, table.error
    icc = _divided(between - error, between + (k - 1) * error + k * (rater - error) / n)
    of_rater = k * icc * rater
    of_error = (n * (1 + (k - 1) * icc) - k * icc) * error
    degrees = _divided((k - 1) * (n - 1) * (of_rater + of_error) ** 2, (n - 1) * of_rater**2 + of_error**2)
    # Fewer (an ICC far below 0, or no error at all, where the bounds do not depend on them) have no finite quantiles.
    degrees = np.maximum(degrees, _FEWEST_DEGREES)
    below, above = 1 / _quantile(1 - tail, n - 1, degrees), _quantile(1 - tail, degrees, n - 1)
    noise = k * rater + (k * n - k - n) * error
    low = _divided(n * (below * between - error), noise + n * below * between)
    high = _divided(n * (above * between - error), noise + n * above * between)
    return [icc, low, high]


def _quantile(probability: float, numerator: float | np.ndarray, denominator: float | np.ndarray) -> np.ndarray:
    """Of the F distribution."""
    from scipy.special import fdtri

    return fdtri(numerator, denominator, probability)


def _divided(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient; 0 where both are 0, since there is no variation."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator != 0)
