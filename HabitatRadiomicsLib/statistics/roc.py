"""Receiver operating characteristic: area with DeLong interval, and Youden's cut-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, clustered_covariance, fewest_clusters
from HabitatRadiomicsLib.statistics.overlap import overlap_factor, reach_of


@dataclass(frozen=True)
class AreaUnderCurve:
    """AUC, its variance (DeLong's, of held-out scores times `overlap_factor`) and its 95% interval, cut to 0..1."""

    auc: float
    variance: float
    low: float
    high: float


def auc_with_interval(
    outcome: np.ndarray, scores: np.ndarray, *, level: float = 0.95, clusters: Clusters | None = None
) -> AreaUnderCurve:
    """AUC with DeLong's variance (DeLong 1988, doi 10.2307/2531595); ties count half.

    Args:
        outcome: 0 or 1; at least two of each.
        scores: higher means more likely 1.
        clusters: whose case each is; where some have several, the variance is Obuchowski's.

    Raises:
        EvaluationError: see `checked` and `clustered_covariance`.
    """
    outcome, scores = checked(outcome, scores, each=2)
    positive, negative = scores[outcome == 1], scores[outcome == 0]
    difference = positive[:, None] - negative[None, :]
    wins = (difference > 0) + 0.5 * (difference == 0)
    auc = float(wins.mean())
    numbers = cluster_numbers(clusters, len(outcome))
    if numbers is not None:
        # Rounding may leave less than nothing of a perfect separation's variance.
        spread = clustered_covariance(wins.mean(axis=1)[None], wins.mean(axis=0)[None], outcome, numbers)
        return with_interval(auc, max(0.0, float(spread[0, 0])), fewest_clusters(outcome, numbers), level=level)
    variance = float(wins.mean(axis=1).var(ddof=1) / len(positive) + wins.mean(axis=0).var(ddof=1) / len(negative))
    return with_interval(auc, variance, min(len(positive), len(negative)), level=level)


def with_interval(
    auc: float, variance: float, fewer: int, *, level: float = 0.95, folds: int | None = None
) -> AreaUnderCurve:
    """An AUC with the interval of its variance.

    A perfect separation has no variance, and yet is not certain: its interval then goes as far as that of as many
    successes in as many trials as the smaller group has cases, or clusters (exact binomial).

    Args:
        variance: DeLong's, or Obuchowski's.
        fewer: cases of the rarer outcome, or clusters.
        folds: of the cross-validation that held the scores out, which widens the interval, see `overlap_factor`; None:
            the cases had no part in the score.
    """
    variance *= overlap_factor(folds)
    reach = reach_of(variance**0.5, fewer, folds, level)
    low, high = max(0.0, auc - reach), min(1.0, auc + reach)
    exact = ((1 - level) / 2) ** (1 / fewer)
    if auc == 1.0:
        low = min(low, exact)
    if auc == 0.0:
        high = max(high, 1 - exact)
    return AreaUnderCurve(auc, variance, low, high)


def sensitivity_and_specificity(outcome: np.ndarray, scores: np.ndarray, cut_off: float) -> tuple[float, float]:
    """Of the rule ``score >= cut-off``."""
    calls = scores >= cut_off
    return float(calls[outcome == 1].mean()), float((~calls)[outcome == 0].mean())


def youden_cut_off(outcome: np.ndarray, scores: np.ndarray) -> float:
    """The cut-off with the largest sensitivity + specificity - 1, for the rule ``score >= cut-off``.

    It lies midway between two neighbouring scores; of equally good ones the highest is taken.

    Raises:
        EvaluationError: see `checked`.
    """
    outcome, scores = checked(outcome, scores)
    distinct = np.unique(scores)
    middles = (distinct[1:] + distinct[:-1]) / 2
    candidates = middles if len(middles) else distinct
    calls = scores[None, :] >= candidates[:, None]
    youden = calls[:, outcome == 1].mean(axis=1) - calls[:, outcome == 0].mean(axis=1)
    return float(candidates[np.flatnonzero(np.isclose(youden, youden.max(), rtol=0, atol=1e-12))[-1]])
