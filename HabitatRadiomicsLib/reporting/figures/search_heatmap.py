"""Which combination of selector and classifier did best within the training cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import numbers, refused
from HabitatRadiomicsLib.reporting.figures.palette import POSITIVE, SEQUENTIAL
from HabitatRadiomicsLib.reporting.figures.style import NORMAL, SMALL, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: AUC at which cells are dark enough for white letters, as a fraction of the scale.
_DARK = 0.55


def search_heatmap(
    areas: Mapping[tuple[str, str], tuple[float, int]], *, chosen: tuple[str, str] | None = None
) -> Figure:
    """A row per selector, a column per classifier; in each cell the AUC and the number of features that it is of.

    Args:
        areas: (AUC, number of features) by (selector, classifier); a combination that is not there leaves its cell
            empty.
        chosen: the combination that is framed.

    Raises:
        EvaluationError: no combination, an AUC outside 0..1, or a chosen one that is not there.
    """
    from matplotlib.patches import Rectangle

    if not areas:
        raise refused("There is no combination to draw.")
    if chosen is not None and chosen not in areas:
        raise refused(f"The chosen combination {' + '.join(chosen)} is none of those compared.")
    selectors = list(dict.fromkeys(selector for selector, _ in areas))
    classifiers = list(dict.fromkeys(classifier for _, classifier in areas))
    found = numbers([area for area, _ in areas.values()], "AUC", within=(0, 1))
    cells = np.full((len(selectors), len(classifiers)), np.nan)
    for (selector, classifier), area in zip(areas, found):
        cells[selectors.index(selector), classifiers.index(classifier)] = area
    low, high = min(0.5, float(found.min())), max(float(found.max()), 0.51)
    figure = wide_figure(1.3 + 0.5 * len(selectors))
    axis = figure.subplots()
    mesh = axis.pcolormesh(cells, cmap=SEQUENTIAL, vmin=low, vmax=high, edgecolors="white", linewidth=1)
    for (selector, classifier), (area, features) in areas.items():
        row, column = selectors.index(selector), classifiers.index(classifier)
        colour = "white" if area < low + _DARK * (high - low) else "black"
        axis.text(
            column + 0.5, row + 0.5, f"{area:.2f}\n{features} feature{'s' if features != 1 else ''}",
            ha="center", va="center", fontsize=SMALL, color=colour, linespacing=1.2,
        )  # fmt: skip
    if chosen is not None:
        row, column = selectors.index(chosen[0]), classifiers.index(chosen[1])
        frame = Rectangle((column + 0.02, row + 0.03), 0.96, 0.94, fill=False, edgecolor=POSITIVE, linewidth=2.4)
        axis.add_patch(frame)
    axis.set_yticks(np.arange(len(selectors)) + 0.5, selectors, fontsize=SMALL)
    names = [name.replace("-", "-\n") for name in classifiers]  # of seven, none has room on one line
    axis.set_xticks(np.arange(len(classifiers)) + 0.5, names, fontsize=SMALL)
    axis.set_xlabel("Classifier", fontsize=NORMAL)
    axis.set_ylabel("Selector", fontsize=NORMAL)
    axis.tick_params(length=0)
    axis.set(ylim=(len(selectors), 0))
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(mesh, ax=axis, pad=0.02)
    bar.set_label("AUC within the training cases", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return figure
