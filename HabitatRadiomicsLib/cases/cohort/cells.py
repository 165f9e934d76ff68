"""Interprets cells of the clinical table as numbers, levels or missing values, with the same rules for every reader
of covariates."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Cells that mean a missing value, in lower case.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "?", "-", "."})


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or one of ``NA, N/A, NaN, null, ?, -, .``, in whatever case."""
    return cell.strip().lower() in _MISSING


def number_in(cell: str) -> float | None:
    """A finite number, with a decimal point or a decimal comma; None if the cell is not a number."""
    try:
        value = float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    except ValueError:
        return None
    # Python reads 1_000 as a thousand, which a table does not mean.
    return value if math.isfinite(value) and "_" not in cell else None


def level_of(text: str, levels: Sequence[str]) -> str | None:
    """The level that a text matches: the same one, or the same number, or the same letters in upper or lower case."""
    text = text.strip()
    if text in levels:
        return text
    number = number_in(text)
    alike = [
        level
        for level in levels
        if (number is not None and number == number_in(level)) or level.casefold() == text.casefold()
    ]
    return alike[0] if len(alike) == 1 else None
