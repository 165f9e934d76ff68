"""Signal connections that fail loudly when a signal is misspelt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def connect(sender: Any, signal: str, slot: Callable[..., Any]) -> None:
    """Connect a Qt signal; PythonQt only prints when the signal is misspelt.

    Raises:
        RuntimeError: the sender has no such signal.
    """
    if not sender.connect(signal, slot):
        raise RuntimeError(f"{sender.className()} '{sender.objectName}' has no signal {signal}.")


@contextmanager
def quiet(*widgets: Any) -> Iterator[None]:
    """Change widgets while their signals are blocked."""
    before = [widget.blockSignals(True) for widget in widgets]
    try:
        yield
    finally:
        for widget, blocked in zip(widgets, before):
            widget.blockSignals(blocked)
