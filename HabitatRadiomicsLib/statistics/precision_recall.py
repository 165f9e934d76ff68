"""The precision-recall curve and the area under it."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import Estimate, percentile_estimate
from HabitatRadiomicsLib.statistics.resampling import resample_weights


def precision_recall_curve(outcome: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of the rule ``score >= threshold`` at every distinct score, to be drawn as steps.

    Returns:
        Two arrays of shape (distinct scores,); recall ascends.
    """
    outcome, scores = checked(outcome, scores)
    order, last_of_equals = _descending(scores)
    true_positives = np.cumsum(outcome[order])[last_of_equals]
    return true_positives / (last_of_equals + 1), true_positives / true_positives[-1]


def _descending(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of the scores from the highest, and the last position in it of each distinct score."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)


def average_precision(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve in steps: precision weighted by the recall that each threshold adds.

    Trapezoids instead of steps would be too optimistic (Davis 2006, doi 10.1145/1143844.1143874).

    Args:
        scores: shape (cases,), or (repeats, cases): the mean over repeats.
    """
    outcome, scores = checked(outcome, scores)
    return float(_mean_over_repeats(outcome, scores, np.ones((1, len(outcome))))[0])


def average_precision_with_interval(
    outcome: np.ndarray, scores: np.ndarray, *, count: int = 2000, seed: int, clusters: Clusters | None = None
) -> Estimate:
    """Average precision with the percentile interval of a stratified bootstrap.

    Stratification keeps the rarer outcome in every resample, and the prevalence on which the area depends.

    Args:
        scores: shape (cases,), or (repeats, cases): the mean over repeats; a drawn case brings its scores of all
            repeats.
    """
    outcome, scores = checked(outcome, scores)
    numbers = cluster_numbers(clusters, len(outcome))
    weights = resample_weights(outcome, count=count, seed=seed, groups=numbers)
    replicates = _mean_over_repeats(outcome, scores, weights)
    return percentile_estimate(average_precision(outcome, scores), replicates, fewest_clusters(outcome, numbers))


def _mean_over_repeats(outcome: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision for each row of case weights, the mean over repeats."""
    return np.mean([_weighted(outcome, row, weights) for row in np.atleast_2d(scores)], axis=0)


def _weighted(outcome: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order, last_of_equals = _descending(scores)
    drawn = weights[:, order]
    called = np.cumsum(drawn, axis=1)[:, last_of_equals]
    true_positives = np.cumsum(drawn * outcome[order], axis=1)[:, last_of_equals]
    # Before the first drawn case, precision is undefined, and there is no recall to weight it with.
    precision = true_positives / np.maximum(called, 1)
    added = np.diff(true_positives, axis=1, prepend=0) / true_positives[:, -1:]
    return (precision * added).sum(axis=1)
