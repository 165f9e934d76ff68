"""ROC, precision-recall, calibration and LASSO figures of the numbers in a study document; None without numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.document.figure_numbers import CalibrationPoints, Lasso, PrecisionRecall, Roc
from HabitatRadiomicsLib.reporting.figures.curves import calibration_figure, precision_recall_figure, roc_figure
from HabitatRadiomicsLib.reporting.figures.selection_figures import lasso_deviance_figure, lasso_path_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def roc(numbers: Roc | None) -> Figure | None:
    """Mean curves over the repeats; the first with its band and its operating point."""
    if numbers is None:
        return None
    band = numbers.band
    return roc_figure(
        {
            name: {
                "specificity": np.array(curve.specificity),
                "sensitivity": np.array(curve.sensitivity),
                "auc": _known(curve.auc),
            }
            for name, curve in numbers.curves.items()
        },
        band=(np.array(band.specificity), np.array(band.low), np.array(band.high)),
        operating_point=numbers.operating_point,  # type: ignore[arg-type]
    )


def precision_recall(numbers: PrecisionRecall | None) -> Figure | None:
    """Curves of one repeat, with the average precision over all."""
    if numbers is None:
        return None
    return precision_recall_figure(
        {
            name: {
                "recall": np.array(curve.recall),
                "precision": np.array(curve.precision),
                "average_precision": curve.average_precision,
            }
            for name, curve in numbers.curves.items()
        },
        prevalence=numbers.prevalence,
    )


def calibration(numbers: CalibrationPoints | None) -> Figure | None:
    """Groups of similar probability against what came of them."""
    if numbers is None:
        return None
    groups, curve = numbers.groups, numbers.curve
    return calibration_figure(
        np.array(numbers.probability),
        np.array(numbers.outcome),
        {
            "predicted": groups.predicted,
            "observed": groups.observed,
            "low": groups.low,
            "high": groups.high,
            "cases": groups.cases,
        },
        curve=None if curve is None else (np.array(curve.predicted), np.array(curve.observed)),
        slope=_known(numbers.slope),
        intercept=_known(numbers.intercept),
        brier=numbers.brier,
    )


def lasso_path(numbers: Lasso | None) -> Figure | None:
    """Coefficients of the chosen candidate's columns over the penalty."""
    if numbers is None:
        return None
    return lasso_path_figure(
        numbers.penalties,
        np.array(numbers.coefficients),
        numbers.names,
        lambda_min=numbers.minimum,
        lambda_1se=numbers.one_standard_error,
    )


def lasso_deviance(numbers: Lasso | None) -> Figure | None:
    """Held-out deviance of the chosen candidate over the penalty."""
    if numbers is None:
        return None
    steps = len(numbers.validated_penalties)
    return lasso_deviance_figure(
        numbers.validated_penalties,
        numbers.deviance,
        numbers.deviance_se,
        np.count_nonzero(np.array(numbers.coefficients), axis=1)[:steps],
        lambda_min=numbers.minimum,
        lambda_1se=numbers.one_standard_error,
    )


def _known(estimate: tuple[float | None, float | None, float | None]) -> tuple[float, float, float]:
    """NaN where an interval has no end."""
    value, low, high = (float("nan") if bound is None else bound for bound in estimate)
    return value, low, high
