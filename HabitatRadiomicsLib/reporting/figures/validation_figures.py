"""Permutations, optimism, and the learning curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, ordered, refused
from HabitatRadiomicsLib.reporting.figures.drawing import (
    FAINT,
    INK,
    MAIN,
    NEUTRAL,
    POSITIVE,
    SERIES,
    count_axis,
    label_axes,
    legend_beside,
    p_text,
    wide_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 30


def permutation_figure(null: Numbers, *, observed: float, p: float) -> Figure:
    """The distribution of a performance with shuffled outcomes, and the observed one.

    Args:
        null: a value per permutation.
        observed: with the true outcomes.
        p: the share of permutations that reach it, as the caller counts them.

    Raises:
        EvaluationError: values missing, or p outside 0..1.
    """
    values = numbers(null, "permutations")
    numbers([observed], "observed value")
    numbers([p], "p", within=(0, 1))
    figure = wide_figure(3.8)
    axis = figure.subplots()
    _histogram(axis, values, f"{len(values)} permutations\nof the outcome")
    axis.axvline(values.mean(), color=NEUTRAL, linestyle="--", label=f"mean of these: {values.mean():.2f}")
    axis.axvline(observed, color=POSITIVE, linewidth=2, label=f"observed: {observed:.2f}\n{p_text(p)}")
    label_axes(axis, x="AUC", y="Permutations")
    legend_beside(figure)
    return figure


def optimism_figure(optimism: Numbers, *, apparent: float) -> Figure:
    """How much better models look on their own bootstrap sample than on all cases, and what that leaves.

    The corrected performance is the apparent one minus the mean optimism (Harrell 1996,
    doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).

    Args:
        optimism: a value per bootstrap sample.
        apparent: the model's performance on the cases it was trained on.

    Raises:
        EvaluationError: values missing.
    """
    values = numbers(optimism, "optimism")
    numbers([apparent], "apparent performance")
    mean = float(values.mean())
    figure = wide_figure(3.8)
    axis = figure.subplots()
    _histogram(axis, values, f"{len(values)} bootstrap samples")
    axis.axvline(0, color=INK, linewidth=0.8)
    axis.axvline(mean, color=MAIN, linewidth=2, label=f"mean optimism: {mean:.3f}")
    axis.plot([], [], " ", label=f"apparent AUC: {apparent:.3f}\ncorrected AUC: {apparent - mean:.3f}")
    label_axes(axis, x="Optimism of the AUC (bootstrap sample minus all cases)", y="Bootstrap samples")
    legend_beside(figure)
    return figure


def _histogram(axis: Axes, values: np.ndarray, label: str) -> None:
    axis.hist(values, bins=_BINS, color=FAINT, edgecolor="white", linewidth=0.5, label=label)
    count_axis(axis)


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
