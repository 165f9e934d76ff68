"""Which features matter over a cohort: mean absolute SHAP values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix
from HabitatRadiomicsLib.reporting.figures.labels import feature_label
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, MAIN
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shap_bar_figure(
    shap_values: np.ndarray, names: Sequence[str], *, most: int = 20, unit: str = "rad-score"
) -> Figure:
    """A bar per feature, the largest on top; what comes after the ``most`` important ones is summed in a last bar.

    Args:
        shap_values: shape (cases, features).
        names: of the features.
        unit: what the contributions add up to.

    Raises:
        EvaluationError: values missing, or names that do not fit.
    """
    values = matrix(shap_values, "SHAP values")
    labels = distinct_names(names, length=values.shape[1])
    importance = np.abs(values).mean(axis=0)
    order = np.argsort(-importance, kind="stable")
    widths = importance[order[:most]].tolist()
    texts = [feature_label(labels[column]) for column in order[:most]]
    rest = order[most:]
    if len(rest):
        widths.append(float(importance[rest].sum()))
        texts.append(f"sum of the {len(rest)} other features")
    figure = wide_figure(0.9 + 0.4 * len(widths))
    axis = figure.subplots()
    axis.barh(range(len(widths)), widths, height=0.62, color=[MAIN] * min(most, len(order)) + [FAINT] * (len(rest) > 0))
    for place, width in enumerate(widths):
        axis.annotate(
            f"{width:.3g}", (width, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL
        )
    label_axes(
        axis, x=f"Mean |SHAP value| over {len(values)} cases (contribution to the {unit})",
        ylim=(len(widths) - 0.4, -0.6), xlim=(0, 1.12 * (max(widths) or 1.0)),
    )  # fmt: skip
    axis.set_yticks(range(len(widths)), texts, fontsize=8)
    axis.tick_params(axis="y", length=0)
    return figure
