"""Independent pieces of work, spread over threads.

Threads rather than processes: filters, kernels and most of numpy run without the interpreter's lock, nothing has to be
copied, and there is nothing to start that would take longer than a small lesion does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


def results(pieces: Iterable[Callable[[], _Result]], jobs: int) -> Iterator[_Result]:
    """What comes of each piece, in their order.

    The first error ends it; pieces that have not begun are then left out.

    Args:
        pieces: what to do; each is let go of when it is done.
        jobs: threads; 1: none but the caller's.
    """
    if jobs == 1:
        for piece in pieces:
            yield piece()
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for future in [pool.submit(piece) for piece in pieces]:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
