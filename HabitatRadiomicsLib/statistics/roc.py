"""Receiver operating characteristic: area with DeLong interval, confidence band, and Youden's cut-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, clustered_covariance, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import overlap_factor, reach_of
from HabitatRadiomicsLib.statistics.resampling import grouped_resample, stratified_resample


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
        clusters: the patient (cluster) of each case; where some have several, the variance is Obuchowski's.

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


@dataclass(frozen=True)
class RocBand:
    """Sensitivity at given specificities with pointwise bootstrap percentiles; all of one shape."""

    specificity: np.ndarray
    sensitivity: np.ndarray
    low: np.ndarray
    high: np.ndarray


def roc_band(
    outcome: np.ndarray,
    scores: np.ndarray,
    specificity: np.ndarray | None = None,
    *,
    count: int = 2000,
    seed: int,
    level: float = 0.95,
    clusters: Clusters | None = None,
) -> RocBand:
    """Sensitivity at fixed specificities with a stratified bootstrap.

    As pROC's ``ci.se`` (Robin 2011, doi 10.1186/1471-2105-12-77): sensitivity is interpolated between neighbouring
    points of the curve, and on a vertical step the highest is taken. The band is pointwise, not simultaneous.

    Args:
        scores: shape (cases,), or (repeats, cases) of a repeated cross-validation: the curve is then the mean over
            repeats at each specificity, and a drawn case brings its scores of all repeats.
        specificity: where; None: 0, 0.01 to 1.
        clusters: the patient (cluster) of each case; where some have several, clusters are drawn with all their cases.

    Raises:
        EvaluationError: see `checked` and `cluster_numbers`.
    """
    outcome, scores = checked(outcome, scores)
    at = np.linspace(0, 1, 101) if specificity is None else np.asarray(specificity, dtype=float)

    numbers = cluster_numbers(clusters, len(outcome))

    def replicate_of(replicate: int) -> np.ndarray:
        if numbers is None:  # the sample's outcomes are those of the cases
            return _mean_sensitivity_at(at, outcome, scores[..., stratified_resample(outcome, seed, replicate)])
        sample = grouped_resample(outcome, numbers, seed, replicate)
        return _mean_sensitivity_at(at, outcome[sample], scores[..., sample])

    replicates = [replicate_of(replicate) for replicate in range(count)]
    low, high = np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return RocBand(at, _mean_sensitivity_at(at, outcome, scores), low, high)


def _mean_sensitivity_at(specificity: np.ndarray, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.mean([_sensitivity_at(specificity, outcome, row) for row in np.atleast_2d(scores)], axis=0)


def _sensitivity_at(specificity: np.ndarray, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    false_positive, sensitivity = _points(outcome, scores)
    # Rounded, that a specificity of 0.7 meets the point of seven in ten. Where points share a place, interp takes the
    # last, and along the curve that is the highest.
    return np.interp(np.round(1 - specificity, 12), np.round(false_positive, 12), sensitivity)


def _points(outcome: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False positive rate and sensitivity of the rule ``score >= threshold``, from nobody called positive to everybody;
    a line between neighbouring points stands for scores that are tied."""
    thresholds = np.unique(scores)[::-1]
    false, true = (np.concatenate([[0.0], _share_at_least(scores[outcome == value], thresholds)]) for value in (0, 1))
    return false, true


def _share_at_least(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return 1 - np.searchsorted(np.sort(values), thresholds, "left") / len(values)
