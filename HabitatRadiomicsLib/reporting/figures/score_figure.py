"""Where a patient's score lies: the cut-off, the interval, the training cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.reporting.figures.writing import DPI, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_figure(score: Mapping[str, Any], *, width: float = 9.0, dpi: float = DPI) -> Figure:
    """The score on its scale, with its 95% interval where it has one, the cut-off and the training cases' scores.

    Args:
        score: the document of ``score.json``.
        width: in inches; ``dpi`` are the dots in each.
    """
    value, interval, cutoff = score["score"], score["score_interval"], score["cutoff"]["value"]
    training = score["training_scores"]
    figure = new_figure(width, 1.7, dpi=dpi)
    axis = figure.subplots()
    axis.plot(training, [0.0] * len(training), "|", color="#555555", markersize=10, label="training cases")
    colour = UP_COLOUR if score["positive"] else DOWN_COLOUR
    ends = [value] if interval is None else [interval["low"], interval["high"]]
    axis.plot(ends, [0.5] * len(ends), color=colour, linewidth=3, alpha=0.6)
    told = "this patient" if interval is None else "this patient, 95% interval"
    axis.plot([value], [0.5], "o", color=colour, markersize=9, label=told)
    axis.axvline(cutoff, color="black", linestyle="--", linewidth=1, label="cut-off")
    low = min(*training, *ends, cutoff)
    high = max(*training, *ends, cutoff)
    margin = 0.06 * (high - low)
    axis.set(xlim=(low - margin, high + margin), ylim=(-0.4, 1.0), yticks=[], xlabel="rad-score")
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_fontsize(9)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure
