"""What processes and clusters have in common when they run many items."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_Result = TypeVar("_Result")
Item = tuple[Any, ...]


class ProcessDiedError(Exception):
    """A process died with unfinished items; which of them killed it is unknown."""


class Drawn(Iterator[tuple[int, Item]]):
    """Numbered items, taken from their iterator one by one; remembers the unfinished ones.

    Attributes:
        unfinished: items by number, of those that were taken.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.unfinished: dict[int, Item] = {}
        self._items = enumerate(items)
        self._lock = threading.Lock()  # joblib takes items in a thread of its own

    def __next__(self) -> tuple[int, Item]:
        with self._lock:
            place, item = next(self._items)
            self.unfinished[place] = item
        return place, item


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra runs on one thread inside; also a decorator of functions."""
    import scipy.linalg  # noqa: F401 - a library for linear algebra of its own, which has to be there to be limited
    from threadpoolctl import threadpool_limits

    # Sums over threads depend on how many there are; one keeps the bits the same on every machine, alone and in a run.
    with threadpool_limits(limits=1):
        yield


@one_thread()
def on_one_thread(function: Callable[..., _Result], item: Item) -> _Result:
    """``function(*item)``."""
    return function(*item)


def numbered(place: int, function: Callable[..., _Result], item: Item) -> tuple[int, _Result]:
    """An item's number, and its result."""
    return place, on_one_thread(function, item)
