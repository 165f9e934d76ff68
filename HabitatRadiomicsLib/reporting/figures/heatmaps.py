"""Heat maps: cases and features clustered, correlations of features, and the combinations of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix, numbers, two_classes
from HabitatRadiomicsLib.reporting.figures.drawing import (
    DIVERGING,
    INK,
    NEGATIVE,
    NORMAL,
    POSITIVE,
    SEQUENTIAL,
    SMALL,
    TINY,
    feature_label,
    legend_above,
    wide_axes,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

#: Z-scores beyond ±3 have the same colour.
_REACH = 3.0
#: Up to so many features, names have letters of the usual size, and each cell of a correlation has room for its number.
_ROOMY, _WITH_NUMBERS = 25, 15
#: Inches of a correlation heat map: a height as long as the width that the names leave, the least that a name of two
#: lines takes, and the most of all.
_SQUARE, _ROW, _HIGHEST = 4.6, 0.26, 14.0
_ROUNDING = 1e-9
#: The part of the colour scale below which letters are white.
_DARK = 0.55


def clustered_heatmap(
    z_scores: np.ndarray, outcome: np.ndarray, names: Sequence[str], *, event: str = "outcome"
) -> Figure:
    """Z-scores with a column per case and a row per feature, both clustered (Ward, Euclidean), the outcome above.

    The outcome has no part in the clustering.

    Args:
        z_scores: shape (cases, features).
        outcome: 0 or 1 per case.
        names: of the features.
        event: what the outcome is, in a few words.
    """
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    values = matrix(z_scores, "z-scores")
    cases, features = values.shape
    positive = two_classes(outcome, length=cases)
    labels = distinct_names(names, length=features)
    case_order, case_tree = _clustered(values)
    feature_order, feature_tree = _clustered(values.T)
    height = min(11.0, max(1.2, 0.34 * features))
    figure = wide_figure(height + 2.1)
    axes = figure.subplots(
        3, 2, width_ratios=(0.6, 4.4), height_ratios=(0.7, 0.16, height), gridspec_kw={"wspace": 0.01, "hspace": 0.01}
    )
    for axis in axes.ravel():
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    _draw_tree(axes[0, 1], case_tree, cases)
    _draw_tree(axes[2, 0], feature_tree, features, sideways=True)
    axes[1, 1].pcolormesh(positive[None, case_order], cmap=ListedColormap([NEGATIVE, POSITIVE]), vmin=0, vmax=1)
    axes[1, 1].set_xlim(0, cases)
    heat = axes[2, 1]
    mesh = heat.pcolormesh(values[case_order].T[feature_order], cmap=DIVERGING, vmin=-_REACH, vmax=_REACH)
    heat.set(xlim=(0, cases), ylim=(features, 0))
    heat.set_xlabel(f"Cases (n = {cases})", fontsize=SMALL)
    heat.yaxis.tick_right()
    texts = [feature_label(labels[column]) for column in feature_order]
    heat.set_yticks(np.arange(features) + 0.5, texts, fontsize=TINY if features <= _ROOMY else 6.5)
    heat.tick_params(length=0)
    _colour_bar(figure, mesh, "z-score", ax=axes, location="bottom", shrink=0.35, aspect=30, extend="both", pad=0.01)
    name = wrapped(event, lines=1)
    legend_above(
        figure, handles=[Patch(color=POSITIVE, label=f"with {name}"), Patch(color=NEGATIVE, label=f"without {name}")]
    )
    return figure


def _name_cells(axis: Axes, rows: Sequence[str], columns: Sequence[str], *, size: float) -> None:
    """The names of rows, the first on top, and of columns."""
    axis.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=size)
    axis.set_xticks(np.arange(len(columns)) + 0.5, columns, fontsize=size)
    axis.tick_params(length=0)
    axis.set_ylim(len(rows), 0)
    axis.spines[:].set_visible(False)


def _colour_bar(figure: Figure, mesh: QuadMesh, label: str, **settings: Any) -> None:
    bar = figure.colorbar(mesh, **settings)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)


def _clustered(rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The order of the rows, and the brackets of their tree as (place, distance); the i-th row lies at i + 0.5."""
    from scipy.cluster.hierarchy import dendrogram, linkage

    if len(rows) < 2:
        return np.arange(len(rows)), []
    tree = dendrogram(linkage(rows, method="ward"), no_plot=True)
    # SciPy puts leaves at 5, 15, 25, ...
    brackets = [np.column_stack((np.array(x) / 10, y)) for x, y in zip(tree["icoord"], tree["dcoord"])]
    return np.array(tree["leaves"]), brackets


def _draw_tree(axis: Axes, brackets: list[np.ndarray], leaves: int, *, sideways: bool = False) -> None:
    from matplotlib.collections import LineCollection

    top = 1.03 * max((float(bracket[:, 1].max()) for bracket in brackets), default=0.0) or 1.0
    lines = [bracket[:, ::-1] for bracket in brackets] if sideways else brackets
    axis.add_collection(LineCollection(lines, colors=INK, linewidths=0.8))
    if sideways:
        axis.set(xlim=(top, 0), ylim=(leaves, 0))
    else:
        axis.set(xlim=(0, leaves), ylim=(0, top))


def correlation_heatmap(correlations: np.ndarray, names: Sequence[str], *, coefficient: str = "Pearson") -> Figure:
    """|r| of each pair of features; rows have names and numbers, columns the same numbers.

    Args:
        correlations: shape (features, features), symmetric, -1 to 1.
        names: of the features.
        coefficient: "Pearson" or "Spearman".
    """
    given = matrix(correlations, "correlations", within=(-1 - _ROUNDING, 1 + _ROUNDING))
    features = len(given)
    if given.shape != (features, features) or not np.allclose(given, given.T, rtol=0, atol=_ROUNDING):
        raise EvaluationError(
            "Correlations make a symmetric square, a row and a column per feature.", where="correlations"
        )
    labels = distinct_names(names, length=features)
    size = np.minimum(np.abs(given), 1.0)
    figure, axis = wide_axes(0.5 + max(_SQUARE, min(_ROW * features, _HIGHEST)))
    mesh = axis.pcolormesh(size, cmap=SEQUENTIAL, vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    if features <= _WITH_NUMBERS:
        for row, column in np.ndindex(size.shape):
            axis.text(
                column + 0.5, row + 0.5, f"{size[row, column]:.2f}", ha="center", va="center",
                fontsize=8 if features <= 10 else 7, color="white" if size[row, column] < _DARK else "black",
            )  # fmt: skip
    marks = [f"[{number}]" for number in range(1, features + 1)]
    rows = [f"{feature_label(label)}  {mark}" for label, mark in zip(labels, marks)]
    _name_cells(axis, rows, marks, size=TINY if features <= _ROOMY else 6.5)
    if features > _ROOMY:
        axis.tick_params(axis="x", labelrotation=90)
    _colour_bar(figure, mesh, f"|r| ({coefficient})", ax=axis, shrink=0.8, aspect=4 * figure.get_figheight(), pad=0.02)
    return figure


def search_heatmap(
    areas: Mapping[tuple[str, str], tuple[float, int]], *, chosen: tuple[str, str] | None = None
) -> Figure:
    """A row per selector, a column per classifier; each cell shows the AUC and the number of features.

    Args:
        areas: (AUC, number of features) by (selector, classifier); the cell of a missing combination is empty.
        chosen: the combination that is framed.

    Raises:
        EvaluationError: the chosen combination is not one of those given, or values make no sense.
    """
    from matplotlib.patches import Rectangle

    if not areas:
        raise EvaluationError("There is no combination to draw.")
    if chosen is not None and chosen not in areas:
        raise EvaluationError(f"The chosen combination {' + '.join(chosen)} is not one of those compared.")
    selectors = list(dict.fromkeys(selector for selector, _ in areas))
    classifiers = list(dict.fromkeys(classifier for _, classifier in areas))
    cells = {way: (selectors.index(way[0]), classifiers.index(way[1])) for way in areas}
    values = numbers([area for area, _ in areas.values()], "AUC", within=(0, 1))
    table = np.full((len(selectors), len(classifiers)), np.nan)
    for cell, value in zip(cells.values(), values):
        table[cell] = value
    low, high = min(0.5, float(values.min())), max(float(values.max()), 0.51)
    figure, axis = wide_axes(1.3 + 0.5 * len(selectors))
    mesh = axis.pcolormesh(table, cmap=SEQUENTIAL, vmin=low, vmax=high, edgecolors="white", linewidth=1)
    for way, (area, features) in areas.items():
        row, column = cells[way]
        colour = "white" if area < low + _DARK * (high - low) else "black"
        axis.text(
            column + 0.5, row + 0.5, f"{area:.2f}\n{features} feature{'s' if features != 1 else ''}",
            ha="center", va="center", fontsize=SMALL, color=colour, linespacing=1.2,
        )  # fmt: skip
    if chosen is not None:
        row, column = cells[chosen]
        frame = Rectangle((column + 0.02, row + 0.03), 0.96, 0.94, fill=False, edgecolor=POSITIVE, linewidth=2.4)
        axis.add_patch(frame)
    # Seven columns leave no room for a name on one line.
    _name_cells(axis, selectors, [name.replace("-", "-\n") for name in classifiers], size=SMALL)
    axis.set_xlabel("Classifier", fontsize=NORMAL)
    axis.set_ylabel("Selector", fontsize=NORMAL)
    _colour_bar(figure, mesh, "AUC within the training cases", ax=axis, pad=0.02)
    return figure
