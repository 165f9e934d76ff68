"""Predicted against observed risks, as they look and as they are without optimism."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import p_text
from HabitatRadiomicsLib.reporting.figures.palette import INK, MAIN, NEUTRAL, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def corrected_calibration_figure(
    predicted: Numbers,
    apparent: Numbers,
    corrected: Numbers,
    *,
    risks: Numbers,
    samples: int,
    mean_absolute_error: float,
    hosmer_lemeshow_p: float | None = None,
) -> Figure:
    """The apparent curve, the bias-corrected one and the ideal; above them a stroke for each case's predicted risk.

    Args:
        predicted: risks where the curves were computed, ascending.
        apparent, corrected: observed risks there; a correction may lead out of 0..1, where the figure ends.
        risks: predicted, of the cases.
        samples: of the bootstrap.
        mean_absolute_error: of the corrected curve, over the cases.
        hosmer_lemeshow_p: of the training cases; None: not tested.

    Raises:
        EvaluationError: values missing, of another number, not ascending, or predictions outside 0..1.
    """
    x = numbers(predicted, "predicted risks", within=(0, 1))
    if (x[1:] < x[:-1]).any():
        raise refused("The predicted risks of a calibration curve must ascend.")
    cases = numbers(risks, "predicted risks of the cases", within=(0, 1))
    error = numbers([mean_absolute_error], "mean absolute error", within=(0, 1))[0]
    figure = wide_figure(5.2)
    axis = figure.subplots()
    axis.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label="ideal")
    axis.plot(x, numbers(apparent, "apparent risks", length=len(x)), color=MAIN, linestyle="--", label="apparent")
    label = f"bias-corrected\n({samples} bootstrap samples)"
    axis.plot(x, numbers(corrected, "corrected risks", length=len(x)), color=POSITIVE, linewidth=2, label=label)
    axis.plot(
        cases, np.full(len(cases), 1.035), "|", color=INK, alpha=0.6, markersize=9, markeredgewidth=0.6,
        label=f"cases (n = {len(cases)})",
    )  # fmt: skip
    text = f"Mean absolute error {error:.3f}"
    if hosmer_lemeshow_p is not None:
        text += f"\nHosmer-Lemeshow {p_text(numbers([hosmer_lemeshow_p], 'p', within=(0, 1))[0])}"
    axis.text(0.98, 0.04, text, transform=axis.transAxes, va="bottom", ha="right", fontsize=SMALL, linespacing=1.5)
    label_axes(axis, x="Predicted risk", y="Observed risk", xlim=(-0.02, 1.02), ylim=(-0.02, 1.06), aspect="equal")
    legend_beside(figure)
    return figure
