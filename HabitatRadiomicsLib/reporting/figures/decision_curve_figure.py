"""Decision curves: what acting on a score would bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.palette import INK, NEUTRAL, series_style
from HabitatRadiomicsLib.reporting.figures.style import label_axes, legend_beside, percent_axis, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
