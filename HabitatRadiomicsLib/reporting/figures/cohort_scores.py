"""The scores of all cases: their distances from the cut-off, and what the features contribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, distinct_names, matrix, numbers, two_classes
from HabitatRadiomicsLib.reporting.figures.drawing import (
    FAINT,
    INK,
    MAIN,
    NEGATIVE,
    POSITIVE,
    SMALL,
    feature_label,
    label_axes,
    legend_above,
    low_to_high,
    name_rows,
    wide_axes,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def waterfall_figure(scores: Numbers, outcome: np.ndarray, *, cut_off: float, event: str = "outcome") -> Figure:
    """A bar per patient from the highest score to the lowest: red with the outcome, blue without it.

    A score at the cut-off itself, which is called positive, is a point on the line.

    Args:
        scores: per case; ``outcome`` 0 or 1.
        cut_off: of the scores; 0 for scores from which it has been subtracted already.
        event: what the outcome is, in a few words.
    """
    values = numbers(scores, "scores")
    positive = two_classes(outcome, length=len(values))
    if not np.isfinite(cut_off):
        raise EvaluationError("The cut-off is not a number.")
    # Equal scores: with the outcome first, whatever the order of the cases.
    order = np.lexsort((~positive, -values))
    heights, positive = values[order] - cut_off, positive[order]
    figure, axis = wide_axes(4.1)
    places = np.arange(len(heights))
    for chosen, colour, kind in ((positive, POSITIVE, "with"), (~positive, NEGATIVE, "without")):
        above = f"{np.count_nonzero(heights[chosen] >= 0)} of {np.count_nonzero(chosen)} at or above the cut-off"
        label = f"{kind} {wrapped(event, lines=1)}:\n{above}"
        axis.bar(places[chosen], heights[chosen], width=0.85, color=colour, label=label)
        flat = chosen & (heights == 0)
        axis.plot(places[flat], heights[flat], "o", color=colour, markersize=4, zorder=3)
    axis.axhline(0, color=INK, linewidth=0.8)
    named = f" ({cut_off:.3g})" if cut_off else ""
    label_axes(
        axis, x=f"Cases, sorted by score (n = {len(values)})", y=f"Score minus cut-off{named}",
        xticks=[], xlim=(-0.7, len(values) - 0.3),
    )  # fmt: skip
    axis.spines["bottom"].set_visible(False)
    legend_above(figure)
    return figure


def shap_bar_figure(
    shap_values: np.ndarray, names: Sequence[str], *, most: int = 20, unit: str = "rad-score"
) -> Figure:
    """A bar per feature, the largest on top; the last bar sums all features after the ``most`` important ones.

    Args:
        shap_values: shape (cases, features); ``names`` of the features.
        unit: what the contributions add up to.
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
    figure, axis = wide_axes(0.9 + 0.4 * len(widths))
    axis.barh(range(len(widths)), widths, height=0.62, color=[MAIN] * min(most, len(order)) + [FAINT] * (len(rest) > 0))
    for place, width in enumerate(widths):
        axis.annotate(
            f"{width:.3g}", (width, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=SMALL
        )
    label_axes(
        axis, x=f"Mean |SHAP value| over {len(values)} cases (contribution to the {unit})",
        xlim=(0, 1.12 * (max(widths) or 1.0)),
    )  # fmt: skip
    name_rows(axis, texts)
    return figure


def beeswarm_figure(
    shap_values: np.ndarray, values: np.ndarray, names: Sequence[str], *, most: int = 20, unit: str = "rad-score"
) -> Figure:
    """A point per case and feature: right of zero it raised the score, red where the feature's value is high.

    The features with the largest mean absolute SHAP value are on top. Colours run from the 5th to the 95th percentile
    of each feature.

    Args:
        shap_values, values: shape (cases, features).
        names: of the features; at most ``most`` are drawn.
        unit: what the contributions add up to.
    """
    contributions = matrix(shap_values, "SHAP values")
    cases, features = contributions.shape
    measured = matrix(values, "feature values", rows=cases, columns=features)
    labels = distinct_names(names, length=features)
    order = np.argsort(-np.abs(contributions).mean(axis=0), kind="stable")
    shown = order[:most]
    span = (float(contributions[:, shown].min()), float(contributions[:, shown].max()))
    figure, axis = wide_axes(max(2.2, 1.1 + 0.45 * len(shown)))
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
        xlim=(min(0.0, span[0]) - margin, max(0.0, span[1]) + margin),
        title=f"the {len(shown)} most important of {features} features" if len(shown) < features else "",
    )  # fmt: skip
    name_rows(axis, [feature_label(labels[column]) for column in shown])
    axis.set_ylim(len(shown) - 0.45, -0.55)
    axis.spines["left"].set_visible(False)
    bar = figure.colorbar(drawn, ax=axis, aspect=5 * figure.get_figheight(), pad=0.01, ticks=[0, 1])
    bar.ax.set_yticklabels(["low", "high"], fontsize=SMALL)
    bar.set_label("Feature value", fontsize=SMALL, labelpad=-8)
    bar.ax.spines["outline"].set_visible(False)
    return figure


def _share(values: np.ndarray) -> np.ndarray:
    """Where each value lies between the feature's 5th and 95th percentile, 0 to 1; 0.5 if all are alike."""
    low, high = np.percentile(values, (5, 95))
    if low == high:
        low, high = values.min(), values.max()
    if low == high:
        return np.full(len(values), 0.5)
    return np.clip((values - low) / (high - low), 0, 1)


#: Half the height of a row's points; the distance of neighbours where there is room; bins along the axis.
_SPREAD, _STEP, _BINS = 0.4, 0.085, 110


def swarm_offsets(values: np.ndarray, span: tuple[float, float], *, tie: np.ndarray | None = None) -> np.ndarray:
    """How far from the row's middle each value is drawn: values that nearly coincide are stacked on both sides.

    Nothing is random: the same values give the same offsets, whatever their order.

    Args:
        values: along the axis.
        span: lowest and highest of all rows.
        tie: what decides the order of equal values; None: their order as given.

    Returns:
        Offsets in units of a row's height, from -0.4 to 0.4.
    """
    low, high = span
    width = (high - low) or 1.0
    bins = np.floor((values - low) / width * _BINS).astype(int)
    offsets = np.zeros(len(values))
    fullest = int(np.bincount(bins - bins.min()).max())
    step = min(_STEP, 2 * _SPREAD / max(1, fullest - 1))
    order = np.lexsort((np.arange(len(values)) if tie is None else tie, values))
    for number in np.unique(bins):
        here = order[bins[order] == number]
        # 0, 1, -1, 2, -2, ... moved so that the stack is centred on the row
        turns = np.arange(1, len(here) + 1) // 2 * np.where(np.arange(len(here)) % 2, 1, -1)
        offsets[here] = step * (turns - turns.mean())
    return offsets
