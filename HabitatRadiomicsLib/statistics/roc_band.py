"""The receiver operating characteristic and its confidence band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers
from HabitatRadiomicsLib.statistics.resampling import grouped_resample, stratified_resample


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
        clusters: whose case each is; where some have several, clusters are drawn with all their cases.

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
