"""Scores of a repeated cross-validation become the row of a comparison table."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.evaluation.checking import checked
from HabitatRadiomicsLib.evaluation.classification import classify
from HabitatRadiomicsLib.evaluation.clustered import Clusters
from HabitatRadiomicsLib.evaluation.intervals import Estimate
from HabitatRadiomicsLib.evaluation.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.evaluation.roc import AreaUnderCurve, auc_with_interval, with_interval


def mean_auc(
    outcome: np.ndarray, scores_by_repeat: np.ndarray, *, level: float = 0.95, clusters: Clusters | None = None
) -> AreaUnderCurve:
    """Mean AUC over the repeats, with the mean DeLong variance.

    Averaging the variance, not dividing it: repeats see the same cases. The interval takes cases as independent, which
    held-out scores of overlapping training sets are not quite.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores_by_repeat: shape (repeats, cases), or (cases,).
        clusters: whose case each is, see `auc_with_interval`.

    Raises:
        EvaluationError: see `auc_with_interval`.
    """
    outcome, scores = checked(outcome, scores_by_repeat, each=2)
    areas = [auc_with_interval(outcome, row, clusters=clusters) for row in np.atleast_2d(scores)]
    names = np.arange(len(outcome)) if clusters is None else np.asarray(clusters)
    return with_interval(
        float(np.mean([area.auc for area in areas])),
        float(np.mean([area.variance for area in areas])),
        min(len(np.unique(names[outcome == value])) for value in (0, 1)),
        level=level,
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
) -> dict[str, Estimate]:
    """What a comparison table shows of one model.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores_by_repeat: shape (repeats, cases), or (cases,).
        cutoff: of the rule ``score >= cutoff``, see `count_calls`.
        count, seed: of the bootstraps of F1 and AUPRC.
        clusters: whose case each is, for the interval of the AUC; the other intervals take cases as independent.

    Returns:
        Estimates with intervals under ``auc``, ``sensitivity``, ``specificity``, ``accuracy``, ``ppv``, ``npv``,
        ``f1`` and ``auprc``, in this order.

    Raises:
        EvaluationError: see `count_calls`.
    """
    area = mean_auc(outcome, scores_by_repeat, level=level, clusters=clusters)
    calls = classify(outcome, scores_by_repeat, cutoff, count=count, seed=seed, level=level)
    return {
        "auc": Estimate(area.auc, area.low, area.high),
        "sensitivity": calls.sensitivity,
        "specificity": calls.specificity,
        "accuracy": calls.accuracy,
        "ppv": calls.ppv,
        "npv": calls.npv,
        "f1": calls.f1,
        "auprc": average_precision_with_interval(outcome, scores_by_repeat, count=count, seed=seed, level=level),
    }
