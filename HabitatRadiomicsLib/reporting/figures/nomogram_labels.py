"""Labels along an axis that do not overlap: which are shown, and on which side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from HabitatRadiomicsLib.reporting.figures.labels import wrapped

#: Size of the letters, in points of type; distance of lines and gap between neighbours, in inches.
SIZE, LINE, _GAP = 8.5, 0.15, 0.07
#: Of a level's name: letters in a line, and lines.
_WIDTH, _LINES = 18, 3
#: Sides that a label may take: below the axis, above it, and below again, under those that are there already.
BELOW, ABOVE, LOWER = range(3)


@dataclass(frozen=True)
class PlacedLabel:
    """A label, the middle of its text and of its tick, in inches, and its side of the axis."""

    text: str
    middle: float
    tick: float
    side: int

    @property
    def lines(self) -> int:
        """Of text."""
        return self.text.count("\n") + 1


def number_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[PlacedLabel]:
    """Labels of numbers, all below: every one, every second, third ... as many as have room.

    Args:
        places: of the ticks, in inches, in one direction.
        texts: their labels; low, high: between which texts must stay.

    Returns:
        Those that are shown. Where not even two have room, the first and the last, on either side.
    """
    for step in range(1, len(texts)):
        labels = [_placed(places[at], texts[at], BELOW, low, high) for at in range(0, len(texts), step)]
        if _apart(labels):
            return labels
    ends = [0, len(texts) - 1] if len(texts) > 1 else [0] * len(texts[:1])
    return [_placed(places[at], texts[at], side, low, high) for at, side in zip(ends, (BELOW, ABOVE))]


def risk_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[PlacedLabel]:
    """Labels of ticks at uneven distances, all below: one after the other where there is room for it."""
    labels: list[PlacedLabel] = []
    for place, text in zip(places, texts):
        label = _placed(place, text, BELOW, low, high)
        if _apart([*labels, label]):
            labels.append(label)
    return labels


def level_labels(places: np.ndarray, texts: Sequence[str], low: float, high: float) -> list[PlacedLabel]:
    """Labels of levels, all of them: below, above where that is taken, and below the others where that is taken too."""
    labels: list[PlacedLabel] = []
    for at in np.argsort(places, kind="stable"):
        text = wrapped(texts[at], width=_WIDTH, lines=_LINES)
        tried = [_placed(float(places[at]), text, side, low, high) for side in (BELOW, ABOVE, LOWER)]
        free = [label for label in tried if _apart([*(other for other in labels if other.side == label.side), label])]
        labels.append((free or tried[-1:])[0])
    return labels


def text_width(text: str, size: float = SIZE) -> float:
    """Inches of the longest line."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    measure = TextToPath()
    widths = [
        measure.get_text_width_height_descent(line, FontProperties(size=size), False)[0] for line in text.split("\n")
    ]
    return float(max(widths)) / 72


def _placed(place: float, text: str, side: int, low: float, high: float) -> PlacedLabel:
    half = text_width(text) / 2
    return PlacedLabel(text, float(min(max(place, low + half), high - half)), float(place), side)


def _apart(labels: Sequence[PlacedLabel]) -> bool:
    """Whether no two of one side come too near to one another."""
    halves = [text_width(label.text) / 2 for label in labels]
    ends = sorted((label.middle - half, label.middle + half) for label, half in zip(labels, halves))
    return all(after[0] - before[1] >= _GAP for before, after in pairwise(ends))
