"""All candidate scores side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.reporting.figures.checks import Triple, estimate, refused
from HabitatRadiomicsLib.reporting.figures.labels import estimate_text, wrapped
from HabitatRadiomicsLib.reporting.figures.palette import INK, MAIN, NEUTRAL, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison_figure(
    groups: Mapping[str, Mapping[str, Triple]], *, chosen: str | None = None, level: float = 0.95
) -> Figure:
    """A forest plot: the AUC of each candidate with its interval, under the headings of their groups.

    Args:
        groups: (AUC, low, high) by candidate, by group ("one sequence, one region", "fused", "volume alone", ...), in
            the order in which they are drawn, from the top.
        chosen: the candidate of the final model, drawn as a red diamond.
        level: of the intervals.

    Raises:
        EvaluationError: no candidate, an unknown or ambiguous one chosen, AUC outside 0..1, or intervals that are none.
    """
    candidates = [name for group in groups.values() for name in group]
    if not candidates:
        raise refused("There is no candidate to compare.")
    if chosen is not None and candidates.count(chosen) != 1:
        raise refused(f"The chosen '{chosen}' is {candidates.count(chosen)} of the candidates, not one.")
    figure = wide_figure(0.9 + 0.31 * (len(candidates) + len([group for group in groups.values() if group])))
    axis = figure.subplots()
    places: list[int] = []
    texts: list[str] = []
    headings: list[int] = []
    lowest, row = 0.5, 0
    for group, members in groups.items():
        if not members:
            continue
        headings.append(len(texts))
        places.append(row)
        texts.append(wrapped(group, width=46, lines=1))
        for name, values in members.items():
            row += 1
            auc, low, high = estimate(values, f"AUC of {name}", within=(0, 1))
            best = name == chosen
            colour = POSITIVE if best else MAIN
            axis.plot([low, high], [row, row], "-|", color=colour, linewidth=1.5, markersize=7)
            axis.plot([auc], [row], "D" if best else "s", color=colour, markersize=7 if best else 5)
            axis.text(
                1.02, row, estimate_text((auc, low, high)), transform=axis.get_yaxis_transform(), va="center",
                fontsize=SMALL, fontweight="bold" if best else "normal",
            )  # fmt: skip
            places.append(row)
            texts.append(wrapped(name, width=46, lines=1))
            lowest = min(lowest, low, auc)
        row += 1
    axis.axvline(0.5, color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), zorder=0)
    label_axes(
        axis, x=f"AUC with {level:.0%} interval (dotted: chance)", xlim=(lowest - 0.03, 1.01), ylim=(row - 0.4, -0.6)
    )
    axis.set_yticks(places, texts, fontsize=SMALL)
    for label in (axis.get_yticklabels()[index] for index in headings):
        label.set(fontweight="bold", color=INK)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    return figure
