"""The measures in a row of the performance table: AUC, and classification at a cut-off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, clustered_wilson, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import Estimate, percentile_estimate, wilson
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.statistics.resampling import resample_weights
from HabitatRadiomicsLib.statistics.roc import AreaUnderCurve, auc_with_interval, with_interval


@dataclass(frozen=True)
class Counts:
    """The four cells of the confusion matrix; of repeated scores, means over the repeats."""

    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float

    @property
    def f1(self) -> float:
        """Harmonic mean of positive predictive value and sensitivity."""
        wrong = self.false_positives + self.false_negatives
        return 2 * self.true_positives / (2 * self.true_positives + wrong)


def count_calls(outcome: np.ndarray, scores: np.ndarray, cut_off: float | np.ndarray) -> Counts:
    """True and false calls of the rule ``score >= cut-off``.

    Args:
        scores: shape (cases,), or (repeats, cases): counts are then means over repeats.
        cut_off: one for all, or an array that broadcasts to the scores: one per repeat (repeats, 1), or the one that
            the case's training fold chose (repeats, cases).

    Raises:
        EvaluationError: a cut-off that is not a number or has another shape.
    """
    outcome, scores = checked(outcome, scores)
    return _counts(outcome, _called(scores, cut_off))


def _called(scores: np.ndarray, cut_off: float | np.ndarray) -> np.ndarray:
    """Whether each score reaches its cut-off, shape (repeats, cases)."""
    try:
        cut_offs = np.broadcast_to(np.asarray(cut_off, dtype=float), scores.shape)
    except ValueError:
        raise EvaluationError(
            f"Cut-offs of shape {np.shape(cut_off)} do not fit scores of shape {scores.shape}."
        ) from None
    if np.isnan(cut_offs).any():
        raise EvaluationError("A cut-off is not a number.")
    return np.atleast_2d(scores >= cut_offs)


def _counts(outcome: np.ndarray, calls: np.ndarray) -> Counts:
    positive, negative = calls[:, outcome == 1], calls[:, outcome == 0]
    cells = (positive, negative, ~negative, ~positive)
    return Counts(*(float(cell.sum(axis=1).mean()) for cell in cells))


def classify(
    outcome: np.ndarray,
    scores: np.ndarray,
    cut_off: float | np.ndarray,
    *,
    count: int = 2000,
    seed: int,
    clusters: Clusters | None = None,
) -> dict[str, Estimate]:
    """Sensitivity, specificity, accuracy, predictive values and F1 of the rule ``score >= cut-off``.

    The intervals take the cut-off as given; one chosen on the same cases makes them too narrow. Proportions have
    Wilson's interval, or that of `clustered_wilson`; of repeated scores it is that of one repeat's number of cases.
    F1 is no proportion of independent trials, and has the percentile interval of a stratified bootstrap.

    Args:
        outcome, scores, cut_off: see `count_calls`.
        count, seed: of the bootstrap.

    Returns:
        Estimates under ``sensitivity``, ``specificity``, ``accuracy``, ``ppv``, ``npv`` and ``f1``. Where no case is
        called positive, ``ppv`` is NaN with an interval from 0 to 1; likewise ``npv`` where every case is.
    """
    outcome, scores = checked(outcome, scores)
    numbers = cluster_numbers(clusters, len(outcome))
    calls = _called(scores, cut_off)
    counts = _counts(outcome, calls)
    tp, fp, tn, fn = counts.true_positives, counts.false_positives, counts.true_negatives, counts.false_negatives
    right = calls == (outcome == 1)

    def proportion(successes: float, trials: float, counted: np.ndarray) -> Estimate:
        if numbers is None:
            return wilson(successes, trials)
        counted = np.broadcast_to(counted, right.shape)
        return clustered_wilson(successes, trials, counted, counted & right, numbers)

    weights = resample_weights(outcome, count=count, seed=seed, groups=numbers)
    replicates = _f1_replicates(outcome, calls, weights)
    return {
        "sensitivity": proportion(tp, tp + fn, outcome == 1),
        "specificity": proportion(tn, tn + fp, outcome == 0),
        "accuracy": proportion(tp + tn, len(outcome), outcome >= 0),
        "ppv": proportion(tp, tp + fp, calls),
        "npv": proportion(tn, tn + fn, ~calls),
        "f1": percentile_estimate(counts.f1, replicates, fewest_clusters(outcome, numbers)),
    }


def _f1_replicates(outcome: np.ndarray, calls: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of each row of case weights; a case keeps the calls of all its repeats."""
    called = calls.mean(axis=0)
    true_positives = (weights * called * outcome).sum(axis=1)
    all_called = (weights * called).sum(axis=1)
    return 2 * true_positives / (all_called + weights @ outcome)


def mean_auc(
    outcome: np.ndarray, scores: np.ndarray, *, clusters: Clusters | None = None, folds: int | None = None
) -> AreaUnderCurve:
    """Mean AUC over the repeats, with the mean DeLong variance.

    The variance is averaged and not divided by the number of repeats, because all repeats use the same cases.

    Args:
        outcome: 0 or 1, at least two of each.
        scores: shape (repeats, cases), or (cases,).
        folds: of the cross-validation that held the scores out, see `with_interval`; None: the score is frozen.
    """
    outcome, scores = checked(outcome, scores, each=2)
    areas = [auc_with_interval(outcome, row, clusters=clusters) for row in np.atleast_2d(scores)]
    return with_interval(
        float(np.mean([area.auc for area in areas])),
        float(np.mean([area.variance for area in areas])),
        fewest_clusters(outcome, clusters),
        folds=folds,
    )


def performance_table_row(
    outcome: np.ndarray,
    scores: np.ndarray,
    cut_off: float | np.ndarray,
    *,
    count: int = 2000,
    seed: int = 0,
    clusters: Clusters | None = None,
    folds: int | None = None,
) -> dict[str, Estimate]:
    """The row of one model in a comparison table.

    Args:
        outcome: 0 or 1, at least two of each.
        scores: shape (repeats, cases), or (cases,).
        cut_off: see `count_calls`.
        count, seed: of the bootstraps of F1 and AUPRC.
        folds: see `mean_auc`; the intervals of the other measures treat held-out calls as independent.

    Returns:
        ``auc``, the measures of `classify`, and ``auprc``, in this order.
    """
    area = mean_auc(outcome, scores, clusters=clusters, folds=folds)
    return {
        "auc": Estimate(area.auc, area.low, area.high),
        **classify(outcome, scores, cut_off, count=count, seed=seed, clusters=clusters),
        "auprc": average_precision_with_interval(outcome, scores, count=count, seed=seed, clusters=clusters),
    }
