"""Features: how they were selected (LASSO, frequencies, scout models), and what they contribute to scores (SHAP)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, distinct_names, matrix, numbers
from HabitatRadiomicsLib.reporting.figures.drawing import (
    FAINT,
    INK,
    MAIN,
    NEUTRAL,
    NORMAL,
    POSITIVE,
    SERIES,
    SMALL,
    feature_label,
    label_axes,
    legend_above,
    legend_beside,
    low_to_high,
    name_rows,
    percent_axis,
    series_style,
    text_beside,
    wide_axes,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from HabitatRadiomicsLib.reporting.document.figure_numbers import Lasso

#: Features with a colour and a name of their own; more cannot be told apart.
_NAMED = 10
#: Numbers of features along the upper axis.
_COUNTS = 9
#: Colours of features in the final model and of others.
_BOOTSTRAP_COLOURS = (MAIN, NEUTRAL)
_FOLD_COLOURS = (SERIES[5], FAINT)


def lasso_path_figure(lasso: Lasso) -> Figure:
    """Each feature's coefficient against log lambda, with the number of non-zero ones above.

    The features with the largest coefficients at the penalty of the lowest deviance, at most ten, are named; the others
    are grey.
    """
    order, x = _log_penalties(lasso.penalties)
    paths = np.array(lasso.coefficients)[order]
    labels = distinct_names(lasso.names, length=paths.shape[1])
    nearest = int(np.abs(x - np.log(_penalty(lasso.minimum))).argmin())
    sizes = np.abs(paths[nearest])
    named = [column for column in np.argsort(-sizes, kind="stable")[:_NAMED] if sizes[column] > 0]
    figure, axis = wide_axes(max(5.0, 1.8 + 0.4 * len(named)))
    for index, column in enumerate(named):
        label = feature_label(labels[column])
        axis.plot(x, paths[:, column], linewidth=1.7, label=label, zorder=3, **series_style(index))
    others = [column for column in range(paths.shape[1]) if column not in named]
    for column in others:
        label = f"{len(others)} other features" if len(others) > 1 else "1 other feature"
        axis.plot(x, paths[:, column], color=FAINT, linewidth=0.9, label=label if column == others[-1] else None)
    axis.axhline(0, color=INK, linewidth=0.7, zorder=1)
    _mark_penalties(axis, lasso)
    _count_above(axis, x, np.count_nonzero(paths, axis=1))
    label_axes(axis, x="log λ (λ: penalty)", y="Coefficient (log odds per SD)")
    legend_beside(figure)
    return figure


def lasso_deviance_figure(lasso: Lasso) -> Figure:
    """Cross-validated binomial deviance against log lambda, with standard errors and the number of features above."""
    order, x = _log_penalties(lasso.validated_penalties)
    y = numbers(lasso.deviance, "deviance", length=len(x))[order]
    errors = numbers(lasso.deviance_se, "standard errors", length=len(x), within=(0, np.inf))[order]
    nonzero = np.count_nonzero(np.array(lasso.coefficients), axis=1)[: len(x)]
    counts = numbers(nonzero, "number of non-zero coefficients", length=len(x))[order]
    figure, axis = wide_axes(4.6)
    axis.errorbar(
        x, y, yerr=errors, fmt="o", markersize=3.5, color=POSITIVE, ecolor=FAINT, elinewidth=1, capsize=2,
        label="mean over the folds\n± standard error",
    )  # fmt: skip
    _mark_penalties(axis, lasso)
    _count_above(axis, x, counts)
    label_axes(axis, x="log λ (λ: penalty)", y="Binomial deviance per case")
    legend_beside(figure)
    return figure


def _penalty(value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise EvaluationError(f"A penalty must be above 0, not {value:g}.")
    return float(value)


def _log_penalties(penalties: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The order in which the penalties ascend, and their natural logarithms in that order."""
    values = numbers(penalties, "penalties")
    _penalty(values.min())
    order = np.argsort(values, kind="stable")
    return order, np.log(values[order])


def _mark_penalties(axis: Axes, lasso: Lasso) -> None:
    for name, value, style in (
        ("λ.min", lasso.minimum, (0, (6, 2))),
        ("λ.1se", lasso.one_standard_error, (0, (1, 2))),
    ):
        place = np.log(_penalty(value))
        axis.axvline(place, color=INK, linestyle=style, linewidth=1.1, label=f"{name} = {value:.3g}")


def _count_above(axis: Axes, x: np.ndarray, counts: np.ndarray) -> None:
    places = np.unique(np.abs(np.linspace(x[0], x[-1], _COUNTS)[:, None] - x[None, :]).argmin(axis=1))
    above = axis.secondary_xaxis("top")
    above.set_xticks(x[places], [f"{int(counts[place])}" for place in places], fontsize=SMALL)
    above.set_xlabel("Features with a non-zero coefficient", fontsize=NORMAL)
    above.tick_params(length=0)
    above.spines["top"].set_visible(False)


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
        in_model: whether they are in the final model.
        folds, bootstraps: shares, 0 to 1.
        most: features that are drawn at most; those of the final model always are.
    """
    from matplotlib.patches import Patch

    over_folds = numbers(folds, "frequency over folds", within=(0, 1))
    labels = distinct_names(names, length=len(over_folds))
    over_bootstraps = numbers(bootstraps, "frequency over bootstraps", length=len(labels), within=(0, 1))
    kept = numbers(in_model, "features in the model", length=len(labels)) == 1
    order = np.lexsort((-over_folds, -over_bootstraps, ~kept))[: max(most, np.count_nonzero(kept))]
    figure, axis = wide_axes(1.3 + 0.42 * len(order))
    for shares, shift, colours in ((over_bootstraps, -0.19, _BOOTSTRAP_COLOURS), (over_folds, 0.19, _FOLD_COLOURS)):
        colour = [colours[0] if kept[column] else colours[1] for column in order]
        axis.barh(np.arange(len(order)) + shift, shares[order], height=0.36, color=colour)
    title = f"{len(order)} of {len(labels)} features" if len(order) < len(labels) else ""
    label_axes(axis, x="Share of repetitions that select the feature", xlim=(0, 1), title=title)
    name_rows(axis, [feature_label(labels[column]) for column in order])
    percent_axis(axis)
    handles = [
        Patch(color=colours[not inside], label=f"{kind}, {'in' if inside else 'not in'} the final model")
        for inside in (True, False)
        if (kept == inside).any()
        for kind, colours in (("bootstraps", _BOOTSTRAP_COLOURS), ("folds", _FOLD_COLOURS))
    ]
    legend_above(figure, handles=handles)
    return figure


def scout_figure(scouts: Mapping[str, tuple[float, float, str]], *, minimum: float) -> Figure:
    """The mean AUC of each image as a bar with the SD over the folds, and the least AUC as a line.

    Args:
        scouts: (mean AUC, its SD, selector and classifier: ``anova + svm``) by image.
        minimum: AUC from which an image's features went on.
    """
    if not scouts:
        raise EvaluationError("There is no scout model to draw.")
    areas = numbers([area for area, _, _ in scouts.values()], "AUC", within=(0, 1))
    deviations = numbers([sd for _, sd, _ in scouts.values()], "SD of the AUC", within=(0, 1))
    line = float(numbers([minimum], "least AUC", within=(0, 1))[0])
    figure, axis = wide_axes(1.1 + 0.42 * len(scouts))
    for chosen, colour, label in ((areas >= line, MAIN, "features went on"), (areas < line, FAINT, "left out")):
        rows = np.flatnonzero(chosen)
        if len(rows):
            axis.barh(rows, areas[rows], xerr=deviations[rows], height=0.6, color=colour, label=label,
                      error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 3})  # fmt: skip
    axis.axvline(line, color=INK, linewidth=1.2, linestyle=(0, (5, 2)), label=f"AUC {line:g}")
    for row, (area, _, way) in enumerate(scouts.values()):
        text_beside(axis, row, f"{area:.2f}, {way}")
    label_axes(axis, x="AUC within the training cases, mean and SD over the folds", xlim=(0, 1))
    name_rows(axis, [wrapped(image, lines=1) for image in scouts], size=NORMAL)
    figure.legend(loc="outside upper left", fontsize=SMALL, frameon=False, ncols=3)
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
