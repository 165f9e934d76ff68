"""The nomogram as clinicians know it: points, an axis for each factor, total points and risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.model.nomogram import PatientNomogram
from HabitatRadiomicsLib.model.nomogram_axes import NomogramScale
from HabitatRadiomicsLib.reporting.figures.drawing import INK, NORMAL, POSITIVE, SMALL, WIDE, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches from the left: names; the axes' left and right ends; how much earlier axes end beside a patient's points.
_NAMES, _LEFT, _RIGHT, _COLUMN = 0.15, 2.15, 8.25, 0.75
#: Inches: ticks with and without a label, from an axis to its labels, between rows, margin, room above the first row.
_TICK, _SHORT, _OFF, _BETWEEN, _MARGIN, _HEAD = 0.08, 0.04, 0.11, 0.14, 0.15, 0.05
#: Letters in a line of a name, and in a line of a level's name.
_NAME_WIDTH, _LEVEL_WIDTH = 25, 18
#: The axes of points have four ticks without a label between two with one.
_PARTS = 5
#: Type size of labels in points; distance of their lines and gap between neighbours, in inches.
_SIZE, _LINE, _GAP = 8.5, 0.15, 0.07
#: Where a label may stand: below the axis, above it, or under the labels that are below the axis.
_BELOW, _ABOVE, _LOWER = range(3)


@dataclass(frozen=True)
class _Label:
    """A label: the middle of its text and of its tick, in inches from the left, and its side of the axis."""

    text: str
    middle: float
    tick: float
    side: int


@dataclass(frozen=True)
class _Row:
    """One axis; all places are in inches from the left.

    Attributes:
        ticks, short: places of ticks with and without a label.
        patient: the patient's place, clipped to the axis; ``beyond``: past which end it lies (-1, 1), or 0.
        written, worth: the patient's value, and the points or risk that it gives, as texts.
    """

    name: str
    ticks: np.ndarray
    labels: list[_Label]
    short: Sequence[float] | np.ndarray = ()
    patient: float | None = None
    beyond: int = 0
    written: str = ""
    worth: str = ""

    @property
    def name_lines(self) -> list[str]:
        """The name and, below it, the patient's value."""
        return [*self.name.split("\n"), self.written] if self.written else self.name.split("\n")

    def lines(self, side: int) -> int:
        """Lines of text on one side."""
        return max((label.text.count("\n") + 1 for label in self.labels if label.side == side), default=0)

    @property
    def above(self) -> float:
        """Inches needed above the axis."""
        lines = self.lines(_ABOVE)
        return max(_OFF + _LINE * lines if lines else _TICK, 0.5 * _LINE * len(self.name_lines))

    @property
    def below(self) -> float:
        """Inches needed below the axis."""
        return max(_OFF + _LINE * (self.lines(_BELOW) + self.lines(_LOWER)), 0.5 * _LINE * len(self.name_lines))


def nomogram_figure(
    scale: NomogramScale,
    *,
    outcome: str = "",
    names: Mapping[str, str] | None = None,
    patient: Mapping[str, float] | None = None,
    written: Mapping[str, str] | None = None,
) -> Figure:
    """Axes from the top: points, one for each factor, total points, risk.

    Args:
        scale: what each tick is worth.
        outcome: to which the risk refers.
        names: display names of factors, with units for instance, by the name of their axis; at most three lines of a
            name are shown.
        patient: effects of every factor of one patient, by axis. A red dot on each axis shows the patient's place, or a
            triangle at the end of the axis if the place lies beyond it; points, total and risk stand on the right.
        written: the patient's values in words, by axis.

    Raises:
        EvaluationError: the patient's effects are not those of the axes, or are not finite.
    """
    rows = _rows(scale, outcome, names or {}, patient, written or {})
    lines = _heights(rows)
    figure = new_figure(WIDE, lines[-1] + rows[-1].below + _MARGIN)
    figure.set_layout_engine("none")
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set(xlim=(0, WIDE), ylim=(figure.get_figheight(), 0))  # inches, from the top
    canvas.axis("off")
    for row, line in zip(rows, lines):
        _draw_row(canvas, row, line)
    if patient is not None:
        _connect(canvas, rows, lines)
    return figure


def patient_nomogram_figure(nomogram: PatientNomogram) -> Figure:
    """The nomogram with one patient's place on every axis."""
    return nomogram_figure(
        nomogram.part.scale(), outcome=nomogram.outcome, names=nomogram.names, patient=nomogram.effects,
        written=nomogram.written,
    )  # fmt: skip


def _rows(
    scale: NomogramScale,
    outcome: str,
    names: Mapping[str, str],
    patient: Mapping[str, float] | None,
    written: Mapping[str, str],
) -> list[_Row]:
    right = _RIGHT - (0.0 if patient is None else _COLUMN)
    points = None if patient is None else scale.points(patient)
    if points is not None and not np.isfinite(list(points.values())).all():
        raise EvaluationError("The patient's effects in the nomogram are not finite numbers.")

    def across(values: np.ndarray | float, most: float) -> np.ndarray:
        return _LEFT + (right - _LEFT) * np.asarray(values, dtype=float) / most

    # Texts may reach beyond an axis: on the left as far as its name leaves room, on the right to the page's end.
    low, high = _LEFT - 0.2, right + 0.3
    hundred, widest = np.linspace(0, 100, 11), float(scale.totals[-1])

    def points_row(name: str, ticks: np.ndarray, most: float) -> _Row:
        places = across(ticks, most)
        labels = _number_labels(places, [f"{tick:g}" for tick in ticks], low, high)
        between = np.linspace(ticks[0], ticks[-1], (len(ticks) - 1) * _PARTS + 1)
        return _Row(name, places, labels, across(between, most))

    rows = [points_row("Points", hundred, 100)]
    for axis in scale.axes:
        places = across(scale.ticks[axis.name], 100)
        if axis.numeric:
            labels = _number_labels(places, [text.replace("-", "−") for text in axis.labels], low, high)
        else:
            labels = _level_labels(places, axis.labels, low, high)
        row = _Row(wrapped(names.get(axis.name, axis.name), width=_NAME_WIDTH, lines=3), places, labels)
        if points is not None:
            worth = points[axis.name]
            value = wrapped(written[axis.name], width=_NAME_WIDTH, lines=1) if written.get(axis.name) else ""
            row = replace(_with_patient(row, float(across(worth, 100)), _points(worth)), written=value)
        rows.append(row)
    total = points_row("Total points", scale.totals, widest)
    # A risk that takes fewer than 0 points cannot be read off, and would stand in the name of the axis.
    readable = (scale.risk_totals >= 0) & (scale.risk_totals <= widest)
    places = across(scale.risk_totals[readable], widest)
    name = wrapped(f"Risk of {outcome}" if outcome else "Risk", width=_NAME_WIDTH, lines=3)
    risk = _Row(name, places, _risk_labels(places, [f"{risk:g}" for risk in scale.risks[readable]], low, high))
    if points is not None:
        reached = sum(points.values())
        total = _with_patient(total, float(across(reached, widest)), _points(reached))
        worth_text = _percent(float(scale.probability(reached)))
        risk = replace(risk, patient=total.patient, beyond=total.beyond, worth=worth_text)
    return [*rows, total, risk]


def _with_patient(row: _Row, position: float, worth: str) -> _Row:
    low, high = float(row.ticks.min()), float(row.ticks.max())
    beyond = int(position > high + 1e-9) - int(position < low - 1e-9)
    return replace(row, patient=min(max(position, low), high), beyond=beyond, worth=worth)


def _points(points: float) -> str:
    return f"{round(points)}".replace("-", "−")


def _percent(risk: float) -> str:
    if risk < 0.001 or risk > 0.999:
        return "< 0.1%" if risk < 0.5 else "> 99.9%"
    return f"{risk:.1%}"


def _heights(rows: list[_Row]) -> list[float]:
    """The heights of the axes, in inches from the top."""
    heights = [_MARGIN + _HEAD + rows[0].above]
    for before, row in pairwise(rows):
        heights.append(heights[-1] + before.below + _BETWEEN + row.above)
    return heights


def _draw_row(canvas: Axes, row: _Row, line: float) -> None:
    first = line - _LINE * (len(row.name_lines) - 1) / 2
    for number, text in enumerate(row.name_lines):
        of_patient = bool(row.written) and number == len(row.name_lines) - 1
        size, colour = (SMALL, POSITIVE) if of_patient else (NORMAL, INK)
        canvas.text(_NAMES, first + _LINE * number, text, va="center", fontsize=size, color=colour)
    reach = [*row.ticks] if row.patient is None else [*row.ticks, row.patient]
    if reach:
        canvas.plot([min(reach), max(reach)], [line, line], color=INK, linewidth=1)
    labelled = {round(label.tick, 6): label.side for label in row.labels}
    for tick in row.ticks:
        side = labelled.get(round(float(tick), 6))
        down = _SHORT if side is None else -_TICK if side == _ABOVE else _TICK
        canvas.plot([tick, tick], [line, line + down], color=INK, linewidth=0.8)
    for tick in row.short:
        canvas.plot([tick, tick], [line, line + _SHORT], color=INK, linewidth=0.5)
    heights = {_ABOVE: line - _OFF, _BELOW: line + _OFF, _LOWER: line + _OFF + _LINE * row.lines(_BELOW)}
    for label in row.labels:
        canvas.text(
            label.middle, heights[label.side], label.text, ha="center", va="bottom" if label.side == _ABOVE else "top",
            fontsize=_SIZE, color=INK, linespacing=1.1, zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip
    if row.patient is not None:
        marker = {-1: "<", 0: "o", 1: ">"}[row.beyond]
        canvas.plot([row.patient], [line], marker, color=POSITIVE, markersize=6, zorder=5)
        canvas.text(
            WIDE - _MARGIN, line, row.worth, ha="right", va="center", fontsize=NORMAL, color=POSITIVE,
            fontweight="bold" if row.worth.endswith("%") else "normal",
        )  # fmt: skip


def _connect(canvas: Axes, rows: list[_Row], lines: list[float]) -> None:
    """Lines from the patient's place on each axis up to its points, and from the total points down to the risk."""
    canvas.text(WIDE - _MARGIN, lines[0], "Patient", ha="right", va="center", fontsize=SMALL, color=POSITIVE)
    pairs = [(row, lines[0], line) for row, line in zip(rows[1:-2], lines[1:-2])]
    pairs.append((rows[-2], lines[-2], lines[-1]))
    for row, top, bottom in pairs:
        if row.patient is not None and not row.beyond:
            across = [row.patient, row.patient]
            canvas.plot(across, [top, bottom], color=POSITIVE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)


def _number_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of numbers, all below the axis: every one, every second, third ..., as many as have room.

    If not even two have room, the first stands below the axis and the last above it. Texts stay between low and high.
    """
    for step in range(1, len(texts)):
        labels = [_placed(places[at], texts[at], _BELOW, low, high) for at in range(0, len(texts), step)]
        if _apart(labels):
            return labels
    ends = [0, len(texts) - 1] if len(texts) > 1 else [0] * len(texts[:1])
    return [_placed(places[at], texts[at], side, low, high) for at, side in zip(ends, (_BELOW, _ABOVE))]


def _risk_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of ticks at uneven distances, all below the axis: from the first on, each that has room."""
    labels: list[_Label] = []
    for place, text in zip(places, texts):
        label = _placed(place, text, _BELOW, low, high)
        if _apart([*labels, label]):
            labels.append(label)
    return labels


def _level_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of all levels: below the axis, above it if the place is taken, else under the labels that are below."""
    labels: list[_Label] = []
    for at in np.argsort(places, kind="stable"):
        text = wrapped(texts[at], width=_LEVEL_WIDTH, lines=3)
        tried = [_placed(float(places[at]), text, side, low, high) for side in (_BELOW, _ABOVE, _LOWER)]
        free = [label for label in tried if _apart([*(other for other in labels if other.side == label.side), label])]
        labels.append((free or tried[-1:])[0])
    return labels


def _text_width(text: str) -> float:
    """Inches of the longest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    measure = TextToPath()
    widths = [
        measure.get_text_width_height_descent(line, FontProperties(size=_SIZE), False)[0] for line in text.split("\n")
    ]
    return float(max(widths)) / 72


def _placed(place: float, text: str, side: int, low: float, high: float) -> _Label:
    half = _text_width(text) / 2
    return _Label(text, float(min(max(place, low + half), high - half)), float(place), side)


def _apart(labels: Sequence[_Label]) -> bool:
    """Whether no two labels come too close."""
    halves = [_text_width(label.text) / 2 for label in labels]
    ends = sorted((label.middle - half, label.middle + half) for label, half in zip(labels, halves))
    return all(after[0] - before[1] >= _GAP for before, after in pairwise(ends))
