"""The precision-recall curve and the area under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import Estimate, percentile_estimate
from HabitatRadiomicsLib.statistics.resampling import resample_weights


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """The rule ``score >= threshold`` at every distinct score.

    Attributes:
        thresholds: descending.
        precision, recall: same shape; recall ascends.
        baseline: the prevalence, the precision of an uninformative score at every recall.
    """

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    baseline: float


def precision_recall_curve(outcome: np.ndarray, scores: np.ndarray) -> PrecisionRecallCurve:
    """The points of the curve, to be drawn as a step function.

    Args:
        outcome: 0 or 1, shape (cases,).
        scores: higher means more likely 1, shape (cases,).

    Raises:
        EvaluationError: see `checked`.
    """
    outcome, scores = checked(outcome, scores)
    order, last_of_equals = _descending(scores)
    true_positives = np.cumsum(outcome[order])[last_of_equals]
    return PrecisionRecallCurve(
        scores[order][last_of_equals],
        true_positives / (last_of_equals + 1),
        true_positives / true_positives[-1],
        float(outcome.mean()),
    )


def _descending(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of the scores from the highest, and the last place in it of each distinct one."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)


def average_precision(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve in steps: precision weighted by the recall that each threshold adds.

    Steps and not trapezes, which are too hopeful (Davis 2006, doi 10.1145/1143844.1143874).

    Args:
        scores: shape (cases,), or (repeats, cases): the mean over repeats.

    Raises:
        EvaluationError: see `checked`.
    """
    outcome, scores = checked(outcome, scores)
    return float(_mean_over_repeats(outcome, scores, np.ones((1, len(outcome))))[0])


def _mean_over_repeats(outcome: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average precision for each row of case weights, the mean over repeats."""
    return np.mean([_weighted(outcome, row, weights) for row in np.atleast_2d(scores)], axis=0)


def _weighted(outcome: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order, last_of_equals = _descending(scores)
    drawn = weights[:, order]
    called = np.cumsum(drawn, axis=1)[:, last_of_equals]
    true_positives = np.cumsum(drawn * outcome[order], axis=1)[:, last_of_equals]
    # Where no drawn case is called yet, there is no precision, and no recall to weight it with either.
    precision = true_positives / np.maximum(called, 1)
    added = np.diff(true_positives, axis=1, prepend=0) / true_positives[:, -1:]
    return (precision * added).sum(axis=1)


def average_precision_with_interval(
    outcome: np.ndarray,
    scores: np.ndarray,
    *,
    count: int = 2000,
    seed: int,
    level: float = 0.95,
    clusters: Clusters | None = None,
) -> Estimate:
    """Average precision with the percentile interval of a stratified bootstrap.

    Stratified, that no resample lacks the rarer outcome and all have the prevalence that the area depends on.

    Args:
        scores: shape (cases,), or (repeats, cases): the mean over repeats, cases resampled jointly.
        clusters: the patient (cluster) of each case; where some have several, clusters are drawn with all their cases.

    Raises:
        EvaluationError: see `checked` and `cluster_numbers`.
    """
    outcome, scores = checked(outcome, scores)
    numbers = cluster_numbers(clusters, len(outcome))
    weights = resample_weights(outcome, count=count, seed=seed, groups=numbers)
    replicates = _mean_over_repeats(outcome, scores, weights)
    fewer = fewest_clusters(outcome, numbers)
    return percentile_estimate(average_precision(outcome, scores), replicates, fewer, level=level)
