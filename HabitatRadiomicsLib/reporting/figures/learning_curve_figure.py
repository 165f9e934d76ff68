"""Whether more cases would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, ordered, refused
from HabitatRadiomicsLib.reporting.figures.palette import NEUTRAL, SERIES
from HabitatRadiomicsLib.reporting.figures.style import label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curve_figure(
    cases: Numbers,
    training: tuple[Numbers, Numbers, Numbers],
    validation: tuple[Numbers, Numbers, Numbers],
    *,
    spread: str = "5th to 95th percentile",
) -> Figure:
    """AUC of the cases a model was trained on, and of unseen ones, against the number of training cases.

    Args:
        cases: numbers of training cases, ascending.
        training, validation: mean AUC, and the lower and upper edge of its spread over repetitions.
        spread: what the edges are.

    Raises:
        EvaluationError: cases that do not ascend, AUC outside 0..1 or missing, or a lower edge above the upper.
    """
    x = numbers(cases, "training cases", within=(1, np.inf))
    if (np.diff(x) <= 0).any():
        raise refused("The numbers of training cases must ascend.")
    figure = wide_figure(4.2)
    axis = figure.subplots()
    means = []
    for name, values, colour, style in (
        ("training cases (apparent)", training, SERIES[1], "--s"),
        ("unseen cases", validation, SERIES[0], "-o"),
    ):
        mean, low, high = (numbers(part, f"AUC of {name}", length=len(x), within=(0, 1)) for part in values)
        ordered(low, high, name)
        axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.plot(x, mean, style, color=colour, markersize=5, linewidth=1.7, label=f"{name}: {mean[-1]:.2f} at the end")
        means.append(mean[-1])
    axis.axhline(0.5, color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label="chance")
    axis.plot([], [], " ", label=f"optimism at the end: {means[0] - means[1]:.2f}")
    axis.plot([], [], color=NEUTRAL, alpha=0.3, linewidth=8, label=f"bands: {spread}")
    label_axes(axis, x="Training cases", y="AUC", ylim=(min(0.4, axis.get_ylim()[0]), 1.01))
    legend_beside(figure)
    return figure
