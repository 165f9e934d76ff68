"""SHAP bars of one patient's score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from HabitatRadiomicsLib.reporting.figures import DOWN_COLOUR, UP_COLOUR, new_figure, readable_feature
from HabitatRadiomicsLib.scoring import ScoreResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def contributions_figure(result: ScoreResult) -> Figure:
    """A bar per feature, the largest on top: red pushes the score up, blue down; the feature's value beside it."""
    rows = result.contributions
    figure = new_figure(9.0, 1.5 + 0.52 * len(rows))
    axis = figure.subplots()
    widths = [row.shap for row in rows]
    places = range(len(rows))
    axis.barh(places, widths, color=[UP_COLOUR if width >= 0 else DOWN_COLOUR for width in widths], height=0.62)
    labels = [f"{readable_feature(row.name)} = {row.value:.4g}" for row in rows]
    axis.set_yticks(list(places), labels, fontsize=8)
    axis.invert_yaxis()
    axis.axvline(0, color="black", linewidth=0.8)
    reach = max(abs(width) for width in widths) or 1.0
    for place, width in zip(places, widths):
        left = width < 0
        axis.text(
            width + (-0.02 if left else 0.02) * reach, place, f"{width:+.3f}",
            va="center", ha="right" if left else "left", fontsize=8,
        )  # fmt: skip
    axis.set_xlim(-1.25 * reach, 1.25 * reach)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("SHAP value: contribution to the rad-score", fontsize=9)
    note = "DEMONSTRATION MODEL. " if result.model.is_demonstration else ""
    axis.set_title(
        f"{note}Rad-score {result.score:.3f} = {result.base:.3f} (mean of the training cases) "
        f"{result.score - result.base:+.3f}",
        fontsize=9,
        loc="right",
    )
    return figure
