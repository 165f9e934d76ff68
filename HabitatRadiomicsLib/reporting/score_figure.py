"""Where a patient's score lies: the cut-off, the interval, the training cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures import DOWN_COLOUR, UP_COLOUR, new_figure
from HabitatRadiomicsLib.scoring import ScoreResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_figure(result: ScoreResult) -> Figure:
    """The rad-score on its scale, with its 95% interval, the cut-off and the scores of the training cases."""
    model = result.model
    training = model.intercept + model.standardised(np.array(model.background)) @ model.coefficients
    figure = new_figure(9.0, 1.7)
    axis = figure.subplots()
    axis.plot(training, np.zeros(len(training)), "|", color="#555555", markersize=10, label="training cases")
    colour = UP_COLOUR if result.positive else DOWN_COLOUR
    axis.plot([result.interval.low, result.interval.high], [0.5, 0.5], color=colour, linewidth=3, alpha=0.6)
    axis.plot([result.score], [0.5], "o", color=colour, markersize=9, label="this patient, 95% interval")
    axis.axvline(model.cutoff.value, color="black", linestyle="--", linewidth=1, label="cut-off")
    low = min(training.min(), result.interval.low, model.cutoff.value)
    high = max(training.max(), result.interval.high, model.cutoff.value)
    margin = 0.06 * (high - low)
    axis.set(xlim=(low - margin, high + margin), ylim=(-0.4, 1.0), yticks=[], xlabel="rad-score")
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure
