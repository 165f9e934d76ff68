"""The nomogram as clinicians know it: points, an axis for each factor, total points and risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import refused
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.nomogram_labels import (
    ABOVE,
    LINE,
    LOWER,
    SIZE,
    PlacedLabel,
    level_labels,
    number_labels,
    risk_labels,
)
from HabitatRadiomicsLib.reporting.figures.palette import INK, POSITIVE
from HabitatRadiomicsLib.reporting.figures.style import NORMAL, SMALL, WIDE
from HabitatRadiomicsLib.reporting.figures.writing import new_figure
from HabitatRadiomicsLib.statistics.nomogram_points import NomogramScale

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


@dataclass(frozen=True)
class _Row:
    """One axis on the page, in inches: its ticks, those without a label, and labels; where the patient stands, beyond
    which end (-1, 1; 0 none), the patient's value in words and what it is worth."""

    name: str
    ticks: np.ndarray
    short: np.ndarray
    labels: list[PlacedLabel]
    patient: float | None = None
    beyond: int = 0
    written: str = ""
    worth: str = ""

    @property
    def above(self) -> float:
        """Inches that it needs above its line."""
        lines = max((label.lines for label in self.labels if label.side == ABOVE), default=0)
        named = 0.5 * LINE * (self.name.count("\n") + 1 + bool(self.written))
        return max(_OFF + LINE * lines if lines else _TICK, named)

    @property
    def below(self) -> float:
        """Inches that it needs below its line."""
        first = max((label.lines for label in self.labels if label.side not in (ABOVE, LOWER)), default=0)
        second = max((label.lines for label in self.labels if label.side == LOWER), default=0)
        named = 0.5 * LINE * (self.name.count("\n") + 1 + bool(self.written))
        return max(_OFF + LINE * (first + second), named)


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
            number_labels(across(hundred, 100), [f"{tick:g}" for tick in hundred], low, high),
        )
    ]  # fmt: skip
    for axis in scale.axes:
        places = across(axis.points, 100)
        label = number_labels if axis.numeric else level_labels
        called = wrapped(names.get(axis.name, axis.name), width=_NAME_WIDTH, lines=3)
        texts = [text.replace("-", "−") for text in axis.labels] if axis.numeric else list(axis.labels)
        row = _Row(called, places, np.array([]), label(places, texts, low, high))
        if points is not None:
            own = points[axis.name]
            words = wrapped(written[axis.name], width=_NAME_WIDTH, lines=1) if written.get(axis.name) else ""
            row = replace(_with_patient(row, float(across(own, 100)), _points(own)), written=words)
        rows.append(row)
    totals = across(scale.totals, widest)
    texts = [f"{tick:g}" for tick in scale.totals]
    total = _Row(
        "Total points", totals, across(_between(scale.totals), widest), number_labels(totals, texts, low, high)
    )
    # A risk of less than no points cannot be read off, and would stand in the axis's name.
    readable = (scale.risk_totals >= 0) & (scale.risk_totals <= scale.totals[-1])
    places = across(scale.risk_totals[readable], widest)
    texts = [f"{risk:g}" for risk in scale.risks[readable]]
    called = wrapped(f"Risk of {outcome}" if outcome else "Risk", width=_NAME_WIDTH, lines=3)
    risk = _Row(called, places, np.array([]), risk_labels(places, texts, low, high))
    if points is not None:
        own = sum(points.values())
        total = _with_patient(total, float(across(own, widest)), _points(own))
        risk = replace(total, name=risk.name, ticks=places, short=np.array([]), labels=risk.labels)
        risk = replace(risk, worth=_percent(float(scale.probability(own))))
    return [*rows, total, risk]


def _between(ticks: np.ndarray) -> np.ndarray:
    return np.linspace(ticks[0], ticks[-1], (len(ticks) - 1) * _PARTS + 1)


def _with_patient(row: _Row, place: float, worth: str) -> _Row:
    low, high = float(row.ticks.min()), float(row.ticks.max())
    beyond = int(place > high + 1e-9) - int(place < low - 1e-9)
    return replace(row, patient=min(max(place, low), high), beyond=beyond, worth=worth)


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
    first = line - LINE * (name.count("\n") / 2)
    for number, text in enumerate(name.split("\n")):
        own = bool(row.written) and number == name.count("\n")
        canvas.text(
            _NAMES, first + LINE * number, text, va="center", fontsize=SMALL if own else NORMAL,
            color=POSITIVE if own else INK,
        )  # fmt: skip
    reach = [*row.ticks] if row.patient is None else [*row.ticks, row.patient]
    if reach:
        canvas.plot([min(reach), max(reach)], [line, line], color=INK, linewidth=1)
    labelled = {round(label.tick, 6): label.side for label in row.labels}
    for tick in row.ticks:
        side = labelled.get(round(float(tick), 6))
        down = _SHORT if side is None else -_TICK if side == ABOVE else _TICK
        canvas.plot([tick, tick], [line, line + down], color=INK, linewidth=0.8)
    for tick in row.short:
        canvas.plot([tick, tick], [line, line + _SHORT], color=INK, linewidth=0.5)
    below = LINE * max((label.lines for label in row.labels if label.side not in (ABOVE, LOWER)), default=0)
    for label in row.labels:
        place = line - _OFF if label.side == ABOVE else line + _OFF + below * (label.side == LOWER)
        canvas.text(
            label.middle, place, label.text, ha="center", va="bottom" if label.side == ABOVE else "top",
            fontsize=SIZE, color=INK, linespacing=1.1, zorder=4,
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
            place = row.patient
            canvas.plot([place, place], [top, bottom], color=POSITIVE, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
