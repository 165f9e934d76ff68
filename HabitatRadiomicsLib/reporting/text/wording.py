"""Numbers and lists as a journal prints them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


def listed(parts: Iterable[object], last: str = "and") -> str:
    """``a, b and c``."""
    words = [str(part) for part in parts]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 case``, ``12 cases``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def tests_of(rows: Iterable[Mapping[str, Any]] | None) -> list[str]:
    """The names of the tests that rows of a table used, each once."""
    return list(dict.fromkeys(row["test"] for row in rows or () if row.get("test")))


def p_value(p: float | None) -> str:
    """A p value by the AMA Manual of Style: two decimals, or three below 0.01 and where two would hide the side of 0.05
    on which it lies; ``<0.001`` and ``>0.99`` beyond."""
    if p is None:
        return "–"
    if p < 0.001:
        return "<0.001"
    if p > 0.99:
        return ">0.99"
    if p < 0.01:
        return f"{p:.3f}"
    if 0.045 <= p < 0.05:
        # 0.04996 with three digits would be 0.050.
        return f"{min(p, 0.049):.3f}"
    return f"{p:.2f}"


def percent(fraction: float | None) -> str:
    """``63%``; a dash where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.0f}%"


def decimals(value: float | None, digits: int = 2) -> str:
    """A number with fixed digits and a true minus; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    # No journal prints -0.00.
    text = text.removeprefix("-") if float(text) == 0 else text
    return text.replace("-", "−")


def digits_for(sd: float | None) -> int:
    """Decimals for values with this SD: none from 100 on, one from 1 on, below 1 so many that the SD has two digits."""
    if not sd:
        return 1
    return 0 if sd >= 100 else max(1, 1 - math.floor(math.log10(sd)))
