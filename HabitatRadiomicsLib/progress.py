"""How long work tells where it stands."""

from __future__ import annotations

from collections.abc import Callable

#: Called with the fraction done, 0 to 1, and a few words; may raise ``errors.Cancelled``.
Progress = Callable[[float, str], None]


def silent(fraction: float, message: str) -> None:
    """Progress that nobody watches."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one stage of a longer work: its 0 to 1 becomes ``start`` to ``end``."""

    def report(fraction: float, message: str) -> None:
        progress(start + (end - start) * fraction, message)

    return report
