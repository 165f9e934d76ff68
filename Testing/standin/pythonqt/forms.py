"""``qt.QUiLoader``: reads a form with the stand-ins for CTK's and Slicer's widgets, and its connections."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any, ClassVar

from PySide6 import QtWidgets
from PySide6.QtCore import QBuffer, QIODevice, QObject, Qt
from PySide6.QtUiTools import QUiLoader as _QUiLoader

from .attributes import FormLoading
from .signals import connect

_find_child = QObject.findChild
_object_name = QObject.objectName


class QUiLoader(_QUiLoader):
    """Loads forms; an unknown widget class or a connection that cannot be made is an error."""

    played_widgets: ClassVar[dict[str, type]] = {}

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:  # noqa: N802
        """Make a widget of Qt, or the stand-in for one of CTK or Slicer."""
        played = self.played_widgets.get(class_name)
        if played is not None:
            widget = played(parent)
            widget.setObjectName(name)
            return widget
        if not hasattr(QtWidgets, class_name):
            raise RuntimeError(f"the stand-in has no widget of class {class_name}")
        return super().createWidget(class_name, parent, name)

    def load(self, device: Any, parent: Any = None) -> Any:
        """Load a form from an open file."""
        form = ElementTree.fromstring(bytes(device.readAll()))
        connections = [
            tuple(link.findtext(part, "") for part in ("sender", "signal", "receiver", "slot"))
            for link in form.iter("connection")
        ]
        for group in form.findall("connections"):
            form.remove(group)
        content = QBuffer()
        content.setData(ElementTree.tostring(form))
        content.open(QIODevice.OpenModeFlag.ReadOnly)
        with FormLoading():
            root = super().load(content, parent)
        for sender, signal, receiver, slot in connections:
            _connect_named(root, sender, signal, receiver, slot)
        return root


def _connect_named(root: QObject, sender: str, signal: str, receiver: str, slot: str) -> None:
    source, target = _named(root, sender), _named(root, receiver)
    call = getattr(target, slot.partition("(")[0], None)
    if source is None or call is None or not connect(source, signal, call):
        raise RuntimeError(f"the form connects {sender}.{signal} to {receiver}.{slot}, which cannot be")


def _named(root: QObject, name: str) -> QObject | None:
    if _object_name(root) == name:
        return root
    return _find_child(root, QObject, name, Qt.FindChildOption.FindChildrenRecursively)
