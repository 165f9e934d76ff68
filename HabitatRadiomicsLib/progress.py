"""Progress of long-running work."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the fraction done, 0 to 1, and a few words; may raise ``errors.Cancelled``.
Progress = Callable[[float, str], None]

#: Environment variable; if 1, the commands print their progress as lines, from which a window draws its own bar.
LINES_VARIABLE = "HABITAT_RADIOMICS_PROGRESS_LINES"
_MARK = "@ "


def silent(fraction: float, message: str) -> None:
    """Ignore progress."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one stage of longer work: maps 0..1 to ``start``..``end``."""
    return lambda fraction, message: progress(start + (end - start) * fraction, message)


def progress_line(fraction: float, message: str) -> str:
    """``@ 0.250 words``."""
    return f"{_MARK}{fraction:.3f} {message}"


def progress_of(line: str) -> tuple[float, str] | None:
    """Fraction and words of a :func:`progress_line`; None for any other line."""
    fraction, _, message = line.removeprefix(_MARK).partition(" ")
    try:
        return (float(fraction), message) if line.startswith(_MARK) else None
    except ValueError:
        return None
