"""How a Python class plays a C++ widget: strict attributes, Qt properties, and a place in forms."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

import qt
from PySide6.QtCore import Property

from ..pythonqt.forms import QUiLoader
from ..pythonqt.module import patch_class

Widget = TypeVar("Widget", bound=type)


def plays_cpp_widget(module: ModuleType) -> Callable[[Widget], Widget]:
    """Let a class be found in a module and in forms, and take no new attributes, as a C++ class does.

    Attributes that begin with an underscore remain free for the class itself. A class may name its signals by C++
    signatures in ``cpp_signals``: from signature to the name of the Python signal.
    """

    def declare(cls: Widget) -> Widget:
        cls._plays_cpp = True
        patch_class(cls)
        setattr(module, cls.__name__, cls)
        QUiLoader.played_widgets[cls.__name__] = cls
        return cls

    return declare


def stored(kind: Any, name: str, default: Any, *, signal: str = "", changed: str = "") -> Property:
    """A Qt property kept by the widget; on a change, a method is called and a signal emitted."""
    key = f"_{name}"

    def get(widget: Any) -> Any:
        return widget.__dict__.get(key, default)

    def put(widget: Any, value: Any) -> None:
        if get(widget) == value:
            return
        widget.__dict__[key] = value
        if changed:
            getattr(widget, changed)()
        if signal:
            getattr(widget, signal).emit(value)

    return Property(kind, get, put)


def of_part(kind: Any, part: str, name: str) -> Property:
    """A Qt property that is one of a part of the widget."""
    return Property(
        kind,
        lambda widget: getattr(widget.__dict__[part], name),
        lambda widget, value: setattr(widget.__dict__[part], name, value),
    )


def one_line(widget: Any) -> Any:
    """The layout of a widget as high as a line, without margins."""
    widget.setSizePolicy(qt.QSizePolicy.Expanding, qt.QSizePolicy.Fixed)
    layout = qt.QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    return layout


def setter(name: str) -> Callable[[Any, Any], None]:
    """The method ``setX`` of a property ``x``."""

    def put(widget: Any, value: Any) -> None:
        setattr(widget, name, value)

    return put
