"""What became of one patient: the score and the habitats' volumes over time points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR, habitat_colour
from HabitatRadiomicsLib.reporting.figures.drawing import DPI, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of a bar; the rest of the distance between two time points shows how a habitat grows or shrinks.
_BAR = 0.44
#: A smaller part of the highest bar has no room for its number.
_ROOM = 0.07
#: That fit beneath the bars, per inch of the figure.
_CAPTION_LETTERS = 15


@dataclass(frozen=True)
class TimePoint:
    """One time point of a patient.

    Attributes:
        label: as the axis shows it.
        volumes: of habitats S1..SK in ml, by name; 0 or absent where the lesion has none.
        score: by a model of single time points; None: there is none. ``cutoff``: of that model.
    """

    label: str
    volumes: Mapping[str, float] = field(default_factory=dict)
    score: float | None = None
    cutoff: float | None = None


def timeline_figure(
    points: Sequence[TimePoint], *, title: str = "", caption: str = "", width: float = 7.5, dpi: float = DPI
) -> Figure:
    """Habitats' volumes stacked over the time points, and above them the score with its cut-off.

    A part is left out for which no time point has anything.

    Args:
        points: at least one, in their order in time.
        title: what was split, e.g. ``CT``.
        caption: how the habitats of the time points compare, in a sentence below them.
        width: in inches; ``dpi`` are the dots in each.
    """
    scored = any(point.score is not None for point in points)
    split = any(point.volumes for point in points)
    heights = [1.5] * scored + [2.7] * split
    figure = new_figure(width, sum(heights) + 0.75, dpi=dpi)
    axes = list(figure.subplots(len(heights) or 1, 1, sharex=True, squeeze=False, height_ratios=heights or None)[:, 0])
    if scored:
        _draw_scores(axes[0], points)
    if split:
        _draw_volumes(axes[-1], points)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    axes[-1].set_xticks(range(len(points)), [point.label for point in points], fontsize=9)
    axes[-1].set_xlim(-0.6, len(points) - 0.4)
    axes[0].set_title(title, fontsize=10, loc="left")
    if caption and split:
        axes[-1].set_xlabel(fill(caption, int(_CAPTION_LETTERS * width)), fontsize=8, color="#555555")
    return figure


def _draw_scores(axis: Axes, points: Sequence[TimePoint]) -> None:
    known = [(place, row.score, row.cutoff) for place, row in enumerate(points) if row.score is not None]
    axis.plot([place for place, _, _ in known], [score for _, score, _ in known], color="#555555", linewidth=1)
    for place, score, cutoff in known:
        colour = "#555555" if cutoff is None else UP_COLOUR if score >= cutoff else DOWN_COLOUR
        axis.plot([place], [score], "o", color=colour, markersize=8, zorder=3)
        axis.annotate(
            f"{score:.2f}".replace("-", "−"), (place, score), xytext=(9, 0), textcoords="offset points",
            va="center", fontsize=8, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    cutoffs = {cutoff for _, _, cutoff in known if cutoff is not None}
    for number, cutoff in enumerate(sorted(cutoffs)):
        axis.axhline(cutoff, color="black", linestyle="--", linewidth=1, label=None if number else "cut-off")
    if cutoffs:
        axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axis.margins(y=0.25)
    axis.set_ylabel("rad-score", fontsize=9)
    axis.tick_params(axis="x", length=0)


def _draw_volumes(axis: Axes, points: Sequence[TimePoint]) -> None:
    names = sorted({name for point in points for name in point.volumes}, key=lambda name: int(name[1:]))
    totals = [sum(point.volumes.values()) for point in points]
    highest = max(totals) or 1.0
    bottoms = [0.0] * len(points)
    for name in names:
        volumes = [point.volumes.get(name, 0.0) for point in points]
        tops = [bottom + volume for bottom, volume in zip(bottoms, volumes)]
        colour = habitat_colour(int(name[1:]) - 1)
        for place in range(len(points) - 1):
            axis.fill_between(
                [place + _BAR / 2, place + 1 - _BAR / 2], bottoms[place : place + 2], tops[place : place + 2],
                color=colour, alpha=0.25, linewidth=0,
            )  # fmt: skip
        axis.bar(range(len(points)), volumes, _BAR, bottom=bottoms, color=colour, label=name)
        for place, volume in enumerate(volumes):
            if volume > _ROOM * highest:
                middle = bottoms[place] + volume / 2
                axis.text(place, middle, _millilitres(volume), ha="center", va="center", fontsize=8)
        bottoms = tops
    for place, total in enumerate(totals):
        change = f" ({100 * (total / totals[0] - 1):+.0f}%)".replace("-", "−") if place and totals[0] else ""
        axis.text(
            place, total + 0.02 * highest, f"{_millilitres(total)} ml{change}", ha="center", va="bottom", fontsize=9
        )
    axis.set_ylim(0, 1.15 * highest)
    axis.set_ylabel("volume (ml)", fontsize=9)
    handles, labels = axis.get_legend_handles_labels()
    # From top to bottom as the bars lie.
    axis.legend(handles[::-1], labels[::-1], fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _millilitres(volume: float) -> str:
    return f"{volume:.1f}" if volume >= 1 else f"{volume:.2f}"
