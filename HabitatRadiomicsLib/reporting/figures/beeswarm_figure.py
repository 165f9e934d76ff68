"""SHAP values of every case and feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import distinct_names, matrix
from HabitatRadiomicsLib.reporting.figures.labels import feature_label
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, INK, low_to_high
from HabitatRadiomicsLib.reporting.figures.style import SMALL, label_axes, wide_figure
from HabitatRadiomicsLib.reporting.figures.swarm import swarm_offsets

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def beeswarm_figure(
    shap_values: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    *,
    most: int = 20,
    unit: str = "rad-score",
) -> Figure:
    """A point per case and feature: right of zero it raised the score, red where the feature's value is high.

    The features with the largest mean absolute SHAP value are on top. Colours run from the 5th to the 95th percentile
    of each feature.

    Args:
        shap_values, values: shape (cases, features).
        names: of the features.
        most: features that are drawn at most.
        unit: what the contributions add up to.

    Raises:
        EvaluationError: values missing, shapes or names that do not fit.
    """
    contributions = matrix(shap_values, "SHAP values")
    cases, features = contributions.shape
    measured = matrix(values, "feature values", rows=cases, columns=features)
    labels = distinct_names(names, length=features)
    order = np.argsort(-np.abs(contributions).mean(axis=0), kind="stable")
    shown = order[:most]
    span = (float(contributions[:, shown].min()), float(contributions[:, shown].max()))
    figure = wide_figure(max(2.2, 1.1 + 0.45 * len(shown)))
    axis = figure.subplots()
    axis.axvline(0, color=INK, linewidth=0.8, zorder=1)
    for row, column in enumerate(shown):
        axis.axhline(row, color=FAINT, linewidth=0.5, linestyle=(0, (1, 4)), zorder=0)
        x = contributions[:, column]
        y = row + swarm_offsets(x, span, tie=measured[:, column])
        drawn = axis.scatter(
            x, y, c=_share(measured[:, column]), cmap=low_to_high(), vmin=0, vmax=1, s=13, linewidths=0, zorder=3
        )
    margin = 0.04 * ((span[1] - span[0]) or 1.0)
    label_axes(
        axis, x=f"SHAP value of each of {cases} cases (contribution to the {unit})",
        xlim=(min(0.0, span[0]) - margin, max(0.0, span[1]) + margin), ylim=(len(shown) - 0.45, -0.55),
        title=f"the {len(shown)} most important of {features} features" if len(shown) < features else "",
    )  # fmt: skip
    axis.set_yticks(range(len(shown)), [feature_label(labels[column]) for column in shown], fontsize=8)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    bar = figure.colorbar(drawn, ax=axis, aspect=5 * figure.get_figheight(), pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"], fontsize=SMALL)
    bar.set_label("Feature value", fontsize=SMALL, labelpad=-8)
    bar.ax.spines["outline"].set_visible(False)
    return figure


def _share(values: np.ndarray) -> np.ndarray:
    """Where each value lies between the feature's 5th and 95th percentile, 0 to 1; the middle if all are alike."""
    low, high = np.percentile(values, (5, 95))
    if low == high:
        low, high = values.min(), values.max()
    if low == high:
        return np.full(len(values), 0.5)
    return np.clip((values - low) / (high - low), 0, 1)
