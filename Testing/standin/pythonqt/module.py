"""Builds the module ``qt`` by changing PySide6's classes, for good, in this process."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from types import BuiltinMethodType, ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtUiTools, QtWidgets
from PySide6.QtCore import QObject, SignalInstance

from .attributes import QtProperty, get_attribute, install_properties, is_cpp_class, set_attribute
from .forms import QUiLoader
from .signals import BoundSignal, connect, disconnect

_ONLY_PYSIDE_HAS = {"Signal", "SignalInstance", "Slot", "Property", "ClassInfo", "MetaFunction", "QEnum", "QFlag"}
_connecting = {"connect": connect, "disconnect": disconnect}


def build() -> ModuleType:
    """The module ``qt``, importable by that name, with an application object."""
    _make_constants_immortal()
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    qt = ModuleType("qt")
    for name, item in _names():
        setattr(qt, name, item)
    classes = [item for item in vars(qt).values() if isinstance(item, type) and issubclass(item, QObject)]
    for cls in classes:
        install_properties(cls)
    _patch_object()
    for cls in classes:
        patch_class(cls)
    for cls in {item for item in vars(qt).values() if isinstance(item, type)}:
        if "exec" in cls.__dict__:
            cls.exec_ = cls.__dict__["exec"]
    _patch_isinstance()
    qt.QUiLoader = QUiLoader  # type: ignore[attr-defined]
    qt.__dict__["_application"] = application
    sys.modules["qt"] = qt
    return qt


def patch_class(cls: Any) -> None:
    """Give a Qt class, or a Python class that plays one, PythonQt's attribute access."""
    cls.__getattribute__ = _strict_lookup(cls.__getattribute__)
    cls.__getattr__ = get_attribute
    cls.__setattr__ = set_attribute
    if "__init__" in cls.__dict__:
        cls.__init__ = _without_keywords(cls.__init__)


class BoundSlot:
    """A method of a C++ object: takes no keyword arguments, and gives lists as tuples."""

    def __init__(self, method: BuiltinMethodType) -> None:
        self._method = method
        self.__name__ = method.__name__

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if keywords:
            raise ValueError(f"Called {self.__name__}() with keyword arguments, but slots take none.")
        result = self._method(*arguments)
        return tuple(result) if type(result) is list else result

    def __eq__(self, other: object) -> bool:
        return type(other) is BoundSlot and self._method == other._method

    def __hash__(self) -> int:
        return hash(self._method)


def _make_constants_immortal() -> None:
    """Do before Python 3.12 what later versions do themselves: never delete ``None``, ``True`` and the like.

    PySide6 relies on it in every Python: each slot without a result, for one, returns ``None`` without counting the
    reference. Some twenty panels later the count is 0, and Python aborts, often within C++ or at its end, where no
    Python frame can be shown.
    """
    if sys.version_info < (3, 12):
        for constant in (None, True, False, NotImplemented):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


def _names() -> Iterator[tuple[str, Any]]:
    for module in (QtCore, QtGui, QtWidgets, QtUiTools, QtNetwork):
        for name in dir(module):
            if not name.startswith("_") and name not in _ONLY_PYSIDE_HAS:
                yield name, getattr(module, name)


def _strict_lookup(lookup: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    def find(obj: Any, name: str) -> Any:
        if name in _connecting:
            return _connecting[name].__get__(obj)
        value = lookup(obj, name)
        if type(value) is SignalInstance:
            return BoundSignal(obj, name, value)
        return BoundSlot(value) if type(value) is BuiltinMethodType and not name.startswith("_") else value

    return find


def _without_keywords(initialize: Callable[..., None]) -> Callable[..., None]:
    def strict(self: Any, *arguments: Any, **keywords: Any) -> None:
        if keywords and is_cpp_class(type(self)):
            raise ValueError(f"Called {type(self).__name__}() with keyword arguments, but it takes none.")
        initialize(self, *arguments, **keywords)

    return strict


def _patch_object() -> None:
    """What PythonQt adds to all objects, or answers in another way."""
    children, class_name = QObject.children, QObject.metaObject
    find_child, find_children = QObject.findChild, QObject.findChildren

    def as_class(kind: Any) -> Any:
        return getattr(sys.modules["qt"], kind) if isinstance(kind, str) else kind

    QObject.name = QtProperty("objectName")
    QObject.className = lambda self: class_name(self).className()
    QObject.children = lambda self: tuple(children(self))
    QObject.findChild = lambda self, kind, *name: find_child(self, as_class(kind), *name)
    QObject.findChildren = lambda self, kind, *name: tuple(find_children(self, as_class(kind), *name))
    QObject.delete = lambda self: self.deleteLater()


def _patch_isinstance() -> None:
    """An object is an instance of its own class, and of no base class that C++ has."""

    def is_instance(cls: type, obj: object) -> bool:
        for base in type(obj).__mro__:
            if base is cls:
                return True
            if is_cpp_class(base):
                return False
        return False

    type(QObject).__instancecheck__ = is_instance
