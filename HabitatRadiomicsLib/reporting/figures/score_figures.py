"""One patient's score: where it lies, and the SHAP bars of what made it."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.reporting.figures.drawing import DPI, new_figure, readable_feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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
    axis.plot(training, [0.0] * len(training), "|", color="#555555", markersize=10, label="training cases")
    colour = UP_COLOUR if score["positive"] else DOWN_COLOUR
    ends = [value] if interval is None else [interval["low"], interval["high"]]
    axis.plot(ends, [0.5] * len(ends), color=colour, linewidth=3, alpha=0.6)
    told = "this patient" if interval is None else "this patient, 95% interval"
    axis.plot([value], [0.5], "o", color=colour, markersize=9, label=told)
    axis.axvline(cutoff, color="black", linestyle="--", linewidth=1, label="cut-off")
    low = min(*training, *ends, cutoff)
    high = max(*training, *ends, cutoff)
    margin = 0.06 * (high - low)
    axis.set(xlim=(low - margin, high + margin), ylim=(-0.4, 1.0), yticks=[], xlabel="rad-score")
    axis.tick_params(labelsize=8)
    axis.xaxis.label.set_fontsize(9)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    return figure


#: Inches; in a narrower picture the names stand above the bars, not beside them.
_NARROW = 7.0


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
    widths = [row["shap"] for row in rows]
    places = range(len(rows))
    colours = [UP_COLOUR if width >= 0 else DOWN_COLOUR for width in widths]
    axis.barh(places, widths, color=colours, height=0.3 if narrow else 0.62)
    _name_bars(axis, [f"{readable_feature(row['name'])} = {row['value']:.4g}" for row in rows], above=narrow)
    axis.set_ylim(len(rows) - 0.5, -0.75 if narrow else -0.5)
    axis.axvline(0, color="black", linewidth=0.8, zorder=0)
    reach = max(abs(width) for width in widths) or 1.0
    for place, shap in zip(places, widths):
        left = shap < 0
        axis.text(
            shap + (-0.02 if left else 0.02) * reach, place, f"{shap:+.3f}",
            va="center", ha="right" if left else "left", fontsize=8,
        )  # fmt: skip
    axis.set_xlim(-1.25 * reach, 1.25 * reach)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=8)
    axis.set_xlabel("SHAP value: contribution to the rad-score", fontsize=9)
    demonstration = score["model"]["evidence"] == "synthetic-demonstration"
    title = (
        f"{'DEMONSTRATION MODEL. ' if demonstration else ''}Rad-score {score['score']:.3f} = {score['base']:.3f} "
        f"(mean of the training cases) {score['score'] - score['base']:+.3f}"
    )
    if narrow:
        figure.suptitle(fill(title, int(12 * width)), fontsize=8)
    else:
        axis.set_title(title, fontsize=9, loc="right")
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
    places = list(range(len(names)))
    axis.set_yticks(places, [""] * len(names) if above else names, fontsize=8)
    if above:
        for place, name in zip(places, names):
            axis.text(
                0.0, place - 0.19, name.replace("\n", ": "), transform=axis.get_yaxis_transform(),
                va="bottom", ha="left", fontsize=7.5, in_layout=False,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )  # fmt: skip
