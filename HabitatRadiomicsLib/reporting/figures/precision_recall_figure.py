"""Precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.palette import NEUTRAL, series_style
from HabitatRadiomicsLib.reporting.figures.style import label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
