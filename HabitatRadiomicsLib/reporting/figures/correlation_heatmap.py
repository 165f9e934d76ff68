"""How much the selected features say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix, refused
from HabitatRadiomicsLib.reporting.figures.labels import feature_label
from HabitatRadiomicsLib.reporting.figures.palette import SEQUENTIAL
from HabitatRadiomicsLib.reporting.figures.style import SMALL, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Up to so many features, each cell has room for its number.
_WITH_NUMBERS = 15
#: Inches: a height as long as the names leave width, the least that a name of two lines takes, and the most of all.
_SQUARE, _ROW, _HIGHEST = 4.6, 0.26, 14.0
_ROUNDING = 1e-9


def correlation_heatmap(correlations: np.ndarray, names: Sequence[str], *, coefficient: str = "Pearson") -> Figure:
    """|r| of each pair of features; the names stand at the rows, with numbers that the columns repeat.

    Args:
        correlations: shape (features, features), symmetric, -1 to 1.
        names: of the features.
        coefficient: whose.

    Raises:
        EvaluationError: not a symmetric matrix of correlations, values missing, or names that do not fit.
    """
    given = matrix(correlations, "correlations", within=(-1 - _ROUNDING, 1 + _ROUNDING))
    features = len(given)
    if given.shape != (features, features) or not np.allclose(given, given.T, rtol=0, atol=_ROUNDING):
        raise refused("Correlations make a symmetric square, a row and a column per feature.", where="correlations")
    labels = distinct_names(names, length=features)
    size = np.minimum(np.abs(given), 1.0)
    figure = wide_figure(0.5 + max(_SQUARE, min(_ROW * features, _HIGHEST)))
    axis = figure.subplots()
    mesh = axis.pcolormesh(size, cmap=SEQUENTIAL, vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    if features <= _WITH_NUMBERS:
        for row, column in np.ndindex(size.shape):
            axis.text(
                column + 0.5, row + 0.5, f"{size[row, column]:.2f}", ha="center", va="center",
                fontsize=8 if features <= 10 else 7, color="white" if size[row, column] < 0.55 else "black",
            )  # fmt: skip
    places = np.arange(features) + 0.5
    letters = 8 if features <= 25 else 6.5
    texts = [f"{feature_label(label)}  [{number}]" for number, label in enumerate(labels, start=1)]
    axis.set_yticks(places, texts, fontsize=letters)
    axis.set_xticks(places, [f"[{number}]" for number in range(1, features + 1)], fontsize=letters)
    axis.tick_params(length=0, labelrotation=0)
    if features > 25:
        axis.tick_params(axis="x", labelrotation=90)
    axis.set(ylim=(features, 0))
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(mesh, ax=axis, shrink=0.8, aspect=4 * figure.get_figheight(), pad=0.02)
    bar.set_label(f"|r| ({coefficient})", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    return figure
