"""Intraclass correlation: the share of a measurement's variance that lies between patients, not between repetitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.protocol import IccForm

#: A difference is rounding error below this fraction of a feature's largest value.
_ROUNDING = 1e-10
_FEWEST_DEGREES = 0.1


@dataclass(frozen=True)
class Reliability:
    """Intraclass correlation and the bounds of its interval, each of shape (features,)."""

    icc: np.ndarray
    low: np.ndarray
    high: np.ndarray


def intraclass_correlation(ratings: np.ndarray, form: IccForm, *, confidence: float = 0.95) -> Reliability:
    """ICC of a single measurement, for every feature (Shrout and Fleiss 1979, doi 10.1037/0033-2909.86.2.420).

    The intervals are theirs, as McGraw and Wong 1996 (doi 10.1037/1082-989X.1.1.30) corrected them.

    * ``1,1`` one-way: each subject has raters of its own; a shift of a rater is an error.
    * ``2,1`` two-way, absolute agreement: raters are a sample of many; a shift is an error.
    * ``3,1`` two-way, consistency: these raters and no others; a shift is not an error.

    Args:
        ratings: shape (subjects, raters, features).
        form: which ICC.
        confidence: of the two-sided interval.

    Returns:
        NaN where a rating is not finite; 0, with an interval from 0 to 0, where all ratings are equal; 1, from 1 to 1,
        for perfect agreement on subjects that differ.

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
    tail = (1 - confidence) / 2
    if form == "1,1":
        estimates = _from_ratio(table, table.within, tail, subjects * (raters - 1))
    elif form == "2,1":
        estimates = _agreement(table, tail)
    else:
        estimates = _from_ratio(table, table.error, tail, (subjects - 1) * (raters - 1))
    constant = (table.between == 0) & (table.within == 0)
    icc, low, high = np.full((3, ratings.shape[2]), np.nan)
    icc[finite], low[finite], high[finite] = np.where(constant, 0.0, np.array(estimates))
    return Reliability(icc, low, high)


@dataclass(frozen=True)
class _Variances:
    """Mean squares of the two-way table without replication, shape (features,); rounding errors are set to 0."""

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
