"""``qMRMLWidget``, and the widget into which a scripted module builds its panel."""

# ruff: noqa: N801, N802, N815 (names of Slicer)
from __future__ import annotations

import sys
from typing import ClassVar

import qt
import slicer
from PySide6.QtCore import Signal

from .declare import plays_cpp_widget


@plays_cpp_widget(slicer)
class qMRMLWidget(qt.QWidget):
    """A widget with a scene, which it tells to the MRML widgets inside when a form connects them."""

    mrmlSceneChanged = Signal(object)
    cpp_signals: ClassVar = {"mrmlSceneChanged(vtkMRMLScene*)": "mrmlSceneChanged"}

    def mrmlScene(self):
        return self.__dict__.get("_scene")

    def setMRMLScene(self, scene):
        if scene is not self.mrmlScene():
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)


@plays_cpp_widget(slicer)
class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """What a scripted module's Python class gets as ``parent``."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._python = None
        self._module_name = ""
        self.setLayout(qt.QVBoxLayout())

    def setModuleName(self, name):
        self._module_name = name

    def reload(self):
        widget_class = getattr(sys.modules[self._module_name], f"{self._module_name}Widget")
        self._python = widget_class(self)
        setattr(slicer.modules, f"{self._module_name}Widget", self._python)
        self._python.setup()

    def self(self):
        return self._python

    def enter(self):
        self._python.enter()

    def exit(self):
        self._python.exit()
