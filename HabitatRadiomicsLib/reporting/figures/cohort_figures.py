"""A cohort: the flow of its cases, their scores, and their habitats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK
from HabitatRadiomicsLib.reporting.figures.checks import Numbers, matrix, numbers, two_classes
from HabitatRadiomicsLib.reporting.figures.drawing import (
    INK,
    MAIN,
    NEGATIVE,
    NEUTRAL,
    NORMAL,
    POSITIVE,
    SMALL,
    WIDE,
    label_axes,
    legend_above,
    p_text,
    wide_axes,
    wide_figure,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches of a study flow: a line of text, padding of a box, gap between boxes, width of a box, middle of the left ones.
_LINE, _PADDING, _GAP, _BOX, _LEFT = 0.2, 0.14, 0.42, 3.0, 2.4


def study_flow_figure(
    in_table: int, excluded: Mapping[str, int], *, events: int, non_events: int, event: str = "outcome"
) -> Figure:
    """Boxes as CONSORT draws them: cases in the table, excluded with reasons, analysed, with the outcome and without.

    Args:
        in_table: cases at the start.
        excluded: number of cases by reason; each case has one.
        events, non_events: analysed cases with the outcome and without it.
        event: what the outcome is, in a few words.

    Raises:
        EvaluationError: negative numbers, or numbers that do not add up.
    """
    lost = sum(excluded.values())
    if min(in_table, events, non_events, *excluded.values()) < 0 or in_table - lost != events + non_events:
        raise EvaluationError(
            f"{in_table} cases in the table, {lost} excluded, {events} with the outcome and {non_events} without: "
            "these numbers do not add up."
        )
    reasons = [f"– {_indented(reason)} (n = {count})" for reason, count in excluded.items()]
    reason_text = "\n".join([f"Excluded (n = {lost})", *reasons]) if excluded else ""
    one_line, reason_height = _height("x\nx"), _height(reason_text) if excluded else 0.0
    branch = max(_GAP, reason_height + 0.3)
    figure = wide_figure(3 * one_line + branch + _GAP + 0.6 + 0.3)
    figure.set_layout_engine("none")
    # Data coordinates are inches from the lower left corner.
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDE), ylim=(0, figure.get_figheight()))
    axis.set_axis_off()
    top = figure.get_figheight() - 0.15 - one_line / 2
    analysed = top - one_line - branch
    _box(axis, _LEFT, top, f"Cases in the table\nn = {in_table}")
    _box(axis, _LEFT, analysed, f"Analysed\nn = {events + non_events}")
    _arrow(axis, (_LEFT, top - one_line / 2), (_LEFT, analysed + one_line / 2))
    if excluded:
        middle = (top + analysed) / 2
        left = _LEFT + _BOX / 2 + 0.5
        width = WIDE - left - 0.15
        _box(axis, left + width / 2, middle, reason_text, width=width, align="left")
        _arrow(axis, (_LEFT, middle), (left, middle))
    bottom = analysed - one_line - _GAP - 0.3
    fork = (analysed - one_line / 2 + bottom + one_line / 2) / 2
    axis.plot([_LEFT, _LEFT], [analysed - one_line / 2, fork], color=INK, linewidth=1.2)
    for centre, text, colour in (
        (_LEFT, f"With {wrapped(event, width=26, lines=1)}\nn = {events}", POSITIVE),
        (_LEFT + _BOX + 0.4, f"Without {wrapped(event, width=26, lines=1)}\nn = {non_events}", NEGATIVE),
    ):
        axis.plot([_LEFT, centre], [fork, fork], color=INK, linewidth=1.2)
        _arrow(axis, (centre, fork), (centre, bottom + one_line / 2))
        _box(axis, centre, bottom, text, colour=colour)
    return figure


def _indented(reason: str) -> str:
    return wrapped(reason, width=36, lines=3).replace("\n", "\n   ")


def _height(text: str) -> float:
    return _LINE * (text.count("\n") + 1) + 2 * _PADDING


def _box(
    axis: Axes, x: float, y: float, text: str, *, width: float = _BOX, align: str = "center", colour: str = INK
) -> None:
    from matplotlib.patches import Rectangle

    height = _height(text)
    corner = (x - width / 2, y - height / 2)
    axis.add_patch(Rectangle(corner, width, height, facecolor="white", edgecolor=colour, linewidth=1.4, zorder=2))
    at = x if align == "center" else corner[0] + _PADDING
    axis.text(at, y, text, ha=align, va="center", fontsize=NORMAL, linespacing=1.25, zorder=3)


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip


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


class HabitatValues(TypedDict):
    """Means per case and habitat, shape (cases, habitats), S1 first; p of each habitat against the next."""

    entropy: np.ndarray
    intensity: np.ndarray
    entropy_p: Numbers
    intensity_p: Numbers


def habitat_boxplots(sequences: Mapping[str, HabitatValues]) -> Figure:
    """Boxes per habitat with a line per case, entropy left and intensity right, a row per sequence.

    Boxes hold the quartiles, whiskers reach to the farthest case within 1.5 box lengths, and every case is a point.

    Args:
        sequences: by name; intensities of the prepared images, p values of the Wilcoxon signed-rank test.
    """
    if not sequences:
        raise EvaluationError("There is no sequence with habitats.")
    figure = wide_figure(0.6 + 3.3 * len(sequences))
    rows = figure.subplots(len(sequences), 2, squeeze=False)
    for axes, (name, given) in zip(rows, sequences.items()):
        entropy = matrix(given["entropy"], f"entropy, {name}", within=(0, np.inf))
        cases, habitats = entropy.shape
        if habitats < 2:
            raise EvaluationError("There is only one habitat: nothing to compare.", where=name)
        intensity = matrix(given["intensity"], f"intensity, {name}", rows=cases, columns=habitats)
        title = f"{wrapped(name, width=24, lines=1)} (n = {cases} cases)"
        for axis, values, p, label in (
            (axes[0], entropy, given["entropy_p"], "Mean local entropy (bits)"),
            (axes[1], intensity, given["intensity_p"], "Mean intensity (prepared image)"),
        ):
            _draw_boxes(axis, values)
            _draw_tests(axis, values, numbers(p, f"p, {name}", length=habitats - 1, within=(0, 1)))
            label_axes(axis, y=label, title=title, xlim=(-0.6, habitats - 0.4))
            axis.set_xticks(range(habitats), [f"S{number + 1}" for number in range(habitats)], fontsize=SMALL)
    figure.supxlabel("Habitat; p: Wilcoxon signed-rank test", fontsize=NORMAL)
    return figure


def _draw_boxes(axis: Axes, values: np.ndarray) -> None:
    places = np.arange(values.shape[1])
    axis.plot(places, values.T, color=NEUTRAL, linewidth=0.6, alpha=0.45, zorder=2)
    drawn = axis.boxplot(
        values, positions=places, widths=0.5, showfliers=False, patch_artist=True, manage_ticks=False,
        medianprops={"color": INK, "linewidth": 2}, zorder=1,
    )  # fmt: skip
    for place, box in zip(places, drawn["boxes"]):
        box.set(facecolor=habitat_colour(int(place)), alpha=0.45, edgecolor=INK)
        axis.plot(
            np.full(len(values), place), values[:, place], "o", markersize=3.5, color=habitat_colour(int(place)),
            markeredgecolor=INK, markeredgewidth=0.4, zorder=3,
        )  # fmt: skip


def _draw_tests(axis: Axes, values: np.ndarray, p_values: np.ndarray) -> None:
    """A bracket per pair of neighbours, side by side above the highest case."""
    low, high = values.min(), values.max()
    step = 0.05 * ((high - low) or 1.0)
    size = SMALL if len(p_values) < 4 else 6.5
    for left, p in enumerate(p_values):
        ends = (left + 0.06, left + 0.94)
        axis.plot((ends[0], *ends, ends[1]), high + step * np.array([1, 1.6, 1.6, 1]), color=INK, linewidth=1)
        axis.text(left + 0.5, high + 1.9 * step, p_text(float(p)), ha="center", va="bottom", fontsize=size)
    axis.set_ylim(low - 1.5 * step, high + 4.5 * step)


def habitat_count_figure(choices: Mapping[str, ChoiceOfK]) -> Figure:
    """Calinski-Harabasz index and mean silhouette over K, a row per sequence; rejected K crossed, the chosen ringed.

    Raises:
        EvaluationError: there is no sequence, or the chosen K was not tried, or was rejected.
    """
    if not choices:
        raise EvaluationError("There is no sequence whose habitats were counted.")
    figure = wide_figure(0.7 + 2.5 * len(choices))
    rows = figure.subplots(len(choices), 2, squeeze=False)
    for axes, (name, choice) in zip(rows, choices.items()):
        k = np.array([row.k for row in choice.candidates], dtype=float)
        chosen, rejected = k == choice.chosen, np.array([bool(row.rejected) for row in choice.candidates])
        if not (chosen & ~rejected).any():
            problem = f"K = {choice.chosen} is chosen, but only {k[~rejected].astype(int).tolist()} were tried and not "
            raise EvaluationError(f"{problem}rejected.", where=name)
        title = wrapped(name, width=30, lines=1)
        ratios = np.array([row.calinski_harabasz for row in choice.candidates])
        silhouettes = np.array([row.silhouette for row in choice.candidates])
        for axis, index, label in (
            (axes[0], ratios, "Calinski-Harabasz index"),
            (axes[1], silhouettes, "Mean silhouette (−1 to 1)"),
        ):
            _draw_index(axis, k, index, chosen, rejected)
            label_axes(axis, x="Number of habitats K", y=label, title=title, xticks=k)
    marks = {label: mark for axis in rows.ravel() for mark, label in zip(*axis.get_legend_handles_labels())}
    figure.legend(list(marks.values()), list(marks), loc="outside lower center", ncols=3, fontsize=SMALL, frameon=False)
    return figure


def _draw_index(axis: Axes, k: np.ndarray, index: np.ndarray, chosen: np.ndarray, rejected: np.ndarray) -> None:
    axis.plot(k, index, "-o", color=MAIN, markersize=5, linewidth=1.4, label="tried")
    if rejected.any():
        axis.plot(
            k[rejected], index[rejected], "x", color=POSITIVE, markersize=10, markeredgewidth=2.2,
            label="rejected: a habitat is nearly empty in too many patients",
        )  # fmt: skip
    axis.plot(
        k[chosen], index[chosen], "o", color="none", markeredgecolor=INK, markersize=14, markeredgewidth=1.8,
        label="chosen",
    )  # fmt: skip
    axis.margins(0.12)
