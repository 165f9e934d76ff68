"""Intervals of proportions, and the correction for overlapping training sets in cross-validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

#: Confidence level of every interval, the percentiles of its ends, and its normal quantile.
LEVEL = 0.95
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
NORMAL_QUANTILE = NormalDist().inv_cdf(0.5 + LEVEL / 2)
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: float) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Counts may be means over repeats of a cross-validation, and need not be whole numbers. Without trials the
    proportion is NaN, and its interval is 0 to 1.
    """
    if trials == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share, z = successes / trials, NORMAL_QUANTILE
    spread = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / spread
    reach = z / spread * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At the ends the interval reaches 0 or 1 exactly, and rounding must not put the share outside.
    return Estimate(share, min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach)))


def exact_at_ends(value: float, low: float, high: float, fewer: int) -> Estimate:
    """A measure between 0 and 1 with its interval, widened where the value is 0 or 1.

    There, neither DeLong's variance nor resamples vary, although the result is not certain. The interval is then at
    least the exact binomial interval of n successes in n trials.

    Args:
        fewer: n, the number of cases (or clusters) of the rarer outcome.
    """
    exact = ENDS[0] ** (1 / fewer)
    if value > 1 - _ROUNDING:
        low = min(low, exact)
    if value < _ROUNDING:
        high = max(high, 1 - exact)
    return Estimate(value, low, high)


def percentile_estimate(value: float, replicates: np.ndarray, fewer: int) -> Estimate:
    """A value between 0 and 1 with the percentile interval of its bootstrap replicates, see `exact_at_ends`."""
    low, high = np.quantile(replicates, ENDS)
    return exact_at_ends(value, float(low), float(high), fewer)


#: How reports and methods texts call the correction, after the interval's own name.
OVERLAP_CORRECTED = "corrected for overlapping training sets (Nadeau and Bengio)"


def overlap_factor(folds: int | None) -> float:
    """The factor by which the variance of an AUC grows because the training sets of a cross-validation overlap.

    ``1 + k / (k - 1)`` with k folds, 2.25 for five: the correlation between folds is taken to be the share of the
    cases that are tested, which turns the variance ``S2 / k`` of a mean over folds into ``S2 * (1 / k + tested /
    trained)`` (Nadeau 2003, doi 10.1023/A:1024068626366). No estimate of this variance is unbiased (Bengio 2004, J
    Mach Learn Res 5:1089). Nadeau's S2, between a few small folds, would be mostly chance; it is replaced by DeLong's
    variance of the pooled scores. ``Testing/benchmarks/INTERVALS.md`` reports the resulting coverage. Repeats with
    other folds use the same cases, and do not lower the factor.

    Args:
        folds: None: the cases had no part in the score, and nothing overlaps.

    Raises:
        EvaluationError: fewer than two folds.
    """
    if folds is None:
        return 1.0
    if folds < 2:
        raise EvaluationError(
            f"A cross-validation of {folds} folds holds nothing out.", remedy="Give the number of folds, 2 at least."
        )
    return 1 + folds / (folds - 1)


def reach_of(deviation: float, fewer: int, folds: int | None) -> float:
    """Half the length of the interval of an AUC, or of a difference of two, with this standard deviation.

    For cases that had no part in the score, the quantile is normal. For held-out scores of a cross-validation, it is
    Student's t with one degree of freedom less than independent cases of the rarer outcome, as Nadeau and Bengio use t
    for folds: with a dozen cases, the variance itself is uncertain.

    Args:
        fewer: cases of the rarer outcome, or patients where some have several cases; 2 at least.
    """
    if folds is None:
        return NORMAL_QUANTILE * deviation
    from scipy.special import stdtrit

    return float(stdtrit(fewer - 1, 0.5 + LEVEL / 2)) * deviation


def p_of(statistic: float, fewer: int, folds: int | None) -> float:
    """Two-sided p of a difference of AUCs in standard deviations, from the distribution of `reach_of`."""
    if folds is None:
        return math.erfc(abs(statistic) / math.sqrt(2))
    from scipy.special import stdtr

    return 2 * float(stdtr(fewer - 1, -abs(statistic)))
