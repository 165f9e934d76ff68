"""Attributes of Qt objects: properties, dynamic properties and named children, and nothing else."""

from __future__ import annotations

import inspect
from enum import Enum
from operator import index
from typing import Any

from PySide6.QtCore import Property, QMetaProperty, QObject, Signal, SignalInstance

_property = QObject.property
_set_property = QObject.setProperty
_object_name = QObject.objectName
_children = QObject.children
_meta_object = QObject.metaObject

_being_read: set[tuple[int, str]] = set()
_form_being_loaded: list[bool] = []

#: Signals that a property or method of the same name hides.
hidden_signals: dict[tuple[type, str], Signal] = {}


class QtProperty:
    """A Qt property as an attribute; the getter method of the same name is gone."""

    def __init__(self, name: str, method: Any = None) -> None:
        self._name = name
        self._method = method

    def __get__(self, obj: QObject | None, owner: type | None = None) -> Any:
        if obj is None:
            return self._method if self._method is not None else self
        key = (id(obj), self._name)
        if key in _being_read:  # PySide asks for a Python override of a virtual getter while it runs
            if self._method is None:
                raise AttributeError(self._name)
            return self._method.__get__(obj, owner)
        _being_read.add(key)
        try:
            return as_python(_property(obj, self._name))
        finally:
            _being_read.discard(key)

    def __set__(self, obj: QObject, value: Any) -> None:
        meta = _meta_object(obj)
        description = meta.property(meta.indexOfProperty(self._name))
        if not description.isWritable():
            raise AttributeError(f"Property '{self._name}' of {type(obj).__name__} object is not writable")
        if not description.write(obj, _as_qt(description, value)):
            raise _unfit(description, value)


def install_properties(qt_class: type[QObject]) -> None:
    """Turn the properties that a Qt class declares, or overrides, into attributes."""
    meta = qt_class.staticMetaObject
    for number in range(meta.propertyCount()):
        name = meta.property(number).name()
        own = qt_class.__dict__.get(name)
        if number < meta.propertyOffset() and own is None:
            continue
        if (qt_class.__name__, name) == ("QTimer", "singleShot"):  # PythonQt leaves the name to the static function
            continue
        if isinstance(own, Signal):
            hidden_signals[qt_class, name] = own
        if not isinstance(own, (QtProperty, Property)):
            setattr(qt_class, name, QtProperty(name, own))


def as_python(value: Any) -> Any:
    """A property's value as PythonQt gives it: lists as tuples, enumerations as numbers."""
    if isinstance(value, list):
        return tuple(value)
    return value.value if isinstance(value, Enum) else value


def get_attribute(obj: QObject, name: str) -> Any:
    """What ``obj.name`` means when it is no attribute of the class: a dynamic property, or a named child."""
    if not name.startswith("_"):
        value = _property(obj, name)
        if value is not None or name in _dynamic_properties(obj):
            return as_python(value)
        for child in _children(obj):
            if _object_name(child) == name:
                return child
    raise AttributeError(f"{type(obj).__name__} has no attribute named '{name}'")


def set_attribute(obj: QObject, name: str, value: Any) -> None:
    """Set a property; Python subclasses may have attributes of their own, C++ objects may not."""
    if isinstance(value, SignalInstance):  # PySide keeps bound signals on the instance
        obj.__dict__[name] = value
        return
    if _form_being_loaded and _is_child(obj, name, value):  # PySide's loader sets it, PythonQt finds children itself
        return
    attribute = inspect.getattr_static(type(obj), name, None)
    if isinstance(attribute, Property):
        attribute = QtProperty(name)
    if isinstance(attribute, (QtProperty, property)):
        attribute.__set__(obj, value)
    elif name in _dynamic_properties(obj):
        _set_property(obj, name, value)
    elif not is_cpp_class(type(obj)) or (name.startswith("_") and plays_cpp(type(obj))):
        obj.__dict__[name] = value
    elif attribute is not None:
        raise AttributeError(f"Slot '{name}' can not be overwritten on {type(obj).__name__} object")
    else:
        raise AttributeError(
            f"'{name}' does not exist on {type(obj).__name__} and creating new attributes on C++ objects is not allowed"
        )


def is_cpp_class(cls: type) -> bool:
    """Whether a class is Qt's, or plays a class of CTK or Slicer."""
    return cls.__module__.partition(".")[0] == "PySide6" or plays_cpp(cls)


def plays_cpp(cls: type) -> bool:
    """Whether a Python class of the stand-in plays a C++ class."""
    return bool(cls.__dict__.get("_plays_cpp", False))


class FormLoading:
    """While a form is loaded, Qt's loader may set the names of children as attributes, without effect."""

    def __enter__(self) -> None:
        _form_being_loaded.append(True)

    def __exit__(self, *error: object) -> None:
        _form_being_loaded.pop()


def _is_child(obj: QObject, name: str, value: Any) -> bool:
    return issubclass(type(value), QObject) and _object_name(value) == name


def _dynamic_properties(obj: QObject) -> list[str]:
    return [bytes(name).decode() for name in obj.dynamicPropertyNames()]


def _as_qt(description: QMetaProperty, value: Any) -> Any:
    kind = description.typeName()
    if kind == "bool" and not isinstance(value, (bool, int)):
        raise _unfit(description, value)
    if kind == "QString" and not isinstance(value, str):
        raise _unfit(description, value)
    if kind == "int":
        try:
            return index(value)
        except TypeError:
            raise _unfit(description, value) from None
    return list(value) if isinstance(value, tuple) else value


def _unfit(description: QMetaProperty, value: Any) -> AttributeError:
    return AttributeError(
        f"Property '{description.name()}' of type '{description.typeName()}' does not accept an object of type "
        f"{type(value).__name__} ({value!r})"
    )
