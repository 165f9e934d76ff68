"""How well scores perform: ROC, precision-recall, decision, calibration and learning curves, permutations, optimism."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, Triple, estimate, numbers, ordered, two_classes
from HabitatRadiomicsLib.reporting.figures.drawing import (
    FAINT,
    INK,
    MAIN,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    REFERENCE,
    SERIES,
    SMALL,
    count_axis,
    estimate_text,
    label_axes,
    legend_beside,
    p_text,
    percent_axis,
    series_style,
    wide_axes,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Means of curves may fall by this much.
_ROUNDING = 1e-9
#: Bars of predicted risks, and of values over permutations or bootstrap samples.
_RISK_BINS, _BINS = 20, 30
_UNIT_SQUARE: dict[str, Any] = {"xlim": (-0.01, 1.01), "ylim": (-0.01, 1.02), "aspect": "equal"}


class RocLine(TypedDict):
    """Corners of a curve in ascending or descending order of their cut-offs, and its area with the interval."""

    specificity: Numbers
    sensitivity: Numbers
    auc: Triple


def roc_figure(
    curves: Mapping[str, RocLine],
    *,
    band: tuple[Numbers, Numbers, Numbers] | None = None,
    operating_point: tuple[float, float] | None = None,
) -> Figure:
    """Sensitivity against 1 - specificity, areas with intervals in the legend, and the line of chance.

    Args:
        curves: by name, in the order of the legend; the first is drawn on top.
        band: the first curve's confidence band: specificities, and the lowest and highest sensitivity there.
        operating_point: the first curve's specificity and sensitivity at the cut-off.
    """
    if not curves:
        raise EvaluationError("There is no ROC curve to draw.")
    figure, axis = wide_axes(max(5.0, 1.6 + 0.52 * len(curves)))
    for index, (name, curve) in enumerate(curves.items()):
        x = 1 - numbers(curve["specificity"], f"specificity of {name}", within=(0, 1))
        y = numbers(curve["sensitivity"], f"sensitivity of {name}", length=len(x), within=(0, 1))
        if x[0] > x[-1]:
            x, y = x[::-1], y[::-1]
        if min(np.diff(x).min(initial=0), np.diff(y).min(initial=0)) < -_ROUNDING:
            raise EvaluationError(
                "Along a ROC curve, sensitivity rises as specificity falls.",
                where=name,
                remedy="Sort the points by their cut-offs.",
            )
        area = estimate(curve["auc"], f"AUC of {name}", within=(0, 1))
        _draw_curve(axis, index, x, y, f"{wrapped(name, width=34)}\nAUC {estimate_text(area)}")
    if band is not None:
        x = 1 - numbers(band[0], "specificities of the band", within=(0, 1))
        low, high = (numbers(edge, "band", length=len(x), within=(0, 1)) for edge in band[1:])
        ordered(low, high, "band")
        axis.fill_between(x, low, high, color=MAIN, alpha=0.18, linewidth=0, label="95% confidence band")
    if operating_point is not None:
        specificity, sensitivity = numbers(operating_point, "operating point", length=2, within=(0, 1))
        axis.plot(
            [1 - specificity], [sensitivity], "o", markersize=8, color=MAIN, markeredgecolor=INK, zorder=5,
            label=f"cut-off: sensitivity {sensitivity:.2f},\nspecificity {specificity:.2f}",
        )  # fmt: skip
    axis.plot([0, 1], [0, 1], **REFERENCE, label="chance")
    label_axes(axis, x="1 − specificity (false positive rate)", y="Sensitivity (true positive rate)", **_UNIT_SQUARE)
    legend_beside(figure, title="AUC with 95% interval", title_fontsize=SMALL, alignment="left")
    return figure


class PrecisionRecallLine(TypedDict):
    """Points in ascending or descending order of their cut-offs, and the area under their steps."""

    recall: Numbers
    precision: Numbers
    average_precision: float


def precision_recall_figure(curves: Mapping[str, PrecisionRecallLine], *, prevalence: float) -> Figure:
    """Positive predictive value against sensitivity, with the prevalence as the line of chance.

    The area under the steps is the average precision: between two recalls, the precision is that of the higher one.

    Args:
        curves: by name, in the order of the legend.
        prevalence: share of cases with the outcome.
    """
    if not curves:
        raise EvaluationError("There is no precision-recall curve to draw.")
    numbers([prevalence], "prevalence", within=(0, 1))
    figure, axis = wide_axes(max(5.0, 0.6 + 0.52 * len(curves)))
    for index, (name, curve) in enumerate(curves.items()):
        recall = numbers(curve["recall"], f"recall of {name}", within=(0, 1))
        precision = numbers(curve["precision"], f"precision of {name}", length=len(recall), within=(0, 1))
        average = numbers([curve["average_precision"]], f"average precision of {name}", within=(0, 1))[0]
        if recall[0] < recall[-1]:
            recall, precision = recall[::-1], precision[::-1]
        if (np.diff(recall) > 0).any():
            raise EvaluationError("Recalls go up and down.", where=name, remedy="Sort the points by their cut-offs.")
        if recall[-1] > 0:
            recall, precision = np.append(recall, 0.0), np.append(precision, precision[-1])
        label = f"{wrapped(name, width=34)}\naverage precision {average:.2f}"
        _draw_curve(axis, index, recall, precision, label, drawstyle="steps-post")
    axis.axhline(prevalence, **REFERENCE, label=f"chance (prevalence {prevalence:.2f})")
    label_axes(axis, x="Recall (sensitivity)", y="Precision (positive predictive value)", **_UNIT_SQUARE)
    legend_beside(figure)
    return figure


def _draw_curve(
    axis: Axes, index: int, x: np.ndarray, y: np.ndarray, label: str, *, drawstyle: str = "default"
) -> None:
    """The first curve is thicker and on top of the others."""
    width, level = (2.2, 4) if index == 0 else (1.4, 3)
    axis.plot(x, y, label=label, drawstyle=drawstyle, linewidth=width, zorder=level, **series_style(index))


def decision_curve_figure(thresholds: Numbers, models: Mapping[str, Numbers], treat_all: Numbers) -> Figure:
    """Net benefit against the threshold probability (Vickers 2006, doi 10.1177/0272989X06295361).

    Args:
        thresholds: probabilities above 0 and below 1, ascending.
        models: net benefit per threshold, by name.
        treat_all: net benefit per threshold of treating everybody; that of treating nobody is 0. Values far below 0 are
            cut off.
    """
    if not models:
        raise EvaluationError("There is no decision curve to draw.")
    x = numbers(thresholds, "threshold probabilities", within=(0, 1))
    if x[-1] == 1 or (np.diff(x) <= 0).any():
        raise EvaluationError("Threshold probabilities must ascend and stay below 1.")
    everybody = numbers(treat_all, "net benefit of treating all", length=len(x))
    figure, axis = wide_axes(max(4.6, 0.8 + 0.36 * len(models)))
    highest, lowest = max(everybody.max(), 0.0), 0.0
    for index, (name, benefit) in enumerate(models.items()):
        y = numbers(benefit, f"net benefit of {name}", length=len(x))
        highest, lowest = max(highest, y.max()), min(lowest, y.min())
        axis.plot(x, y, label=wrapped(name, width=34), linewidth=2.2 if index == 0 else 1.4, **series_style(index))
    axis.plot(x, everybody, color=INK, linewidth=1.1, linestyle=(0, (5, 2)), label="treat all")
    axis.plot(x, np.zeros(len(x)), color=NEUTRAL, linewidth=1.1, label="treat none")
    reach = highest or 0.1
    label_axes(
        axis, x="Threshold probability", y="Net benefit (true positives per case)", xlim=(min(0.0, x[0]), x[-1]),
        ylim=(max(lowest, -0.35 * reach) - 0.07 * reach, highest + 0.07 * reach),
    )  # fmt: skip
    percent_axis(axis)
    legend_beside(figure)
    return figure


class CalibrationGroups(TypedDict):
    """Cases grouped by predicted risk: mean prediction, observed share with its interval, number of cases."""

    predicted: Numbers
    observed: Numbers
    low: Numbers
    high: Numbers
    cases: Numbers


def calibration_figure(
    risks: Numbers,
    outcome: np.ndarray,
    groups: CalibrationGroups,
    *,
    curve: tuple[Numbers, Numbers] | None = None,
    slope: Triple,
    intercept: Triple,
    brier: float,
) -> Figure:
    """Observed against predicted risk; below, how many cases have which predicted risk, those with the outcome upwards.

    Args:
        risks: predicted probability per case.
        outcome: 0 or 1 per case.
        groups: the points.
        curve: a smooth calibration curve: predicted and observed risks.
        slope, intercept: of the recalibration, with their intervals; 1 and 0 are perfect.
        brier: the Brier score.
    """
    risks = numbers(risks, "predicted risks", within=(0, 1))
    positive = two_classes(outcome, length=len(risks))
    figure = wide_figure(6.2)
    upper, lower = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    upper.plot([0, 1], [0, 1], **REFERENCE, label="perfect calibration")
    if curve is not None:
        x = numbers(curve[0], "predicted risks of the curve", within=(0, 1))
        y = numbers(curve[1], "observed risks of the curve", length=len(x))
        upper.plot(x, y, color=MAIN, linewidth=2, label="calibration curve")
    _draw_groups(upper, groups)
    upper.text(
        0.02, 0.98,
        f"Slope {estimate_text(estimate(slope, 'slope'))}\n"
        f"Intercept {estimate_text(estimate(intercept, 'intercept'))}\n"
        f"Brier score {numbers([brier], 'Brier score', within=(0, 1))[0]:.3f}",
        transform=upper.transAxes, va="top", ha="left", fontsize=SMALL, linespacing=1.5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 2},
    )  # fmt: skip
    label_axes(upper, y="Observed share with the outcome", ylim=(-0.02, 1.02))
    _draw_risks(lower, risks, positive)
    legend_beside(figure)
    return figure


def _draw_groups(axis: Axes, groups: CalibrationGroups) -> None:
    x = numbers(groups["predicted"], "predicted risks of the groups", within=(0, 1))
    y, low, high = (
        numbers(groups[key], f"{key} of the groups", length=len(x), within=(0, 1))
        for key in ("observed", "low", "high")
    )
    cases = numbers(groups["cases"], "cases of the groups", length=len(x))
    ordered(low, high, "groups")
    fewest, most = int(cases.min()), int(cases.max())
    size = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    axis.vlines(x, low, high, color=INK, linewidth=1.2, zorder=4)
    axis.plot(x, y, "o", markersize=6, color=INK, zorder=4, label=f"groups of {size} cases,\n95% interval")


def _draw_risks(axis: Axes, risks: np.ndarray, positive: np.ndarray) -> None:
    edges = np.linspace(0, 1, _RISK_BINS + 1)
    for chosen, sign, colour, kind in ((positive, 1, POSITIVE, "with"), (~positive, -1, NEGATIVE, "without")):
        counts, _ = np.histogram(risks[chosen], edges)
        label = f"{kind} the outcome (n = {np.count_nonzero(chosen)})"
        axis.bar(
            edges[:-1], sign * counts, width=1 / _RISK_BINS, align="edge", color=colour, edgecolor="white", label=label
        )
    axis.axhline(0, color=INK, linewidth=0.8)
    count_axis(axis, most=4)
    axis.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    label_axes(axis, x="Predicted risk", y="Cases", xlim=(-0.02, 1.02))


def corrected_calibration_figure(
    predicted: Numbers,
    apparent: Numbers,
    corrected: Numbers,
    *,
    risks: Numbers,
    samples: int,
    mean_absolute_error: float,
    hosmer_lemeshow_p: float | None = None,
) -> Figure:
    """The apparent calibration curve, the bias-corrected one and the ideal, with a stroke above for each case's risk.

    Args:
        predicted: risks where the curves were computed, ascending.
        apparent, corrected: observed risks there; a corrected one may lie outside 0..1, where the figure ends.
        risks: predicted, of the cases.
        samples: of the bootstrap.
        mean_absolute_error: of the corrected curve, over the cases.
        hosmer_lemeshow_p: of the training cases; None: not tested.
    """
    x = numbers(predicted, "predicted risks", within=(0, 1))
    if (x[1:] < x[:-1]).any():
        raise EvaluationError("The predicted risks of a calibration curve must ascend.")
    cases = numbers(risks, "predicted risks of the cases", within=(0, 1))
    error = numbers([mean_absolute_error], "mean absolute error", within=(0, 1))[0]
    figure, axis = wide_axes(5.2)
    axis.plot([0, 1], [0, 1], **REFERENCE, label="ideal")
    axis.plot(x, numbers(apparent, "apparent risks", length=len(x)), color=MAIN, linestyle="--", label="apparent")
    label = f"bias-corrected\n({samples} bootstrap samples)"
    axis.plot(x, numbers(corrected, "corrected risks", length=len(x)), color=POSITIVE, linewidth=2, label=label)
    axis.plot(
        cases, np.full(len(cases), 1.035), "|", color=INK, alpha=0.6, markersize=9, markeredgewidth=0.6,
        label=f"cases (n = {len(cases)})",
    )  # fmt: skip
    text = f"Mean absolute error {error:.3f}"
    if hosmer_lemeshow_p is not None:
        text += f"\nHosmer-Lemeshow {p_text(numbers([hosmer_lemeshow_p], 'p', within=(0, 1))[0])}"
    axis.text(0.98, 0.04, text, transform=axis.transAxes, va="bottom", ha="right", fontsize=SMALL, linespacing=1.5)
    label_axes(axis, x="Predicted risk", y="Observed risk", xlim=(-0.02, 1.02), ylim=(-0.02, 1.06), aspect="equal")
    legend_beside(figure)
    return figure


def permutation_figure(null: Numbers, *, observed: float, p: float) -> Figure:
    """The distribution of the AUC with shuffled outcomes, and the observed AUC.

    Args:
        null: a value per permutation.
        observed: with the true outcomes.
        p: the share of permutations that reach it, as the caller counts them.
    """
    values = numbers(null, "permutations")
    numbers([observed], "observed value")
    numbers([p], "p", within=(0, 1))
    figure, axis = wide_axes(3.8)
    _draw_histogram(axis, values, f"{len(values)} permutations\nof the outcome")
    axis.axvline(values.mean(), color=NEUTRAL, linestyle="--", label=f"mean of these: {values.mean():.2f}")
    axis.axvline(observed, color=POSITIVE, linewidth=2, label=f"observed: {observed:.2f}\n{p_text(p)}")
    label_axes(axis, x="AUC", y="Permutations")
    legend_beside(figure)
    return figure


def optimism_figure(optimism: Numbers, *, apparent: float) -> Figure:
    """How much better models look on their own bootstrap sample than on all cases, and the corrected AUC.

    The corrected performance is the apparent one minus the mean optimism (Harrell 1996,
    doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4).

    Args:
        optimism: a value per bootstrap sample.
        apparent: the model's performance on the cases it was trained on.
    """
    values = numbers(optimism, "optimism")
    numbers([apparent], "apparent performance")
    mean = float(values.mean())
    figure, axis = wide_axes(3.8)
    _draw_histogram(axis, values, f"{len(values)} bootstrap samples")
    axis.axvline(0, color=INK, linewidth=0.8)
    axis.axvline(mean, color=MAIN, linewidth=2, label=f"mean optimism: {mean:.3f}")
    axis.plot([], [], " ", label=f"apparent AUC: {apparent:.3f}\ncorrected AUC: {apparent - mean:.3f}")
    label_axes(axis, x="Optimism of the AUC (bootstrap sample minus all cases)", y="Bootstrap samples")
    legend_beside(figure)
    return figure


def _draw_histogram(axis: Axes, values: np.ndarray, label: str) -> None:
    axis.hist(values, bins=_BINS, color=FAINT, edgecolor="white", linewidth=0.5, label=label)
    count_axis(axis)


def learning_curve_figure(
    cases: Numbers,
    training: tuple[Numbers, Numbers, Numbers],
    validation: tuple[Numbers, Numbers, Numbers],
) -> Figure:
    """AUC on the training cases and on unseen cases against the number of training cases.

    Args:
        cases: numbers of training cases, ascending.
        training, validation: mean, lowest and highest AUC over the repeats.
    """
    x = numbers(cases, "training cases", within=(1, np.inf))
    if (np.diff(x) <= 0).any():
        raise EvaluationError("The numbers of training cases must ascend.")
    figure, axis = wide_axes(4.2)
    means = []
    for name, values, colour, style in (
        ("training cases (apparent)", training, SERIES[1], "--s"),
        ("unseen cases", validation, SERIES[0], "-o"),
    ):
        mean, low, high = (numbers(part, f"AUC of {name}", length=len(x), within=(0, 1)) for part in values)
        ordered(low, high, name)
        axis.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.plot(x, mean, style, color=colour, markersize=5, linewidth=1.7, label=f"{name}: {mean[-1]:.2f} at the end")
        means.append(mean[-1])
    axis.axhline(0.5, **REFERENCE, label="chance")
    axis.plot([], [], " ", label=f"optimism at the end: {means[0] - means[1]:.2f}")
    axis.plot([], [], color=NEUTRAL, alpha=0.3, linewidth=8, label="bands: range over repeats")
    label_axes(axis, x="Training cases", y="AUC", ylim=(min(0.4, axis.get_ylim()[0]), 1.01))
    legend_beside(figure)
    return figure
