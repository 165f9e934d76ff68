"""Predicted against observed risks, as they look and as they are without optimism."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import (
    Numbers,
    Triple,
    estimate,
    numbers,
    ordered,
    refused,
    two_classes,
)
from HabitatRadiomicsLib.reporting.figures.drawing import (
    INK,
    MAIN,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    SMALL,
    count_axis,
    estimate_text,
    label_axes,
    legend_beside,
    p_text,
    wide_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 20


class CalibrationGroups(TypedDict):
    """Cases grouped by predicted risk: mean prediction, observed share with its interval, number of cases."""

    predicted: Numbers
    observed: Numbers
    low: Numbers
    high: Numbers
    cases: Numbers


def calibration_figure(
    risks: Numbers,
    outcome: np.ndarray,
    groups: CalibrationGroups,
    *,
    curve: tuple[Numbers, Numbers] | None = None,
    slope: Triple,
    intercept: Triple,
    brier: float,
) -> Figure:
    """Observed against predicted risk, with the cases' predicted risks below, those with the outcome upwards.

    Args:
        risks: predicted probability per case.
        outcome: 0 or 1 per case.
        groups: the points.
        curve: a smooth calibration curve: predicted and observed risks.
        slope, intercept: of the recalibration, with their intervals; 1 and 0 are perfect.
        brier: the Brier score.

    Raises:
        EvaluationError: risks outside 0..1, one class only, values missing, or intervals that are none.
    """
    risks = numbers(risks, "predicted risks", within=(0, 1))
    positive = two_classes(outcome, length=len(risks))
    figure = wide_figure(6.2)
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label="perfect calibration")
    if curve is not None:
        x = numbers(curve[0], "predicted risks of the curve", within=(0, 1))
        y = numbers(curve[1], "observed risks of the curve", length=len(x))
        upper.plot(x, y, color=MAIN, linewidth=2, label="calibration curve")
    _draw_groups(upper, groups)
    upper.text(
        0.02, 0.98,
        f"Slope {estimate_text(estimate(slope, 'slope'))}\n"
        f"Intercept {estimate_text(estimate(intercept, 'intercept'))}\n"
        f"Brier score {numbers([brier], 'Brier score', within=(0, 1))[0]:.3f}",
        transform=upper.transAxes, va="top", ha="left", fontsize=SMALL, linespacing=1.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )  # fmt: skip
    label_axes(upper, y="Observed share with the outcome", ylim=(-0.02, 1.02))
    _draw_risks(lower, risks, positive)
    legend_beside(figure)
    return figure


def _draw_groups(axis: Axes, groups: CalibrationGroups) -> None:
    x = numbers(groups["predicted"], "predicted risks of the groups", within=(0, 1))
    y, low, high = (
        numbers(groups[key], f"{key} of the groups", length=len(x), within=(0, 1))
        for key in ("observed", "low", "high")
    )
    cases = numbers(groups["cases"], "cases of the groups", length=len(x))
    ordered(low, high, "groups")
    fewest, most = int(cases.min()), int(cases.max())
    size = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    axis.vlines(x, low, high, color=INK, linewidth=1.2, zorder=4)
    axis.plot(x, y, "o", markersize=6, color=INK, zorder=4, label=f"groups of {size} cases,\n95% interval")


def _draw_risks(axis: Axes, risks: np.ndarray, positive: np.ndarray) -> None:
    edges = np.linspace(0, 1, _BINS + 1)
    for chosen, sign, colour, label in (
        (positive, 1, POSITIVE, "with the outcome"),
        (~positive, -1, NEGATIVE, "without the outcome"),
    ):
        counts, _ = np.histogram(risks[chosen], edges)
        label = f"{label} (n = {np.count_nonzero(chosen)})"
        axis.bar(edges[:-1], sign * counts, width=1 / _BINS, align="edge", color=colour, edgecolor="white", label=label)
    axis.axhline(0, color=INK, linewidth=0.8)
    count_axis(axis, most=4)
    axis.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    label_axes(axis, x="Predicted risk", y="Cases", xlim=(-0.02, 1.02))


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
