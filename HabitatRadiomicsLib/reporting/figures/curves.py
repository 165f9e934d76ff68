"""Receiver operating characteristic, precision-recall and decision curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, Triple, estimate, numbers, ordered, refused
from HabitatRadiomicsLib.reporting.figures.drawing import (
    INK,
    MAIN,
    NEUTRAL,
    estimate_text,
    label_axes,
    legend_beside,
    percent_axis,
    series_style,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Means of curves may fall by as much.
_ROUNDING = 1e-9


class RocLine(TypedDict):
    """Corners of a curve in the order of their cut-offs, either way, and its area with the interval."""

    specificity: Numbers
    sensitivity: Numbers
    auc: Triple


def roc_figure(
    curves: Mapping[str, RocLine],
    *,
    band: tuple[Numbers, Numbers, Numbers] | None = None,
    operating_point: tuple[float, float] | None = None,
) -> Figure:
    """Sensitivity against 1 - specificity, areas with intervals in the legend, and the line of chance.

    Args:
        curves: by name, in the order of the legend; the first is drawn on top.
        band: the first curve's confidence band: specificities, and the lowest and highest sensitivity there.
        operating_point: the first curve's specificity and sensitivity at the cut-off.

    Raises:
        EvaluationError: no curve, values missing, outside 0..1 or not in order, or intervals that are none.
    """
    if not curves:
        raise refused("There is no ROC curve to draw.")
    figure = wide_figure(max(5.0, 1.6 + 0.52 * len(curves)))
    axis = figure.subplots()
    for index, (name, curve) in enumerate(curves.items()):
        x = 1 - numbers(curve["specificity"], f"specificity of {name}", within=(0, 1))
        y = numbers(curve["sensitivity"], f"sensitivity of {name}", length=len(x), within=(0, 1))
        if x[0] > x[-1]:
            x, y = x[::-1], y[::-1]
        if min(np.diff(x).min(initial=0), np.diff(y).min(initial=0)) < -_ROUNDING:
            raise refused(
                "Along a ROC curve, sensitivity rises as specificity falls.",
                where=name,
                remedy="Sort the points by their cut-offs.",
            )
        area = estimate(curve["auc"], f"AUC of {name}", within=(0, 1))
        axis.plot(
            x, y, label=f"{wrapped(name, width=34)}\nAUC {estimate_text(area)}", linewidth=2.2 if index == 0 else 1.4,
            zorder=4 if index == 0 else 3, **series_style(index),
        )  # fmt: skip
    if band is not None:
        x = 1 - numbers(band[0], "specificities of the band", within=(0, 1))
        low, high = (numbers(edge, "band", length=len(x), within=(0, 1)) for edge in band[1:])
        ordered(low, high, "band")
        axis.fill_between(x, low, high, color=MAIN, alpha=0.18, linewidth=0, label="95% confidence band")
    if operating_point is not None:
        specificity, sensitivity = numbers(operating_point, "operating point", length=2, within=(0, 1))
        axis.plot(
            [1 - specificity], [sensitivity], "o", markersize=8, color=MAIN, markeredgecolor=INK, zorder=5,
            label=f"cut-off: sensitivity {sensitivity:.2f},\nspecificity {specificity:.2f}",
        )  # fmt: skip
    axis.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label="chance")
    label_axes(
        axis, x="1 − specificity (false positive rate)", y="Sensitivity (true positive rate)",
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal",
    )  # fmt: skip
    legend_beside(figure, title="AUC with 95% interval", title_fontsize=9, alignment="left")
    return figure


class PrecisionRecallLine(TypedDict):
    """Points in the order of their cut-offs, either way, and the area under their steps."""

    recall: Numbers
    precision: Numbers
    average_precision: float


def precision_recall_figure(curves: Mapping[str, PrecisionRecallLine], *, prevalence: float) -> Figure:
    """Positive predictive value against sensitivity, with the prevalence as the line of chance.

    The steps are those whose area is the average precision: between two recalls, the precision of the higher one.

    Args:
        curves: by name, in the order of the legend.
        prevalence: share of cases with the outcome.

    Raises:
        EvaluationError: no curve, values outside 0..1, or recalls that go up and down.
    """
    if not curves:
        raise refused("There is no precision-recall curve to draw.")
    numbers([prevalence], "prevalence", within=(0, 1))
    figure = wide_figure(max(5.0, 0.6 + 0.52 * len(curves)))
    axis = figure.subplots()
    for index, (name, curve) in enumerate(curves.items()):
        recall = numbers(curve["recall"], f"recall of {name}", within=(0, 1))
        precision = numbers(curve["precision"], f"precision of {name}", length=len(recall), within=(0, 1))
        numbers([curve["average_precision"]], f"average precision of {name}", within=(0, 1))
        if recall[0] < recall[-1]:
            recall, precision = recall[::-1], precision[::-1]
        if (np.diff(recall) > 0).any():
            raise refused("Recalls go up and down.", where=name, remedy="Sort the points by their cut-offs.")
        if recall[-1] > 0:
            recall, precision = np.append(recall, 0.0), np.append(precision, precision[-1])
        axis.plot(
            recall, precision, drawstyle="steps-post", linewidth=2.2 if index == 0 else 1.4,
            zorder=4 if index == 0 else 3, **series_style(index),
            label=f"{wrapped(name, width=34)}\naverage precision {curve['average_precision']:.2f}",
        )  # fmt: skip
    axis.axhline(
        prevalence, color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label=f"chance (prevalence {prevalence:.2f})"
    )
    label_axes(
        axis, x="Recall (sensitivity)", y="Precision (positive predictive value)",
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal",
    )  # fmt: skip
    legend_beside(figure)
    return figure


def decision_curve_figure(thresholds: Numbers, models: Mapping[str, Numbers], treat_all: Numbers) -> Figure:
    """Net benefit against the threshold probability (Vickers 2006, doi 10.1177/0272989X06295361).

    Args:
        thresholds: probabilities above 0 and below 1, ascending.
        models: net benefit per threshold, by name.
        treat_all: net benefit per threshold of treating everybody; treating nobody has 0. What lies far below 0 is cut
            off.

    Raises:
        EvaluationError: no model, thresholds out of range or not in order, values missing.
    """
    if not models:
        raise refused("There is no decision curve to draw.")
    x = numbers(thresholds, "threshold probabilities", within=(0, 1))
    if x[-1] == 1 or (np.diff(x) <= 0).any():
        raise refused("Threshold probabilities must ascend and stay below 1.")
    everybody = numbers(treat_all, "net benefit of treating all", length=len(x))
    figure = wide_figure(max(4.6, 0.8 + 0.36 * len(models)))
    axis = figure.subplots()
    highest, lowest = max(everybody.max(), 0.0), 0.0
    for index, (name, benefit) in enumerate(models.items()):
        y = numbers(benefit, f"net benefit of {name}", length=len(x))
        highest, lowest = max(highest, y.max()), min(lowest, y.min())
        axis.plot(x, y, label=wrapped(name, width=34), linewidth=2.2 if index == 0 else 1.4, **series_style(index))
    axis.plot(x, everybody, color=INK, linewidth=1.1, linestyle=(0, (5, 2)), label="treat all")
    axis.plot(x, np.zeros(len(x)), color=NEUTRAL, linewidth=1.1, label="treat none")
    reach = highest or 0.1
    label_axes(
        axis, x="Threshold probability", y="Net benefit (true positives per case)", xlim=(min(0.0, x[0]), x[-1]),
        ylim=(max(lowest, -0.35 * reach) - 0.07 * reach, highest + 0.07 * reach),
    )  # fmt: skip
    percent_axis(axis, "x")
    legend_beside(figure)
    return figure
