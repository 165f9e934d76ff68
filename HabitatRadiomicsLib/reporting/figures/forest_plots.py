"""Forest plots: AUCs of candidate scores, and odds ratios of the terms of a logistic model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.checks import Triple, estimate, numbers
from HabitatRadiomicsLib.reporting.figures.drawing import (
    INK,
    MAIN,
    POSITIVE,
    REFERENCE,
    SMALL,
    estimate_text,
    label_axes,
    name_rows,
    p_text,
    text_beside,
    wide_axes,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_Values = TypeVar("_Values")
#: Terms with a smaller p are drawn in red.
_SIGNIFICANCE = 0.05
#: Odds ratios beyond these are drawn to the border, with an arrow.
_LEAST, _MOST = 1e-3, 1e3
_TICKS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000)
_TICKS_OF_MANY = (0.001, 0.01, 0.1, 1, 10, 100, 1000)


def comparison_figure(groups: Mapping[str, Mapping[str, Triple]], *, chosen: str | None = None) -> Figure:
    """The AUC of each candidate with its interval, under the headings of the groups.

    Args:
        groups: (AUC, low, high) by candidate, by group ("one sequence, one region", "fused", "volume alone", ...), in
            the order in which they are drawn, from the top.
        chosen: the candidate of the final model, drawn as a red diamond.

    Raises:
        EvaluationError: the chosen candidate is unknown or ambiguous, or values make no sense.
    """
    candidates = [name for group in groups.values() for name in group]
    if not candidates:
        raise EvaluationError("There is no candidate to compare.")
    if chosen is not None and candidates.count(chosen) != 1:
        raise EvaluationError(f"The chosen '{chosen}' is {candidates.count(chosen)} of the candidates, not one.")
    rows = _rows(groups)
    figure, axis = wide_axes(0.9 + 0.31 * len(rows))
    lowest = 0.5
    for row, (name, values) in enumerate(rows):
        if values is None:
            continue
        auc, low, high = estimate(values, f"AUC of {name}", within=(0, 1))
        best = name == chosen
        colour = POSITIVE if best else MAIN
        axis.plot([low, high], [row, row], "-|", color=colour, linewidth=1.5, markersize=7)
        axis.plot([auc], [row], "D" if best else "s", color=colour, markersize=7 if best else 5)
        text_beside(axis, row, estimate_text((auc, low, high)), fontweight="bold" if best else "normal")
        lowest = min(lowest, low, auc)
    axis.axvline(0.5, **REFERENCE, zorder=0)
    label_axes(axis, x="AUC with 95% interval (dotted: chance)", xlim=(lowest - 0.03, 1.01))
    _name_rows(axis, rows, [wrapped(name, width=46, lines=1) for name, _ in rows], color=INK)
    return figure


def _rows(groups: Mapping[str, Mapping[str, _Values]]) -> list[tuple[str, _Values | None]]:
    """From the top: the heading of each group that is not empty, which has no values, and its members."""
    return [row for group, members in groups.items() if members for row in ((group, None), *members.items())]


def _name_rows(axis: Axes, rows: Sequence[tuple[str, object]], texts: Sequence[str], **heading: Any) -> None:
    """Names left of the rows, those of groups in bold."""
    name_rows(axis, texts, size=SMALL)
    for label, (_, values) in zip(axis.get_yticklabels(), rows):
        if values is None:
            label.set(fontweight="bold", **heading)
    axis.spines["left"].set_visible(False)


def odds_ratio_figure(groups: Mapping[str, Mapping[str, tuple[Triple, float]]]) -> Figure:
    """The odds ratio of each term with its interval on a logarithmic axis, under the headings of the groups.

    Args:
        groups: ((odds ratio, low, high), p) by term, by model ("all factors that entered", "final model"), in the
            order in which they are drawn, from the top.
    """
    rows = _rows(groups)
    if not rows:
        raise EvaluationError("There is no term whose odds ratio could be drawn.")
    figure, axis = wide_axes(1.0 + 0.31 * len(rows))
    ends = [1.0]
    for row, (term, values) in enumerate(rows):
        if values is None:
            continue
        triple = estimate(values[0], f"odds ratio of {term}")
        if min(triple) <= 0:
            raise EvaluationError("An odds ratio is not above 0.", where=term)
        _draw_term(axis, row, triple, float(numbers([values[1]], f"p of {term}", within=(0, 1))[0]))
        ends += triple
    axis.axvline(1, **REFERENCE, zorder=0)
    low, high = max(min(ends), _LEAST) / 1.2, min(max(ends), _MOST) * 1.2
    label_axes(axis, x="Odds ratio with 95% interval (dotted: no effect)", xscale="log", xlim=(low, high))
    ticks = [tick for tick in (_TICKS if high / low < 500 else _TICKS_OF_MANY) if low <= tick <= high]
    axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axis.set_xticks([], minor=True)
    _name_rows(axis, rows, [wrapped(name, lines=1 if values is None else 2) for name, values in rows])
    return figure


def _draw_term(axis: Axes, row: int, values: Triple, p: float) -> None:
    colour = POSITIVE if p < _SIGNIFICANCE else MAIN
    value, low, high = np.clip(values, _LEAST, _MOST)
    axis.plot([low, high], [row, row], color=colour, linewidth=1.5)
    for end, given, arrow in ((low, values[1], "<"), (high, values[2], ">")):
        axis.plot([end], [row], "|" if end == given else arrow, color=colour, markersize=7)
    axis.plot([value], [row], "s", color=colour, markersize=5)
    text_beside(axis, row, f"{_ratio(values[0])} ({_ratio(values[1])} to {_ratio(values[2])}), {p_text(p)}")


def _ratio(value: float) -> str:
    """About three digits."""
    if value >= 1000 or value < 0.001:
        return f"{value:.1e}"
    if value < 0.1:
        return f"{value:.3g}"
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}"
