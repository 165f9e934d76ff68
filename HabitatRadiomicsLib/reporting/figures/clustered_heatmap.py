"""Cases and features in the order of their likeness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix, two_classes
from HabitatRadiomicsLib.reporting.figures.labels import feature_label, wrapped
from HabitatRadiomicsLib.reporting.figures.palette import DIVERGING, INK, NEGATIVE, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import SMALL, wide_figure

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
