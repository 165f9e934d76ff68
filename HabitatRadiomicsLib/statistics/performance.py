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
    """The four cells of the confusion matrix; means over repeats, and then not whole numbers, where scores were
    repeated."""

    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float

    @property
    def f1(self) -> float:
        """Harmonic mean of positive predictive value and sensitivity."""
        wrong = self.false_positives + self.false_negatives
        return 2 * self.true_positives / (2 * self.true_positives + wrong)


@dataclass(frozen=True)
class Classification:
    """The rule ``score >= cut-off``: proportions with Wilson intervals, F1 with a bootstrap percentile interval; by
    cluster where cases come in clusters.

    Where nobody is called positive, ``ppv`` is not a number and has the interval 0 to 1; so has ``npv`` where
    everybody is.
    """

    counts: Counts
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate
    ppv: Estimate
    npv: Estimate
    f1: Estimate


def count_calls(outcome: np.ndarray, scores: np.ndarray, cut_off: float | np.ndarray) -> Counts:
    """True and false calls of the rule ``score >= cut-off``.

    Args:
        outcome: 0 or 1, shape (cases,).
        scores: shape (cases,), or (repeats, cases): counts are then means over repeats.
        cut_off: one for all, or an array that broadcasts to the scores: one per repeat (repeats, 1), or the one that
            the case's training fold chose (repeats, cases).

    Raises:
        EvaluationError: see `checked`, and for a cut-off that is no number or has another shape.
    """
    outcome, scores = checked(outcome, scores)
    return _counts(outcome, scores >= _fitting(cut_off, scores))


def _counts(outcome: np.ndarray, calls: np.ndarray) -> Counts:
    calls = np.atleast_2d(calls)
    positive, negative = calls[:, outcome == 1], calls[:, outcome == 0]
    return Counts(
        float(positive.sum(axis=1).mean()),
        float(negative.sum(axis=1).mean()),
        float((~negative).sum(axis=1).mean()),
        float((~positive).sum(axis=1).mean()),
    )


def _fitting(cut_off: float | np.ndarray, scores: np.ndarray) -> np.ndarray:
    try:
        cut_offs = np.broadcast_to(np.asarray(cut_off, dtype=float), scores.shape)
    except ValueError:
        raise EvaluationError(
            f"Cut-offs of shape {np.shape(cut_off)} do not fit scores of shape {scores.shape}."
        ) from None
    if np.isnan(cut_offs).any():
        raise EvaluationError("A cut-off is not a number.")
    return cut_offs


def classify(
    outcome: np.ndarray,
    scores: np.ndarray,
    cut_off: float | np.ndarray,
    *,
    count: int = 2000,
    seed: int,
    level: float = 0.95,
    clusters: Clusters | None = None,
) -> Classification:
    """Sensitivity, specificity, accuracy, predictive values and F1, with intervals.

    The intervals take the cut-off as given; one chosen on the same cases makes them too narrow. Over repeats they are
    those of one repeat's number of cases: repeats do not make patients. F1 is no proportion of independent trials,
    so that its interval is a stratified bootstrap's.

    Args:
        outcome, scores, cut_off: see `count_calls`.
        count, seed: of the bootstrap.
        clusters: the patient (cluster) of each case; where some have several, proportions have the interval of
            `clustered_wilson`, and the bootstrap draws clusters.

    Raises:
        EvaluationError: see `count_calls` and `cluster_numbers`.
    """
    outcome, scores = checked(outcome, scores)
    numbers = cluster_numbers(clusters, len(outcome))
    calls = scores >= _fitting(cut_off, scores)
    found = _counts(outcome, calls)
    tp, fp, tn, fn = found.true_positives, found.false_positives, found.true_negatives, found.false_negatives
    weights = resample_weights(outcome, count=count, seed=seed, groups=numbers)
    replicates = _f1_replicates(outcome, calls, weights)
    by_case = np.atleast_2d(calls)
    right = by_case == (outcome == 1)

    def proportion(successes: float, trials: float, counted: np.ndarray) -> Estimate:
        if numbers is None:
            return wilson(successes, trials, level=level)
        counted = np.broadcast_to(counted, right.shape)
        return clustered_wilson(successes, trials, counted, counted & right, numbers, level=level)

    return Classification(
        found,
        sensitivity=proportion(tp, tp + fn, outcome == 1),
        specificity=proportion(tn, tn + fp, outcome == 0),
        accuracy=proportion(tp + tn, len(outcome), outcome >= 0),
        ppv=proportion(tp, tp + fp, by_case),
        npv=proportion(tn, tn + fn, ~by_case),
        f1=percentile_estimate(found.f1, replicates, fewest_clusters(outcome, numbers), level=level),
    )


def _f1_replicates(outcome: np.ndarray, calls: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of each row of case weights; a case keeps the calls of all its repeats."""
    called = np.atleast_2d(calls).mean(axis=0)
    true_positives = (weights * called * outcome).sum(axis=1)
    all_called = (weights * called).sum(axis=1)
    return 2 * true_positives / (all_called + weights @ outcome)


def mean_auc(
    outcome: np.ndarray,
    scores_by_repeat: np.ndarray,
    *,
    level: float = 0.95,
    clusters: Clusters | None = None,
    folds: int | None = None,
) -> AreaUnderCurve:
    """Mean AUC over the repeats, with the mean DeLong variance.

    Averaging the variance, not dividing it: repeats see the same cases.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores_by_repeat: shape (repeats, cases), or (cases,).
        clusters: the patient (cluster) of each case, see `auc_with_interval`.
        folds: of the cross-validation that held the scores out, see `with_interval`; None: of a frozen score.

    Raises:
        EvaluationError: see `auc_with_interval` and `overlap_factor`.
    """
    outcome, scores = checked(outcome, scores_by_repeat, each=2)
    areas = [auc_with_interval(outcome, row, clusters=clusters) for row in np.atleast_2d(scores)]
    return with_interval(
        float(np.mean([area.auc for area in areas])),
        float(np.mean([area.variance for area in areas])),
        fewest_clusters(outcome, clusters),
        level=level,
        folds=folds,
    )


def performance_table_row(
    outcome: np.ndarray,
    scores_by_repeat: np.ndarray,
    cutoff: float | np.ndarray,
    *,
    count: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    clusters: Clusters | None = None,
    folds: int | None = None,
) -> dict[str, Estimate]:
    """The row of one model in a comparison table.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores_by_repeat: shape (repeats, cases), or (cases,).
        cutoff: of the rule ``score >= cutoff``, see `count_calls`.
        count, seed: of the bootstraps of F1 and AUPRC.
        clusters: the patient (cluster) of each case; intervals are then those of clusters.
        folds: see `mean_auc`; the intervals of the other measures take held-out calls as independent.

    Returns:
        Estimates with intervals under ``auc``, ``sensitivity``, ``specificity``, ``accuracy``, ``ppv``, ``npv``,
        ``f1`` and ``auprc``, in this order.

    Raises:
        EvaluationError: see `count_calls`.
    """
    area = mean_auc(outcome, scores_by_repeat, level=level, clusters=clusters, folds=folds)
    calls = classify(outcome, scores_by_repeat, cutoff, count=count, seed=seed, level=level, clusters=clusters)
    return {
        "auc": Estimate(area.auc, area.low, area.high),
        "sensitivity": calls.sensitivity,
        "specificity": calls.specificity,
        "accuracy": calls.accuracy,
        "ppv": calls.ppv,
        "npv": calls.npv,
        "f1": calls.f1,
        "auprc": average_precision_with_interval(
            outcome, scores_by_repeat, count=count, seed=seed, level=level, clusters=clusters
        ),
    }
