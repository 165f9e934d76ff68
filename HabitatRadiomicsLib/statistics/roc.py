"""Receiver operating characteristic: area with DeLong interval, confidence band, and Youden's cut-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, clustered_covariance, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import ENDS, exact_at_ends, overlap_factor, reach_of
from HabitatRadiomicsLib.statistics.resampling import grouped_resample, stratified_resample


@dataclass(frozen=True)
class AreaUnderCurve:
    """AUC, its variance (DeLong's, of held-out scores times `overlap_factor`) and its interval, limited to 0..1."""

    auc: float
    variance: float
    low: float
    high: float


def area_under_curve(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Share of pairs of cases with either outcome that the scores put in order; ties count half. Nothing is checked."""
    return float(_wins(outcome, scores).mean())


def _wins(outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """1 where a case with the outcome scores above one without it, of ties 0.5; shape (positives, negatives)."""
    difference = scores[outcome == 1][:, None] - scores[outcome == 0][None, :]
    return (difference > 0) + 0.5 * (difference == 0)


def auc_with_interval(outcome: np.ndarray, scores: np.ndarray, *, clusters: Clusters | None = None) -> AreaUnderCurve:
    """AUC with DeLong's variance (DeLong 1988, doi 10.2307/2531595), of clusters Obuchowski's; ties count half.

    Args:
        outcome: 0 or 1; at least two of each.
    """
    outcome, scores = checked(outcome, scores, each=2)
    wins = _wins(outcome, scores)
    auc = float(wins.mean())
    beaten, beating = wins.mean(axis=1), wins.mean(axis=0)
    numbers = cluster_numbers(clusters, len(outcome))
    if numbers is not None:
        # Rounding may make the variance of a perfect separation slightly negative.
        variance = max(0.0, float(clustered_covariance(beaten[None], beating[None], outcome, numbers)[0, 0]))
    else:
        variance = float(beaten.var(ddof=1) / len(beaten) + beating.var(ddof=1) / len(beating))
    return with_interval(auc, variance, fewest_clusters(outcome, numbers))


def with_interval(auc: float, variance: float, fewer: int, *, folds: int | None = None) -> AreaUnderCurve:
    """An AUC with the interval of its variance, see `exact_at_ends`.

    Args:
        variance: DeLong's, or Obuchowski's.
        fewer: cases of the rarer outcome, or clusters.
        folds: of the cross-validation that held the scores out, which widens the interval, see `overlap_factor`; None:
            the cases had no part in the score.
    """
    variance *= overlap_factor(folds)
    reach = reach_of(variance**0.5, fewer, folds)
    interval = exact_at_ends(auc, max(0.0, auc - reach), min(1.0, auc + reach), fewer)
    return AreaUnderCurve(auc, variance, interval.low, interval.high)


def sensitivity_and_specificity(outcome: np.ndarray, scores: np.ndarray, cut_off: float) -> tuple[float, float]:
    """Of the rule ``score >= cut-off``."""
    calls = scores >= cut_off
    return float(calls[outcome == 1].mean()), float((~calls)[outcome == 0].mean())


def youden_cut_off(outcome: np.ndarray, scores: np.ndarray) -> float:
    """The cut-off with the largest sensitivity + specificity - 1, for the rule ``score >= cut-off``.

    It lies midway between two neighbouring scores; of equally good cut-offs the highest is returned.
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
    clusters: Clusters | None = None,
) -> RocBand:
    """Sensitivity at fixed specificities with a stratified bootstrap.

    As pROC's ``ci.se`` (Robin 2011, doi 10.1186/1471-2105-12-77): sensitivity is interpolated between neighbouring
    points of the curve, and on a vertical step the highest counts. The band is pointwise, not simultaneous.

    Args:
        scores: shape (cases,), or (repeats, cases) of a repeated cross-validation: the curve is then the mean over
            repeats at each specificity, and a drawn case brings its scores of all repeats.
        specificity: where; None: 0, 0.01 to 1.
    """
    outcome, scores = checked(outcome, scores)
    at = np.linspace(0, 1, 101) if specificity is None else np.asarray(specificity, dtype=float)
    numbers = cluster_numbers(clusters, len(outcome))

    def replicate_of(replicate: int) -> np.ndarray:
        if numbers is None:
            sample = stratified_resample(outcome, seed, replicate)
        else:
            sample = grouped_resample(outcome, numbers, seed, replicate)
        return _mean_sensitivity_at(at, outcome[sample], scores[..., sample])

    low, high = np.quantile([replicate_of(replicate) for replicate in range(count)], ENDS, axis=0)
    return RocBand(at, _mean_sensitivity_at(at, outcome, scores), low, high)


def _mean_sensitivity_at(specificity: np.ndarray, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    return np.mean([_sensitivity_at(specificity, outcome, row) for row in np.atleast_2d(scores)], axis=0)


def _sensitivity_at(specificity: np.ndarray, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    false_positive, sensitivity = _points(outcome, scores)
    # Rounded so that a specificity of 0.7 meets the point of seven in ten. Of points with one false positive rate,
    # interp returns the last, which is the highest along the curve.
    return np.interp(np.round(1 - specificity, 12), np.round(false_positive, 12), sensitivity)


def _points(outcome: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False positive rate and sensitivity of the rule ``score >= threshold``, from no case called positive to all;
    tied scores give one step, along the straight line between two points."""
    thresholds = np.unique(scores)[::-1]
    false, true = (np.concatenate([[0.0], _share_at_least(scores[outcome == value], thresholds)]) for value in (0, 1))
    return false, true


def _share_at_least(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    return 1 - np.searchsorted(np.sort(values), thresholds, "left") / len(values)
