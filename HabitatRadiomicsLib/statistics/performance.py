"""Scores of a repeated cross-validation become the row of a comparison table."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.classification import classify
from HabitatRadiomicsLib.statistics.clustered import Clusters, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import Estimate
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.statistics.roc import AreaUnderCurve, auc_with_interval, with_interval


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
        clusters: whose case each is, see `auc_with_interval`.
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
    """What a comparison table shows of one model.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores_by_repeat: shape (repeats, cases), or (cases,).
        cutoff: of the rule ``score >= cutoff``, see `count_calls`.
        count, seed: of the bootstraps of F1 and AUPRC.
        clusters: whose case each is; intervals are then those of clusters.
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
