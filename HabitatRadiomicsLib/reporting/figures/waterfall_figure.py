"""Every patient's distance from the cut-off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, refused, two_classes
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.palette import INK, NEGATIVE, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def waterfall_figure(scores: Numbers, outcome: np.ndarray, *, cut_off: float, event: str = "outcome") -> Figure:
    """A bar per patient from the highest score to the lowest: red with the outcome, blue without it.

    A score at the cut-off itself, which is called positive, is a point on the line.

    Args:
        scores: per case; ``outcome`` 0 or 1.
        cut_off: of the scores; 0 for scores that it was taken from before.
        event: what the outcome is, in a few words.

    Raises:
        EvaluationError: one class only, or values missing.
    """
    values = numbers(scores, "scores")
    positive = two_classes(outcome, length=len(values))
    if not np.isfinite(cut_off):
        raise refused("The cut-off is not a number.")
    # Equal scores: with the outcome first, whatever the order of the cases.
    order = np.lexsort((~positive, -values))
    heights, positive = values[order] - cut_off, positive[order]
    figure = wide_figure(4.1)
    axis = figure.subplots()
    places = np.arange(len(heights))
    for chosen, colour, label in (
        (positive, POSITIVE, f"with {wrapped(event, lines=1)}"),
        (~positive, NEGATIVE, f"without {wrapped(event, lines=1)}"),
    ):
        above = np.count_nonzero(heights[chosen] >= 0)
        label = f"{label}:\n{above} of {np.count_nonzero(chosen)} at or above the cut-off"
        axis.bar(places[chosen], heights[chosen], width=0.85, color=colour, label=label)
        flat = chosen & (heights == 0)
        axis.plot(places[flat], heights[flat], "o", color=colour, markersize=4, zorder=3)
    axis.axhline(0, color=INK, linewidth=0.8)
    named = f" ({cut_off:.3g})" if cut_off else ""
    label_axes(
        axis, x=f"Cases, sorted by score (n = {len(values)})", y=f"Score minus cut-off{named}",
        xticks=[], xlim=(-0.7, len(values) - 0.3),
    )  # fmt: skip
    axis.spines["bottom"].set_visible(False)
    figure.legend(loc="outside upper center", ncols=2, fontsize=SMALL, frameon=False)
    return figure
