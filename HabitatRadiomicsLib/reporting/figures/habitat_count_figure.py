"""How many habitats suit a population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.palette import INK, MAIN, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, wide_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class HabitatCounts(TypedDict):
    """The numbers of habitats that were tried, both indices of each, those rejected, and the one chosen."""

    k: Sequence[int]
    calinski_harabasz: Numbers
    silhouette: Numbers
    rejected: Sequence[int]
    chosen: int


def habitat_count_figure(sequences: Mapping[str, HabitatCounts]) -> Figure:
    """Calinski-Harabasz index and mean silhouette over K, a row per sequence; rejected K crossed, the chosen ringed.

    Raises:
        EvaluationError: no sequence, values missing, or a K rejected or chosen that was not tried.
    """
    if not sequences:
        raise refused("There is no sequence whose habitats were counted.")
    figure = wide_figure(0.7 + 2.5 * len(sequences))
    rows = figure.subplots(len(sequences), 2, squeeze=False)
    for axes, (name, counts) in zip(rows, sequences.items()):
        k = numbers(counts["k"], f"K of {name}")
        strange = sorted({*counts["rejected"], counts["chosen"]} - {int(value) for value in k})
        if strange or counts["chosen"] in counts["rejected"]:
            raise refused(
                f"K = {counts['chosen']} is chosen, {sorted(counts['rejected'])} are rejected and "
                f"{k.astype(int).tolist()} were tried: that does not fit together.",
                where=name,
            )
        _draw(axes[0], k, numbers(counts["calinski_harabasz"], f"Calinski-Harabasz of {name}", length=len(k)), counts)
        _draw(axes[1], k, numbers(counts["silhouette"], f"silhouette of {name}", length=len(k), within=(-1, 1)), counts)
        title = wrapped(name, width=30, lines=1)
        label_axes(axes[0], x="Number of habitats K", y="Calinski-Harabasz index", title=title, xticks=k)
        label_axes(axes[1], x="Number of habitats K", y="Mean silhouette (−1 to 1)", title=title, xticks=k)
    marks = {label: mark for axis in rows.ravel() for mark, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(list(marks.values()), list(marks), loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def _draw(axis: Axes, k: np.ndarray, index: np.ndarray, counts: HabitatCounts) -> None:
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
