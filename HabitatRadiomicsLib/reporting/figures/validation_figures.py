"""Permutations, optimism, and the learning curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, ordered
from HabitatRadiomicsLib.reporting.figures.drawing import (
    FAINT,
    INK,
    MAIN,
    NEUTRAL,
    POSITIVE,
    REFERENCE,
    SERIES,
    count_axis,
    label_axes,
    legend_beside,
    p_text,
    wide_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 30


def permutation_figure(null: Numbers, *, observed: float, p: float) -> Figure:
    """The distribution of the AUC with shuffled outcomes, and the observed AUC.

    Args:
        null: a value per permutation.
        observed: with the true outcomes.
        p: the share of permutations that reach it, as the caller counts them.
    """
    values = numbers(null, "permutations")
    numbers([observed], "observed value")
    numbers([p], "p", within=(0, 1))
    figure, axis = wide_axes(3.8)
    _draw_histogram(axis, values, f"{len(values)} permutations\nof the outcome")
    axis.axvline(values.mean(), color=NEUTRAL, linestyle="--", label=f"mean of these: {values.mean():.2f}")
    axis.axvline(observed, color=POSITIVE, linewidth=2, label=f"observed: {observed:.2f}\n{p_text(p)}")
    label_axes(axis, x="AUC", y="Permutations")
    legend_beside(figure)
    return figure


def optimism_figure(optimism: Numbers, *, apparent: float) -> Figure:
    """How much better models look on their own bootstrap sample than on all cases, and the corrected AUC.

    The corrected performance is the apparent one minus the mean optimism (Harrell 1996,
    doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).

    Args:
        optimism: a value per bootstrap sample.
        apparent: the model's performance on the cases it was trained on.
    """
    values = numbers(optimism, "optimism")
    numbers([apparent], "apparent performance")
    mean = float(values.mean())
    figure, axis = wide_axes(3.8)
    _draw_histogram(axis, values, f"{len(values)} bootstrap samples")
    axis.axvline(0, color=INK, linewidth=0.8)
    axis.axvline(mean, color=MAIN, linewidth=2, label=f"mean optimism: {mean:.3f}")
    axis.plot([], [], " ", label=f"apparent AUC: {apparent:.3f}\ncorrected AUC: {apparent - mean:.3f}")
    label_axes(axis, x="Optimism of the AUC (bootstrap sample minus all cases)", y="Bootstrap samples")
    legend_beside(figure)
    return figure


def _draw_histogram(axis: Axes, values: np.ndarray, label: str) -> None:
    axis.hist(values, bins=_BINS, color=FAINT, edgecolor="white", linewidth=0.5, label=label)
    count_axis(axis)


def learning_curve_figure(
    cases: Numbers,
    training: tuple[Numbers, Numbers, Numbers],
    validation: tuple[Numbers, Numbers, Numbers],
    *,
    spread: str = "5th to 95th percentile",
) -> Figure:
    """AUC on the training cases and on unseen cases against the number of training cases.

    Args:
        cases: numbers of training cases, ascending.
        training, validation: mean AUC, and the lower and upper edge of its spread over repetitions.
        spread: what the edges are.
    """
    x = numbers(cases, "training cases", within=(1, np.inf))
    if (np.diff(x) <= 0).any():
        raise EvaluationError("The numbers of training cases must ascend.")
    figure, axis = wide_axes(4.2)
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
    axis.axhline(0.5, **REFERENCE, label="chance")
    axis.plot([], [], " ", label=f"optimism at the end: {means[0] - means[1]:.2f}")
    axis.plot([], [], color=NEUTRAL, alpha=0.3, linewidth=8, label=f"bands: {spread}")
    label_axes(axis, x="Training cases", y="AUC", ylim=(min(0.4, axis.get_ylim()[0]), 1.01))
    legend_beside(figure)
    return figure
