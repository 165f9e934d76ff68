"""VTK observers that end with the widget that has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakMethod

from shiboken6 import isValid


class Observers:
    """Calls a method of a widget when a VTK object tells of an event, as long as the widget lives."""

    def __init__(self, method: Callable[[], None]) -> None:
        self._method = WeakMethod(method)
        self._watched: Any = None
        self._tags: list[int] = []

    def watch(self, vtk_object: Any, events: Iterable[str]) -> None:
        """Watch this object, and no other one any more; or none."""
        for tag in self._tags:
            self._watched.RemoveObserver(tag)
        self._watched = vtk_object
        self._tags = [vtk_object.AddObserver(event, self._notify) for event in events] if vtk_object else []

    def _notify(self, caller: Any, event: str) -> None:
        method = self._method()
        if method is None or not isValid(method.__self__):
            self.watch(None, ())
        else:
            method()
