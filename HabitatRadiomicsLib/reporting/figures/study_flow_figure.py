"""The study flow: from the cases in the table to those analysed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.drawing import INK, NEGATIVE, NORMAL, POSITIVE, WIDE, wide_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches.
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
