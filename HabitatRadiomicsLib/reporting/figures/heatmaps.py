"""Heat maps: cases and features in the order of their likeness, correlations, and a search's combinations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix, numbers, refused, two_classes
from HabitatRadiomicsLib.reporting.figures.drawing import (
    DIVERGING,
    INK,
    NEGATIVE,
    NORMAL,
    POSITIVE,
    SEQUENTIAL,
    SMALL,
    feature_label,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Z-scores beyond are as dark as these.
_REACH = 3.0


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

    Raises:
        EvaluationError: values missing, one class only, shapes or names that do not fit.
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
    heat.set_yticks(np.arange(features) + 0.5, texts, fontsize=8 if features <= 25 else 6.5)
    heat.tick_params(length=0)
    bar = figure.colorbar(mesh, ax=axes, location="bottom", shrink=0.35, aspect=30, extend="both", pad=0.01)
    bar.set_label("z-score", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    name = wrapped(event, lines=1)
    handles = [Patch(color=POSITIVE, label=f"with {name}"), Patch(color=NEGATIVE, label=f"without {name}")]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=SMALL, frameon=False)
    return figure


def _clustered(rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The order of the rows, and the brackets of their tree as (place, distance); row i of the order is at i + 0.5."""
    from scipy.cluster.hierarchy import dendrogram, linkage

    if len(rows) < 2:
        return np.arange(len(rows)), []
    tree = dendrogram(linkage(rows, method="ward"), no_plot=True)
    # SciPy sets leaves at 5, 15, 25, ...
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
