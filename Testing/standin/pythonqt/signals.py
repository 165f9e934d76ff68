"""Signals by signature, as ``connect('clicked(bool)', receiver)`` names them."""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QMetaObject, QObject, Signal, SignalInstance

from .attributes import hidden_signals

_meta_object = QObject.metaObject


def connect(sender: QObject, *arguments: Any) -> bool:
    """``sender.connect(signal, receiver)`` or ``(signal, object, slot)``; False when there is no such signal."""
    if len(arguments) in (3, 4) and not isinstance(arguments[0], str):  # QObject.connect(sender, signal, receiver)
        return connect(*arguments)
    if len(arguments) not in (2, 3) or not isinstance(arguments[0], str):
        raise ValueError("Could not find matching overload for given arguments to connect")
    signature, receiver, *slot = arguments
    if slot:
        receiver = getattr(receiver, slot[0].lstrip("1").partition("(")[0])
    if not callable(receiver):
        raise ValueError(f"connect('{signature}') needs something that can be called, not {receiver!r}")
    found = _find(sender, signature)
    if found is None:
        name = _meta_object(sender).className()
        print(f"PythonQt: QObject::connect() signal '{signature}' does not exist on {name}", file=sys.stderr)
        return False
    signal, count = found
    adapter = _with_count(receiver, count)
    _connections(sender).append((_normalized(signature), receiver, adapter))
    signal.connect(adapter)
    return True


def disconnect(sender: QObject, signature: str, receiver: Callable[..., Any] | None = None, *slot: str) -> bool:
    """Undo :func:`connect`; without a receiver, for all receivers of the signal."""
    found = _find(sender, signature)
    if found is None:
        return False
    if slot:
        receiver = getattr(receiver, slot[0].lstrip("1").partition("(")[0])
    kept, gone = [], []
    for connection in _connections(sender):
        matches = connection[0] == _normalized(signature) and receiver in (None, connection[1])
        (gone if matches else kept).append(connection)
    _connections(sender)[:] = kept
    for _, _, adapter in gone:
        found[0].disconnect(adapter)
    return bool(gone)


class BoundSignal:
    """``widget.clicked``: may be connected, disconnected, emitted; and called, which emits it."""

    def __init__(self, sender: QObject, name: str, signal: SignalInstance) -> None:
        self._sender = sender
        self._name = name
        self._signal = signal

    def connect(self, receiver: Callable[..., Any]) -> bool:
        """Call the receiver with as many of the signal's arguments as it takes."""
        self._signal.connect(receiver)
        return True

    def disconnect(self, *receiver: Callable[..., Any]) -> bool:
        """Undo :meth:`connect`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # that there was no such connection
            return bool(self._signal.disconnect(*receiver))

    def emit(self, *arguments: Any) -> None:
        """Emit the signal, the one of its name that has so many arguments."""
        _overload(self._sender, self._name, len(arguments), self._signal).emit(*arguments)

    __call__ = emit

    def __repr__(self) -> str:
        return f"<unbound signal {self._name}>"


def _connections(sender: QObject) -> list[tuple[str, Callable[..., Any], Callable[..., Any]]]:
    return sender.__dict__.setdefault("_stand_in_connections", [])


def _normalized(signature: str) -> str:
    text = QMetaObject.normalizedSignature(signature.lstrip("2"))
    return text if isinstance(text, str) else bytes(text).decode()


def _find(sender: QObject, signature: str) -> tuple[SignalInstance, int] | None:
    """A signal and the number of arguments that the signature names."""
    wanted = _normalized(signature)
    played = getattr(type(sender), "cpp_signals", {})
    if wanted in played:
        signal = _signal_named(sender, played[wanted])
        return (signal, 0 if wanted.endswith("()") else wanted.count(",") + 1) if signal else None
    parts = re.fullmatch(r"(\w+)\((.*)\)", wanted)
    if parts is None or _meta_object(sender).indexOfSignal(wanted) < 0:
        return None
    name, types = parts.groups()
    signal = _signal_named(sender, name)
    if signal is None:
        return None
    if types:
        with suppress(KeyError, IndexError, TypeError):  # one that is not overloaded knows no types
            signal = signal[types]
    return signal, types.count(",") + 1 if types else 0


def _overload(sender: QObject, name: str, count: int, default: SignalInstance) -> SignalInstance:
    meta = _meta_object(sender)
    for number in range(meta.methodCount() if count else 0):
        method = meta.method(number)
        if bytes(method.name()).decode() == name and method.parameterCount() == count:
            with suppress(KeyError, IndexError, TypeError):
                return default[",".join(bytes(kind).decode() for kind in method.parameterTypes())]
    return default


def _signal_named(sender: QObject, name: str) -> SignalInstance | None:
    for cls in type(sender).__mro__:
        signal = cls.__dict__.get(name)
        if not isinstance(signal, Signal):
            signal = hidden_signals.get((cls, name))
        if signal is not None:
            return signal.__get__(sender, type(sender))
    return None


def _with_count(receiver: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The receiver, called with the arguments of the signature, or the first of them when it takes fewer."""
    accepted = min(count, _positional_parameters(receiver))

    def adapter(*arguments: Any) -> None:
        receiver(*arguments[:accepted])

    return adapter


def _positional_parameters(receiver: Callable[..., Any]) -> int:
    try:
        parameters = inspect.signature(receiver).parameters.values()
    except (TypeError, ValueError):
        return sys.maxsize  # a C++ slot: PySide knows what it takes
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return sys.maxsize
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
