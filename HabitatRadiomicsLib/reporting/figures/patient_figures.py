"""One patient: the score on its scale, what the features contribute to it, and its course over time points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR, habitat_colour
from HabitatRadiomicsLib.reporting.figures.drawing import DPI, NORMAL, SMALL, TINY, new_figure, readable_feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches; in a narrower picture the names stand above the bars, not beside them.
_NARROW = 7.0
_GREY = "#555555"
#: Width of a bar of volumes; the rest of the distance between two time points shows how a habitat grows or shrinks.
_BAR = 0.44
#: A smaller part of the highest bar has no room for its number.
_ROOM = 0.07
#: Letters of a caption, per inch of the figure.
_CAPTION_LETTERS = 15


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
    axis.plot(training, [0.0] * len(training), "|", color=_GREY, markersize=10, label="training cases")
    colour = UP_COLOUR if score["positive"] else DOWN_COLOUR
    ends = [value] if interval is None else [interval["low"], interval["high"]]
    axis.plot(ends, [0.5] * len(ends), color=colour, linewidth=3, alpha=0.6)
    label = "this patient" if interval is None else "this patient, 95% interval"
    axis.plot([value], [0.5], "o", color=colour, markersize=9, label=label)
    axis.axvline(cutoff, color="black", linestyle="--", linewidth=1, label="cut-off")
    low, high = min(*training, *ends, cutoff), max(*training, *ends, cutoff)
    margin = 0.06 * (high - low)
    axis.set(xlim=(low - margin, high + margin), ylim=(-0.4, 1.0), yticks=[])
    axis.set_xlabel("rad-score", fontsize=SMALL)
    axis.tick_params(labelsize=TINY)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=TINY, frameon=False)
    return figure


def contributions_figure(score: Mapping[str, Any], *, width: float = 9.0, dpi: float = DPI) -> Figure:
    """A bar per feature, the largest on top: red pushes the score up, blue down; the feature's value beside it.

    Args:
        score: the document of ``score.json``.
        width: in inches; ``dpi`` are the dots in each.
    """
    rows = score["contributions"]
    narrow = width < _NARROW
    figure = new_figure(width, 1.5 + (0.62 if narrow else 0.52) * len(rows), dpi=dpi)
    axis = figure.subplots()
    shap_values = [row["shap"] for row in rows]
    colours = [UP_COLOUR if shap >= 0 else DOWN_COLOUR for shap in shap_values]
    axis.barh(range(len(rows)), shap_values, color=colours, height=0.3 if narrow else 0.62)
    _name_bars(axis, [f"{readable_feature(row['name'])} = {row['value']:.4g}" for row in rows], above=narrow)
    axis.set_ylim(len(rows) - 0.5, -0.75 if narrow else -0.5)
    axis.axvline(0, color="black", linewidth=0.8, zorder=0)
    reach = max(abs(shap) for shap in shap_values) or 1.0
    for place, shap in enumerate(shap_values):
        side, offset = ("right", -0.02) if shap < 0 else ("left", 0.02)
        axis.text(shap + offset * reach, place, f"{shap:+.3f}", va="center", ha=side, fontsize=TINY)
    axis.set_xlim(-1.25 * reach, 1.25 * reach)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=TINY)
    axis.set_xlabel("SHAP value: contribution to the rad-score", fontsize=SMALL)
    demonstration = score["model"]["evidence"] == "synthetic-demonstration"
    title = (
        f"{'DEMONSTRATION MODEL. ' if demonstration else ''}Rad-score {score['score']:.3f} = {score['base']:.3f} "
        f"(mean of the training cases) {score['score'] - score['base']:+.3f}"
    )
    if narrow:
        figure.suptitle(fill(title, int(12 * width)), fontsize=TINY)
    else:
        axis.set_title(title, fontsize=SMALL, loc="right")
    return figure


def contribution_at(figure: Figure, height: float) -> int | None:
    """Which bar of :func:`contributions_figure`, counted from the top, lies at a height of the picture.

    Args:
        figure: drawn before.
        height: 0 at the picture's top, 1 at its bottom.
    """
    axis = figure.axes[0]
    _, place = axis.transData.inverted().transform((0.0, (1.0 - height) * figure.bbox.height))
    index = round(float(place))
    return index if 0 <= index < len(axis.get_yticks()) else None


def _name_bars(axis: Axes, names: list[str], *, above: bool) -> None:
    axis.set_yticks(range(len(names)), [""] * len(names) if above else names, fontsize=TINY)
    if above:
        for place, name in enumerate(names):
            axis.text(
                0.0, place - 0.19, name.replace("\n", ": "), transform=axis.get_yaxis_transform(),
                va="bottom", ha="left", fontsize=7.5, in_layout=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip


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
    """The volumes of the habitats stacked at each time point, and above them the score with its cut-off.

    Scores or volumes that no time point has are left out.

    Args:
        points: at least one, in the order of time.
        title: what was divided into habitats, e.g. ``CT``.
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
        axis.tick_params(labelsize=TINY)
    axes[-1].set_xticks(range(len(points)), [point.label for point in points], fontsize=SMALL)
    axes[-1].set_xlim(-0.6, len(points) - 0.4)
    axes[0].set_title(title, fontsize=NORMAL, loc="left")
    if caption and split:
        axes[-1].set_xlabel(fill(caption, int(_CAPTION_LETTERS * width)), fontsize=TINY, color=_GREY)
    return figure


def _draw_scores(axis: Axes, points: Sequence[TimePoint]) -> None:
    known = [(place, point.score, point.cutoff) for place, point in enumerate(points) if point.score is not None]
    axis.plot([place for place, _, _ in known], [score for _, score, _ in known], color=_GREY, linewidth=1)
    for place, score, cutoff in known:
        colour = _GREY if cutoff is None else UP_COLOUR if score >= cutoff else DOWN_COLOUR
        axis.plot([place], [score], "o", color=colour, markersize=8, zorder=3)
        axis.annotate(
            f"{score:.2f}".replace("-", "−"), (place, score), xytext=(9, 0), textcoords="offset points",
            va="center", fontsize=TINY, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    cutoffs = sorted({cutoff for _, _, cutoff in known if cutoff is not None})
    for number, cutoff in enumerate(cutoffs):
        axis.axhline(cutoff, color="black", linestyle="--", linewidth=1, label=None if number else "cut-off")
    if cutoffs:
        axis.legend(fontsize=TINY, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axis.margins(y=0.25)
    axis.set_ylabel("rad-score", fontsize=SMALL)
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
                axis.text(place, middle, _millilitres(volume), ha="center", va="center", fontsize=TINY)
        bottoms = tops
    for place, total in enumerate(totals):
        change = f" ({100 * (total / totals[0] - 1):+.0f}%)".replace("-", "−") if place and totals[0] else ""
        text = f"{_millilitres(total)} ml{change}"
        axis.text(place, total + 0.02 * highest, text, ha="center", va="bottom", fontsize=SMALL)
    axis.set_ylim(0, 1.15 * highest)
    axis.set_ylabel("volume (ml)", fontsize=SMALL)
    handles, labels = axis.get_legend_handles_labels()
    # The legend lists habitats from top to bottom, as the bars are stacked.
    axis.legend(handles[::-1], labels[::-1], fontsize=TINY, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _millilitres(volume: float) -> str:
    return f"{volume:.1f}" if volume >= 1 else f"{volume:.2f}"
