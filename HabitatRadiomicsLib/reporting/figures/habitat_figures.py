"""The habitats of a cohort: entropy and intensity of each, and how their number was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, matrix, numbers
from HabitatRadiomicsLib.reporting.figures.drawing import (
    INK,
    MAIN,
    NEUTRAL,
    NORMAL,
    POSITIVE,
    SMALL,
    label_axes,
    p_text,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class HabitatValues(TypedDict):
    """Means per case and habitat, shape (cases, habitats), S1 first; p of each habitat against the next."""

    entropy: np.ndarray
    intensity: np.ndarray
    entropy_p: Numbers
    intensity_p: Numbers


def habitat_boxplots(sequences: Mapping[str, HabitatValues], *, intensity_unit: str = "z-score") -> Figure:
    """Boxes per habitat with a line per case, entropy left and intensity right, a row per sequence.

    Boxes hold the quartiles, whiskers reach to the farthest case within 1.5 box lengths, and every case is a point.

    Args:
        sequences: by name; p values are those of the Wilcoxon signed-rank test.
        intensity_unit: of the intensities.
    """
    if not sequences:
        raise EvaluationError("There is no sequence with habitats.")
    figure = wide_figure(0.6 + 3.3 * len(sequences))
    rows = figure.subplots(len(sequences), 2, squeeze=False)
    for axes, (name, given) in zip(rows, sequences.items()):
        entropy = matrix(given["entropy"], f"entropy, {name}", within=(0, np.inf))
        cases, habitats = entropy.shape
        if habitats < 2:
            raise EvaluationError("There is only one habitat: nothing to compare.", where=name)
        intensity = matrix(given["intensity"], f"intensity, {name}", rows=cases, columns=habitats)
        title = f"{wrapped(name, width=24, lines=1)} (n = {cases} cases)"
        for axis, values, p, label in (
            (axes[0], entropy, given["entropy_p"], "Mean local entropy (bits)"),
            (axes[1], intensity, given["intensity_p"], f"Mean intensity ({intensity_unit})"),
        ):
            _draw_boxes(axis, values)
            _draw_tests(axis, values, numbers(p, f"p, {name}", length=habitats - 1, within=(0, 1)))
            label_axes(axis, y=label, title=title, xlim=(-0.6, habitats - 0.4))
            axis.set_xticks(range(habitats), [f"S{number + 1}" for number in range(habitats)], fontsize=SMALL)
    figure.supxlabel("Habitat; p: Wilcoxon signed-rank test", fontsize=NORMAL)
    return figure


def _draw_boxes(axis: Axes, values: np.ndarray) -> None:
    places = np.arange(values.shape[1])
    axis.plot(places, values.T, color=NEUTRAL, linewidth=0.6, alpha=0.45, zorder=2)
    drawn = axis.boxplot(
        values, positions=places, widths=0.5, showfliers=False, patch_artist=True, manage_ticks=False,
        medianprops={"color": INK, "linewidth": 2}, zorder=1,
    )  # fmt: skip
    for place, box in zip(places, drawn["boxes"]):
        box.set(facecolor=habitat_colour(int(place)), alpha=0.45, edgecolor=INK)
        axis.plot(
            np.full(len(values), place), values[:, place], "o", markersize=3.5, color=habitat_colour(int(place)),
            markeredgecolor=INK, markeredgewidth=0.4, zorder=3,
        )  # fmt: skip


def _draw_tests(axis: Axes, values: np.ndarray, p_values: np.ndarray) -> None:
    """A bracket per pair of neighbours, side by side above the highest case."""
    low, high = values.min(), values.max()
    step = 0.05 * ((high - low) or 1.0)
    size = SMALL if len(p_values) < 4 else 6.5
    for left, p in enumerate(p_values):
        ends = (left + 0.06, left + 0.94)
        axis.plot((ends[0], *ends, ends[1]), high + step * np.array([1, 1.6, 1.6, 1]), color=INK, linewidth=1)
        axis.text(left + 0.5, high + 1.9 * step, p_text(float(p)), ha="center", va="bottom", fontsize=size)
    axis.set_ylim(low - 1.5 * step, high + 4.5 * step)


class HabitatCounts(TypedDict):
    """The numbers of habitats that were tried, both indices of each, the numbers rejected, and the one chosen."""

    k: Sequence[int]
    calinski_harabasz: Numbers
    silhouette: Numbers
    rejected: Sequence[int]
    chosen: int


def habitat_count_figure(sequences: Mapping[str, HabitatCounts]) -> Figure:
    """Calinski-Harabasz index and mean silhouette over K, a row per sequence; rejected K crossed, the chosen ringed.

    Raises:
        EvaluationError: a rejected or chosen K was not tried, the chosen one is rejected, or values make no sense.
    """
    if not sequences:
        raise EvaluationError("There is no sequence whose habitats were counted.")
    figure = wide_figure(0.7 + 2.5 * len(sequences))
    rows = figure.subplots(len(sequences), 2, squeeze=False)
    for axes, (name, counts) in zip(rows, sequences.items()):
        k = numbers(counts["k"], f"K of {name}")
        chosen, rejected, tried = counts["chosen"], sorted(counts["rejected"]), k.astype(int).tolist()
        if not {*rejected, chosen} <= set(tried) or chosen in rejected:
            problem = f"K = {chosen} is chosen, {rejected} are rejected and {tried} were tried"
            raise EvaluationError(f"{problem}: these numbers contradict each other.", where=name)
        title = wrapped(name, width=30, lines=1)
        ratio = numbers(counts["calinski_harabasz"], f"Calinski-Harabasz of {name}", length=len(k))
        silhouette = numbers(counts["silhouette"], f"silhouette of {name}", length=len(k), within=(-1, 1))
        for axis, index, label in (
            (axes[0], ratio, "Calinski-Harabasz index"),
            (axes[1], silhouette, "Mean silhouette (−1 to 1)"),
        ):
            _draw_index(axis, k, index, counts)
            label_axes(axis, x="Number of habitats K", y=label, title=title, xticks=k)
    marks = {label: mark for axis in rows.ravel() for mark, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(list(marks.values()), list(marks), loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def _draw_index(axis: Axes, k: np.ndarray, index: np.ndarray, counts: HabitatCounts) -> None:
    axis.plot(k, index, "-o", color=MAIN, markersize=5, linewidth=1.4, label="tried")
    chosen, rejected = k == counts["chosen"], np.isin(k, list(counts["rejected"]))
    if rejected.any():
        axis.plot(
            k[rejected], index[rejected], "x", color=POSITIVE, markersize=10, markeredgewidth=2.2,
            label="rejected: a habitat is nearly empty in too many patients",
        )  # fmt: skip
    axis.plot(
        k[chosen], index[chosen], "o", color="none", markeredgecolor=INK, markersize=14, markeredgewidth=1.8,
        label="chosen",
    )  # fmt: skip
    axis.margins(0.12)
