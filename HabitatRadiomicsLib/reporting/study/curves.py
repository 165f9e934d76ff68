"""ROC, precision-recall and calibration figures of scores of a repeated cross-validation, or of one cohort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from HabitatRadiomicsLib.reporting.figures import calibration_figure, precision_recall_figure, roc_figure
from HabitatRadiomicsLib.statistics import (
    Estimate,
    average_precision,
    brier_score,
    calibration_groups,
    mean_auc,
    precision_recall_curve,
    recalibration,
    roc_band,
    smooth_calibration,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Bootstrap samples of a band that is drawn, and of one of which the middle only is.
_DRAWN, _MIDDLE = 2000, 2
#: Of fewer cases a smooth calibration curve shows chance as shape.
_ENOUGH_TO_SMOOTH = 100


def roc(
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    study: Mapping[str, Any],
    seed: int,
    patients: np.ndarray | None = None,
) -> Figure:
    """Mean curves over the repeats; the first with its band and its operating point.

    Args:
        scores: by model, shape (repeats, cases).
        patients: whose case each is, for the intervals of the AUCs and the band.
    """
    curves = {}
    band = None
    for name, rows in scores.items():
        found = roc_band(outcome, rows, count=_DRAWN if band is None else _MIDDLE, seed=seed, clusters=patients)
        area = mean_auc(outcome, rows, clusters=patients, folds=study["validation"].get("folds"))
        curves[name] = {
            "specificity": found.specificity, "sensitivity": found.sensitivity,
            "auc": (area.auc, area.low, area.high),
        }  # fmt: skip
        band = found if band is None else band
    assert band is not None
    first = next(row for row in study["validation"]["candidates"] if row["name"] == next(iter(scores)))
    return roc_figure(
        curves,  # type: ignore[arg-type]
        band=(band.specificity, band.low, band.high),
        operating_point=(first["specificity"], first["sensitivity"]),
    )


def precision_recall(outcome: np.ndarray, scores: Mapping[str, np.ndarray], repeat: int) -> Figure:
    """Curves of one repeat, with the average precision over all."""
    curves = {}
    for name, rows in scores.items():
        found = precision_recall_curve(outcome, rows[repeat])
        curves[name] = {
            "recall": found.recall, "precision": found.precision, "average_precision": average_precision(outcome, rows)
        }  # fmt: skip
    return precision_recall_figure(curves, prevalence=float(outcome.mean()))  # type: ignore[arg-type]


def calibration(outcome: np.ndarray, probability: np.ndarray) -> Figure:
    """Groups of similar probability against what came of them."""
    groups = calibration_groups(outcome, probability)
    line, brier = recalibration(outcome, probability), brier_score(outcome, probability)
    smooth = smooth_calibration(outcome, probability)
    return calibration_figure(
        probability,
        outcome,
        {
            "predicted": [group.predicted for group in groups],
            "observed": [group.observed.value for group in groups],
            "low": [group.observed.low for group in groups],
            "high": [group.observed.high for group in groups],
            "cases": [group.cases for group in groups],
        },
        curve=(smooth.predicted, smooth.observed) if len(outcome) >= _ENOUGH_TO_SMOOTH else None,
        slope=_triple(line.slope),
        intercept=_triple(line.intercept),
        brier=brier.score,
    )


def _triple(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
