"""What running many items in processes and on a cluster has in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_Result = TypeVar("_Result")
Item = tuple[Any, ...]


class ProcessDiedError(Exception):
    """A process died with unfinished items; it is unknown which of them caused it."""


class Drawn(Iterator[tuple[int, Item]]):
    """Numbered items, taken from their iterator one by one.

    Attributes:
        unfinished: the items that were taken and have no result yet, by number.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self.unfinished: dict[int, Item] = {}
        self._items = enumerate(items)
        self._lock = threading.Lock()  # joblib takes items in another thread

    def __next__(self) -> tuple[int, Item]:
        with self._lock:
            number, item = next(self._items)
            self.unfinished[number] = item
        return number, item


@contextmanager
def one_thread() -> Iterator[None]:
    """A context, or a decorator of functions, in which linear algebra uses a single thread."""
    import scipy.linalg  # noqa: F401 - has its own library for linear algebra, which must be loaded to be limited
    from threadpoolctl import threadpool_limits

    # Sums depend on the number of threads; with one, results have the same bits on every machine.
    with threadpool_limits(limits=1):
        yield


@one_thread()
def on_one_thread(function: Callable[..., _Result], item: Item) -> _Result:
    """``function(*item)``."""
    return function(*item)


def numbered(number: int, function: Callable[..., _Result], item: Item) -> tuple[int, _Result]:
    """An item's number, and its result."""
    return number, on_one_thread(function, item)
