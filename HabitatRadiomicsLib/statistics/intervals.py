"""Intervals of proportions, and the correction for overlapping training sets in cross-validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: float, *, level: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Means of counts over repeats of a cross-validation need not be whole numbers. Without a trial the proportion is
    not a number, and its interval is 0 to 1.
    """
    if trials == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = successes / trials
    z = NormalDist().inv_cdf(0.5 + level / 2)
    spread = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / spread
    reach = z / spread * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At the ends the interval reaches 0 or 1 exactly, and rounding must not put the share outside.
    return Estimate(share, min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach)))


def percentile_estimate(value: float, replicates: np.ndarray, fewer: int, *, level: float = 0.95) -> Estimate:
    """A value between 0 and 1 with the percentile interval of its bootstrap replicates.

    Every resample of a perfect result is perfect, although the result is not certain. Its interval is then the exact
    binomial interval of n successes in n trials, where n is the size of the smaller group, as for the AUC.

    Args:
        fewer: cases of the rarer outcome.
    """
    low, high = (float(bound) for bound in np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2]))
    exact = ((1 - level) / 2) ** (1 / fewer)
    if value > 1 - _ROUNDING:
        low = min(low, exact)
    if value < _ROUNDING:
        high = max(high, 1 - exact)
    return Estimate(value, low, high)


#: As reports and methods texts name it, after the interval's own name.
OVERLAP_CORRECTED = "corrected for overlapping training sets (Nadeau and Bengio)"


def overlap_factor(folds: int | None) -> float:
    """The factor by which the variance of an AUC grows because the training sets of a cross-validation overlap.

    ``1 + k / (k - 1)`` with k folds, 2.25 for five: results of different folds are taken to correlate by the share of
    the cases that are tested, which turns the variance ``S2 / k`` of a mean over folds into ``S2 * (1 / k + tested /
    trained)`` (Nadeau 2003, doi 10.1023/A:1024068626366). No estimate of it is unbiased (Bengio 2004, J Mach Learn Res
    5:1089). DeLong's variance of the pooled scores stands here for that between a few small folds, which is itself
    mostly chance. ``Testing/benchmarks/INTERVALS.md`` has what the interval then covers. Repeats with other folds see
    the same cases, and do not lower the factor.

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


def reach_of(deviation: float, fewer: int, folds: int | None, level: float) -> float:
    """Half the length of the interval of an AUC, or of a difference of two, with this standard deviation.

    Normal for cases that had no part in the score. Of a cross-validation, Student's t with one degree of freedom less
    than there are independent cases of the rarer outcome, as Nadeau and Bengio take t for folds: with a dozen of them
    the variance is a rough guess itself.

    Args:
        fewer: cases of the rarer outcome, or patients where some have several; 2 at least.
    """
    if folds is None:
        return NormalDist().inv_cdf(0.5 + level / 2) * deviation
    from scipy.special import stdtrit

    return float(stdtrit(fewer - 1, 0.5 + level / 2)) * deviation


def p_of(statistic: float, fewer: int, folds: int | None) -> float:
    """Two-sided p of a difference of AUCs divided by its standard deviation, from the distribution of
    :func:`reach_of`."""
    if folds is None:
        return math.erfc(abs(statistic) / math.sqrt(2))
    from scipy.special import stdtr

    return 2 * float(stdtr(fewer - 1, -abs(statistic)))
