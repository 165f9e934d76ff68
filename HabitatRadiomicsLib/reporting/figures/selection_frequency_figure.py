"""How often each feature is selected again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, distinct_names, numbers
from HabitatRadiomicsLib.reporting.figures.labels import feature_label
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, MAIN, NEUTRAL, SERIES
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, percent_axis, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: In the final model, and not in it.
_BOOTSTRAP_COLOURS = (MAIN, NEUTRAL)
_FOLD_COLOURS = (SERIES[5], FAINT)


def selection_frequency_figure(
    names: Sequence[str],
    *,
    in_model: Sequence[bool] | np.ndarray,
    folds: Numbers,
    bootstraps: Numbers,
    most: int = 30,
) -> Figure:
    """Two bars per feature: the share of folds and of bootstraps that select it; features of the final model in blue.

    The features of the final model come first, the most stable over bootstraps on top.

    Args:
        names: of the features.
        in_model: whether the final model holds them.
        folds, bootstraps: shares, 0 to 1.
        most: features that are drawn at most; those of the final model always are.

    Raises:
        EvaluationError: shares outside 0..1 or missing, or lists that do not fit.
    """
    from matplotlib.patches import Patch

    over_folds = numbers(folds, "frequency over folds", within=(0, 1))
    labels = distinct_names(names, length=len(over_folds))
    over_bootstraps = numbers(bootstraps, "frequency over bootstraps", length=len(labels), within=(0, 1))
    kept = numbers(in_model, "features in the model", length=len(labels)) == 1
    order = np.lexsort((-over_folds, -over_bootstraps, ~kept))[: max(most, np.count_nonzero(kept))]
    figure = wide_figure(1.3 + 0.42 * len(order))
    axis = figure.subplots()
    places = np.arange(len(order))
    for shares, shift, colours in (
        (over_bootstraps, -0.19, _BOOTSTRAP_COLOURS),
        (over_folds, 0.19, _FOLD_COLOURS),
    ):
        colour = [colours[0] if kept[column] else colours[1] for column in order]
        axis.barh(places + shift, shares[order], height=0.36, color=colour)
    label_axes(
        axis, x="Share of repetitions that select the feature", xlim=(0, 1), ylim=(len(order) - 0.4, -0.6),
        title=f"{len(order)} of {len(labels)} features" if len(order) < len(labels) else "",
    )  # fmt: skip
    axis.set_yticks(places, [feature_label(labels[column]) for column in order], fontsize=8)
    axis.tick_params(axis="y", length=0)
    percent_axis(axis, "x")
    handles = [
        Patch(color=colours[not inside], label=f"{kind}, {'in' if inside else 'not in'} the final model")
        for inside in (True, False)
        if (kept == inside).any()
        for kind, colours in (("bootstraps", _BOOTSTRAP_COLOURS), ("folds", _FOLD_COLOURS))
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, fontsize=SMALL, frameon=False)
    return figure
