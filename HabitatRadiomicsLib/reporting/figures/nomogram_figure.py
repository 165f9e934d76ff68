"""The nomogram as clinicians know it: points, an axis for each factor, total points and risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.model.nomogram import PatientNomogram
from HabitatRadiomicsLib.model.nomogram_axes import NomogramScale
from HabitatRadiomicsLib.reporting.figures.checks import refused
from HabitatRadiomicsLib.reporting.figures.drawing import INK, NORMAL, POSITIVE, SMALL, WIDE, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches: where the names begin, where axes begin and end, and how much earlier beside a patient's points.
_NAMES, _LEFT, _RIGHT, _COLUMN = 0.15, 2.15, 8.25, 0.75
#: Inches: ticks and those without a label, from an axis to its labels, between rows, around all.
_TICK, _SHORT, _OFF, _BETWEEN, _MARGIN = 0.08, 0.04, 0.11, 0.14, 0.15
_HEAD = 0.05
_NAME_WIDTH = 25
#: The axes of points have four ticks without a label between two with one.
_PARTS = 5
#: Size of the letters, in points of type; distance of lines and gap between neighbours, in inches.
_SIZE, _LINE, _GAP = 8.5, 0.15, 0.07
#: Of a level's name: letters in a line, and lines.
_LEVEL_WIDTH, _LEVEL_LINES = 18, 3
#: Sides that a label may take: below the axis, above it, and below again, under those that are there already.
_BELOW, _ABOVE, _LOWER = range(3)


@dataclass(frozen=True)
class _Label:
    """A label, the middle of its text and of its tick, in inches, and its side of the axis."""

    text: str
    middle: float
    tick: float
    side: int

    @property
    def lines(self) -> int:
        """Of text."""
        return self.text.count("\n") + 1


@dataclass(frozen=True)
class _Row:
    """One axis on the page, in inches: its ticks, those without a label, and labels; where the patient stands, beyond
    which end (-1, 1; 0 none), the patient's value in words and what it is worth."""

    name: str
    ticks: np.ndarray
    short: np.ndarray
    labels: list[_Label]
    patient: float | None = None
    beyond: int = 0
    written: str = ""
    worth: str = ""

    @property
    def above(self) -> float:
        """Inches that it needs above its line."""
        lines = max((label.lines for label in self.labels if label.side == _ABOVE), default=0)
        named = 0.5 * _LINE * (self.name.count("\n") + 1 + bool(self.written))
        return max(_OFF + _LINE * lines if lines else _TICK, named)

    @property
    def below(self) -> float:
        """Inches that it needs below its line."""
        first = max((label.lines for label in self.labels if label.side not in (_ABOVE, _LOWER)), default=0)
        second = max((label.lines for label in self.labels if label.side == _LOWER), default=0)
        named = 0.5 * _LINE * (self.name.count("\n") + 1 + bool(self.written))
        return max(_OFF + _LINE * (first + second), named)


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
        outcome: what the risk is of.
        names: what to call factors, by the name of their axis, for instance with a unit; of a long one, three
            lines are shown.
        patient: effects of every factor of one patient, by axis: a red dot on each shows where this patient stands,
            and points, total and risk are written beside. Beyond the end of an axis a triangle stands there instead.
        written: the patient's values in words, by axis.

    Raises:
        EvaluationError: the patient's effects are not those of the axes, or not finite.
    """
    rows = _rows(scale, outcome, names or {}, patient, written or {})
    lines = _heights(rows)
    figure = new_figure(WIDE, lines[-1] + rows[-1].below + _MARGIN)
    figure.set_layout_engine("none")
    canvas = figure.add_axes((0, 0, 1, 1))
    canvas.set(xlim=(0, WIDE), ylim=(figure.get_figheight(), 0))  # inches, from the top
    canvas.axis("off")
    for row, line in zip(rows, lines):
        _draw(canvas, row, line)
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
        raise refused("The patient's effects in the nomogram are not finite numbers.")

    def across(values: np.ndarray | float, most: float) -> np.ndarray:
        return _LEFT + (right - _LEFT) * np.asarray(values, dtype=float) / most

    # Texts may stand out to the left of an axis as far as its name leaves room, and to the right to the page's end.
    low, high = _LEFT - 0.2, right + 0.3
    hundred, widest = np.linspace(0, 100, 11), float(scale.totals[-1])
    rows = [
        _Row(
            "Points", across(hundred, 100), across(_between(hundred), 100),
            _number_labels(across(hundred, 100), [f"{tick:g}" for tick in hundred], low, high),
        )
    ]  # fmt: skip
    for axis in scale.axes:
        places = across(scale.ticks[axis.name], 100)
        label = _number_labels if axis.numeric else _level_labels
        called = wrapped(names.get(axis.name, axis.name), width=_NAME_WIDTH, lines=3)
        texts = [text.replace("-", "−") for text in axis.labels] if axis.numeric else list(axis.labels)
        row = _Row(called, places, np.array([]), label(places, texts, low, high))
        if points is not None:
            worth = points[axis.name]
            words = wrapped(written[axis.name], width=_NAME_WIDTH, lines=1) if written.get(axis.name) else ""
            row = replace(_with_patient(row, float(across(worth, 100)), _points(worth)), written=words)
        rows.append(row)
    totals = across(scale.totals, widest)
    texts = [f"{tick:g}" for tick in scale.totals]
    total = _Row(
        "Total points", totals, across(_between(scale.totals), widest), _number_labels(totals, texts, low, high)
    )
    # A risk of less than no points cannot be read off, and would stand in the axis's name.
    readable = (scale.risk_totals >= 0) & (scale.risk_totals <= scale.totals[-1])
    places = across(scale.risk_totals[readable], widest)
    texts = [f"{risk:g}" for risk in scale.risks[readable]]
    called = wrapped(f"Risk of {outcome}" if outcome else "Risk", width=_NAME_WIDTH, lines=3)
    risk = _Row(called, places, np.array([]), _risk_labels(places, texts, low, high))
    if points is not None:
        reached = sum(points.values())
        total = _with_patient(total, float(across(reached, widest)), _points(reached))
        risk = replace(total, name=risk.name, ticks=places, short=np.array([]), labels=risk.labels)
        risk = replace(risk, worth=_percent(float(scale.probability(reached))))
    return [*rows, total, risk]


def _between(ticks: np.ndarray) -> np.ndarray:
    return np.linspace(ticks[0], ticks[-1], (len(ticks) - 1) * _PARTS + 1)


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
    """Where the lines of the rows stand, in inches from the top."""
    heights = [_MARGIN + _HEAD + rows[0].above]
    for before, row in pairwise(rows):
        heights.append(heights[-1] + before.below + _BETWEEN + row.above)
    return heights


def _draw(canvas: Axes, row: _Row, line: float) -> None:
    name = f"{row.name}\n{row.written}" if row.written else row.name
    first = line - _LINE * (name.count("\n") / 2)
    for number, text in enumerate(name.split("\n")):
        of_patient = bool(row.written) and number == name.count("\n")
        canvas.text(
            _NAMES, first + _LINE * number, text, va="center", fontsize=SMALL if of_patient else NORMAL,
            color=POSITIVE if of_patient else INK,
        )  # fmt: skip
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
    below = _LINE * max((label.lines for label in row.labels if label.side not in (_ABOVE, _LOWER)), default=0)
    for label in row.labels:
        height = line - _OFF if label.side == _ABOVE else line + _OFF + below * (label.side == _LOWER)
        canvas.text(
            label.middle, height, label.text, ha="center", va="bottom" if label.side == _ABOVE else "top",
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
    """From the patient's place on each axis up to the points that it is worth, and from the total down to the risk."""
    canvas.text(WIDE - _MARGIN, lines[0], "Patient", ha="right", va="center", fontsize=SMALL, color=POSITIVE)
    pairs = [(row, lines[0], line) for row, line in zip(rows[1:-2], lines[1:-2])]
    pairs.append((rows[-2], lines[-2], lines[-1]))
    for row, top, bottom in pairs:
        if row.patient is not None and not row.beyond:
            across = [row.patient, row.patient]
            canvas.plot(across, [top, bottom], color=POSITIVE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)


def _number_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of numbers, all below: every one, every second, third ... as many as have room.

    Args:
        places: of the ticks, in inches, in one direction.
        texts: their labels; low, high: between which texts must stay.

    Returns:
        Those that are shown. Where not even two have room, the first and the last, on either side.
    """
    for step in range(1, len(texts)):
        labels = [_placed(places[at], texts[at], _BELOW, low, high) for at in range(0, len(texts), step)]
        if _apart(labels):
            return labels
    ends = [0, len(texts) - 1] if len(texts) > 1 else [0] * len(texts[:1])
    return [_placed(places[at], texts[at], side, low, high) for at, side in zip(ends, (_BELOW, _ABOVE))]


def _risk_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of ticks at uneven distances, all below: one after the other where there is room for it."""
    labels: list[_Label] = []
    for place, text in zip(places, texts):
        label = _placed(place, text, _BELOW, low, high)
        if _apart([*labels, label]):
            labels.append(label)
    return labels


def _level_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[_Label]:
    """Labels of levels, all of them: below, above where that is taken, and below the others where that is taken too."""
    labels: list[_Label] = []
    for at in np.argsort(places, kind="stable"):
        text = wrapped(texts[at], width=_LEVEL_WIDTH, lines=_LEVEL_LINES)
        tried = [_placed(float(places[at]), text, side, low, high) for side in (_BELOW, _ABOVE, _LOWER)]
        free = [label for label in tried if _apart([*(other for other in labels if other.side == label.side), label])]
        labels.append((free or tried[-1:])[0])
    return labels


def _text_width(text: str, size: float = _SIZE) -> float:
    """Inches of the longest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    measure = TextToPath()
    widths = [
        measure.get_text_width_height_descent(line, FontProperties(size=size), False)[0] for line in text.split("\n")
    ]
    return float(max(widths)) / 72


def _placed(place: float, text: str, side: int, low: float, high: float) -> _Label:
    half = _text_width(text) / 2
    return _Label(text, float(min(max(place, low + half), high - half)), float(place), side)


def _apart(labels: Sequence[_Label]) -> bool:
    """Whether no two of one side come too near to one another."""
    halves = [_text_width(label.text) / 2 for label in labels]
    ends = sorted((label.middle - half, label.middle + half) for label, half in zip(labels, halves))
    return all(after[0] - before[1] >= _GAP for before, after in pairwise(ends))
