"""``slicer.ScriptedLoadableModule``: the base classes of a scripted module."""

# ruff: noqa: N802, N803 (names of Slicer)
from __future__ import annotations

import logging
import sys
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any

import qt
import slicer


class ScriptedLoadableModule:
    """The module: what it is called, and where its resources lie."""

    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        icons = Path(parent.path).parent / "Resources" / "Icons"
        for path in (icons / f"{self.moduleName}.svg", icons / f"{self.moduleName}.png"):
            if path.is_file():
                parent.icon = qt.QIcon(str(path))
                break
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        """The path of a file of the module's folder ``Resources``."""
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def runTest(self, msec: int = 100, **options: Any) -> None:
        """Run the module's own test."""
        test_class = getattr(sys.modules[type(self).__module__], f"{self.moduleName}Test")
        test = test_class()
        test.messageDelay = msec
        test.runTest(**options)


class ScriptedLoadableModuleWidget:
    """The panel of a module."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, slicer.util.toBool)
        self.parent = parent if parent is not None else _top_level_parent()
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        """The path of a file of the module's folder ``Resources``."""
        return str(Path(slicer.util.modulePath(self.moduleName)).parent / "Resources" / filename)

    def setup(self) -> None:
        """Build the panel; a developer gets a button to reload it."""
        if self.developerMode:
            self.reloadButton = qt.QPushButton("Reload")
            self.reloadButton.connect("clicked()", self.onReload)
            self.layout.addWidget(self.reloadButton)

    def enter(self) -> None:
        """Nothing: a module says what it does when it is shown."""

    def exit(self) -> None:
        """Nothing: a module says what it does when it is left."""

    def cleanup(self) -> None:
        """Nothing: a module says what it does when it goes."""

    def onReload(self) -> None:
        """Read the module's file again and build the panel anew."""
        slicer.util.reloadScriptedModule(self.moduleName)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)


class ScriptedLoadableModuleLogic:
    """The module's work, and its parameter node in the scene."""

    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self) -> Any:
        """The module's parameter node, made if there is none."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node:
                node.SetAttribute("ModuleName", self.moduleName)
                return node
        elif nodes := self.getAllParameterNodes():
            return nodes[0]
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self) -> list[Any]:
        """All parameter nodes of the module."""
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self) -> Any:
        """A new parameter node, not yet in the scene."""
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The module's own test."""

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self.messageDelay = 0

    def runTest(self, **options: Any) -> None:
        """Nothing: a module says what it tests."""

    def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
        """Tell how far the test is."""
        logging.info(message)
        slicer.app.processEvents()


def install_module() -> ModuleType:
    """Make ``slicer.ScriptedLoadableModule`` importable."""
    module = ModuleType("slicer.ScriptedLoadableModule")
    classes = (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    )
    for item in classes:
        setattr(module, item.__name__, item)
    module.__dict__["__all__"] = [item.__name__ for item in classes]
    sys.modules[module.__name__] = module
    return module


def _top_level_parent() -> Any:
    parent = slicer.qMRMLWidget()
    parent.setLayout(qt.QVBoxLayout())
    parent.setMRMLScene(slicer.mrmlScene)
    return parent
