"""Held-out scores of a cross-validation are not independent: how much wider that makes the interval of their AUC."""

from __future__ import annotations

import math
from statistics import NormalDist

from HabitatRadiomicsLib.errors import EvaluationError

#: As reports and methods texts name it, after the interval's own name.
OVERLAP_CORRECTED = "corrected for overlapping training sets (Nadeau and Bengio)"


def overlap_factor(folds: int | None) -> float:
    """By how much the variance of an AUC grows since the training sets of a cross-validation overlap.

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
    """Two-sided p of a difference of AUCs over its standard deviation, by the distribution of :func:`reach_of`."""
    if folds is None:
        return math.erfc(abs(statistic) / math.sqrt(2))
    from scipy.special import stdtr

    return 2 * float(stdtr(fewer - 1, -abs(statistic)))
