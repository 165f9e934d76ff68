"""What chance, and what optimism, would make of a performance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers
from HabitatRadiomicsLib.reporting.figures.labels import p_text
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, INK, MAIN, NEUTRAL, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import count_axis, label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BINS = 30


def permutation_figure(null: Numbers, *, observed: float, p: float, measure: str = "AUC") -> Figure:
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
    label_axes(axis, x=measure, y="Permutations")
    legend_beside(figure)
    return figure


def optimism_figure(optimism: Numbers, *, apparent: float, measure: str = "AUC") -> Figure:
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
    axis.plot([], [], " ", label=f"apparent {measure}: {apparent:.3f}\ncorrected {measure}: {apparent - mean:.3f}")
    label_axes(axis, x=f"Optimism of the {measure} (bootstrap sample minus all cases)", y="Bootstrap samples")
    legend_beside(figure)
    return figure


def _histogram(axis: Axes, values: np.ndarray, label: str) -> None:
    axis.hist(values, bins=_BINS, color=FAINT, edgecolor="white", linewidth=0.5, label=label)
    count_axis(axis)
