"""Loads a scripted module from its file, as the application's module factory does."""

# ruff: noqa: N802 (names of Slicer)
from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer

from .modules import ModuleManager, qSlicerScriptedLoadableModule


class ScriptedModule(qSlicerScriptedLoadableModule):
    """``parent`` of the Python module class, and ``slicer.modules.<name>``."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.path = str(path)
        self.title = ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.helpText = ""
        self.acknowledgementText = ""
        self.icon: Any = None
        self.hidden = False
        self.widgetRepresentationCreationEnabled = True
        self._panel: Any = None

    def logic(self) -> Any:
        """The C++ side's logic, which is another than the Python one."""
        return slicer.vtkSlicerScriptedLoadableModuleLogic()

    def widgetRepresentation(self) -> Any:
        """The panel, built when it is first asked for."""
        if self._panel is None:
            self._panel = self.createNewWidgetRepresentation()
        return self._panel

    def createNewWidgetRepresentation(self) -> Any:
        """A new panel."""
        panel = slicer.qSlicerScriptedLoadableModuleWidget()
        panel.setMRMLScene(slicer.mrmlScene)
        panel.setModuleName(self.name)
        panel.reload()
        return panel


def load_module(path: Path, modules: ModuleManager) -> tuple[Any, Any]:
    """Import a module's file and make its panel: the module instance and the widget instance."""
    module = import_module(path, modules)
    slicer.modules.__dict__[module.moduleName.lower()].widgetRepresentation()
    return module, getattr(slicer.modules, f"{module.moduleName}Widget")


def import_module(path: Path, modules: ModuleManager) -> Any:
    """Import a module's file and make the module instance, without a panel."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = source
    spec.loader.exec_module(source)
    parent = ScriptedModule(path)
    modules.add(parent)
    return getattr(source, path.stem)(parent)


def unload_module(name: str, modules: ModuleManager) -> None:
    """Close a module's panel and forget the module, as at the application's end."""
    widget = slicer.modules.__dict__.pop(f"{name}Widget", None)
    modules.unload(name)
    sys.modules.pop(name, None)
    slicer.selfTests.pop(name, None)
    if widget is not None:
        widget.parent.hide()
        widget.parent.deleteLater()


def is_module_file(path: Path) -> bool:
    """Whether the application would take a Python file for a module: it defines a class of the file's name."""
    return path.suffix == ".py" and f"class {path.stem}(" in path.read_text(encoding="utf-8")
