"""The LASSO's coefficients and its cross-validated deviance along the penalty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, distinct_names, matrix, numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import feature_label
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, INK, POSITIVE, series_style
from HabitatRadiomicsLib.reporting.figures.style import NORMAL, SMALL, label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Features with a colour and a name of their own; more cannot be told apart.
_NAMED = 10
_COUNTS = 9


def lasso_path_figure(
    penalties: Numbers,
    coefficients: np.ndarray,
    names: Sequence[str],
    *,
    lambda_min: float,
    lambda_1se: float,
    unit: str = "log odds per SD",
) -> Figure:
    """Each feature's coefficient against log lambda, with the number of non-zero ones above.

    Named are the features with the largest coefficients at lambda.min, at most ten; the others are grey.

    Args:
        penalties: lambda per step, in any order.
        coefficients: shape (steps, features).
        names: of the features.
        lambda_min, lambda_1se: where the deviance is least, and the largest within a standard error of that.
        unit: of the coefficients.

    Raises:
        EvaluationError: penalties that are not above 0, values missing, names that do not fit.
    """
    order, x = _log_penalties(penalties)
    paths = matrix(coefficients, "coefficients", rows=len(x))[order]
    labels = distinct_names(names, length=paths.shape[1])
    nearest = int(np.abs(x - np.log(_penalty(lambda_min))).argmin())
    sizes = np.abs(paths[nearest])
    named = [column for column in np.argsort(-sizes, kind="stable")[:_NAMED] if sizes[column] > 0]
    figure = wide_figure(max(5.0, 1.8 + 0.4 * len(named)))
    axis = figure.subplots()
    for index, column in enumerate(named):
        label = feature_label(labels[column])
        axis.plot(x, paths[:, column], linewidth=1.7, label=label, zorder=3, **series_style(index))
    others = [column for column in range(paths.shape[1]) if column not in named]
    for column in others:
        label = f"{len(others)} other features" if len(others) > 1 else "1 other feature"
        axis.plot(x, paths[:, column], color=FAINT, linewidth=0.9, label=label if column == others[-1] else None)
    axis.axhline(0, color=INK, linewidth=0.7, zorder=1)
    _mark_penalties(axis, lambda_min, lambda_1se)
    _count_above(axis, x, np.count_nonzero(paths, axis=1))
    label_axes(axis, x="log λ (λ: penalty)", y=f"Coefficient ({unit})")
    legend_beside(figure)
    return figure


def lasso_deviance_figure(
    penalties: Numbers,
    deviance: Numbers,
    standard_errors: Numbers,
    nonzero: Numbers,
    *,
    lambda_min: float,
    lambda_1se: float,
) -> Figure:
    """Cross-validated binomial deviance against log lambda, with standard errors and the number of features above.

    Args:
        penalties: lambda per step, in any order.
        deviance: mean over the folds, per case; ``standard_errors`` of that.
        nonzero: number of non-zero coefficients per step.

    Raises:
        EvaluationError: penalties that are not above 0, negative errors, values missing.
    """
    order, x = _log_penalties(penalties)
    y = numbers(deviance, "deviance", length=len(x))[order]
    errors = numbers(standard_errors, "standard errors", length=len(x), within=(0, np.inf))[order]
    counts = numbers(nonzero, "number of non-zero coefficients", length=len(x), within=(0, np.inf))[order]
    figure = wide_figure(4.6)
    axis = figure.subplots()
    axis.errorbar(
        x, y, yerr=errors, fmt="o", markersize=3.5, color=POSITIVE, ecolor=FAINT, elinewidth=1, capsize=2,
        label="mean over the folds\n± standard error",
    )  # fmt: skip
    _mark_penalties(axis, lambda_min, lambda_1se)
    _count_above(axis, x, counts)
    label_axes(axis, x="log λ (λ: penalty)", y="Binomial deviance per case")
    legend_beside(figure)
    return figure


def _penalty(value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise refused(f"A penalty must be above 0, not {value:g}.")
    return float(value)


def _log_penalties(penalties: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """The order in which the penalties ascend, and their natural logarithms in it."""
    values = numbers(penalties, "penalties")
    _penalty(values.min())
    order = np.argsort(values, kind="stable")
    return order, np.log(values[order])


def _mark_penalties(axis: Axes, lambda_min: float, lambda_1se: float) -> None:
    for name, value, style in (("λ.min", lambda_min, (0, (6, 2))), ("λ.1se", lambda_1se, (0, (1, 2)))):
        place = np.log(_penalty(value))
        axis.axvline(place, color=INK, linestyle=style, linewidth=1.1, label=f"{name} = {value:.3g}")


def _count_above(axis: Axes, x: np.ndarray, counts: np.ndarray) -> None:
    places = np.unique(np.abs(np.linspace(x[0], x[-1], _COUNTS)[:, None] - x[None, :]).argmin(axis=1))
    above = axis.secondary_xaxis("top")
    above.set_xticks(x[places], [f"{int(counts[place])}" for place in places], fontsize=SMALL)
    above.set_xlabel("Features with a non-zero coefficient", fontsize=NORMAL)
    above.tick_params(length=0)
    above.spines["top"].set_visible(False)
