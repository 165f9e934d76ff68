"""Paired measurements of two ways to the same answer, and their table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import SimpleITK as sitk
from threadpoolctl import threadpool_limits

_Result = TypeVar("_Result")
_HEADER = """\
| Case | Peer | Ours | Peer's | Ratio, min | Ratio, median | Ratio, max | Pairs |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


class WrongValuesError(AssertionError):
    """Ours and the peer differ: a benchmark of wrong numbers is void."""


@dataclass(frozen=True)
class Comparison:
    """One measurement of each side per pair, in ``unit``."""

    case: str
    peer: str
    unit: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours by the peer's, pair by pair; below 1 ours needs less."""
        return tuple(our / their for our, their in zip(self.ours, self.theirs))

    @property
    def times_faster(self) -> float:
        """Median of the peer's by ours."""
        return statistics.median(1 / ratio for ratio in self.ratios)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Comparison:
        """From the JSON of what ``dataclasses.asdict`` gives."""
        return cls(**{**document, "ours": tuple(document["ours"]), "theirs": tuple(document["theirs"])})


def paired_seconds(
    case: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object], pairs: int
) -> Comparison:
    """Both timed in alternation, A B A B, so that a slow moment of the machine meets both."""
    seconds = [(timed(ours)[0], timed(theirs)[0]) for _ in range(pairs)]
    return Comparison(case, peer, "s", tuple(our for our, _ in seconds), tuple(their for _, their in seconds))


def timed(run: Callable[[], _Result]) -> tuple[float, _Result]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def table(comparisons: Sequence[Comparison]) -> str:
    """A Markdown table; ours and the peer's are medians."""
    return "\n".join([_HEADER, *map(_row, comparisons)])


def check_equal(ours: np.ndarray, theirs: np.ndarray, what: str, *, relative: float = 0, absolute: float = 0) -> float:
    """The largest absolute difference; NaN equals NaN.

    Raises:
        WrongValuesError: a difference is above the tolerance.
    """
    different = ~np.isclose(ours, theirs, rtol=relative, atol=absolute, equal_nan=True)
    if different.any():
        raise WrongValuesError(f"{what}: {int(different.sum())} of {different.size} values differ.")
    apart = np.abs(ours - theirs)
    return float(np.nanmax(apart, initial=0))


def met_or_missed(times: float, aim: float) -> str:
    """How many times faster than the peer, and whether that was the aim."""
    return f"{times:.3g}, aim of {aim:g} {'met' if times >= aim else 'missed'}"


@contextmanager
def one_thread() -> Iterator[None]:
    """Everything inside runs on one core, ITK's filters too, but for the threads that the built-in engine is given."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _row(comparison: Comparison) -> str:
    values = [f"{statistics.median(side):.3g} {comparison.unit}" for side in (comparison.ours, comparison.theirs)]
    ratios = comparison.ratios
    shown = [f"{ratio:.3g}" for ratio in (min(ratios), statistics.median(ratios), max(ratios))]
    return f"| {' | '.join([comparison.case, comparison.peer, *values, *shown, str(len(ratios))])} |"
