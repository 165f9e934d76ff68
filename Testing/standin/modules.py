"""``slicer.modules`` and the module manager: what modules there are, and their logics."""

# ruff: noqa: N802 (names of the application)
from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import slicer


class CoreModule:
    """One of Slicer's own modules: a name and a logic, and no widget."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self.title = name
        self.path = ""
        self._logic = logic

    def logic(self) -> Any:
        """The module's logic."""
        return self._logic

    def widgetRepresentation(self) -> Any:
        """No widget: the stand-in has none for Slicer's own modules."""
        return None


class qSlicerScriptedLoadableModule:  # noqa: N801
    """What ``slicer.util`` tells scripted modules by."""


class ModuleManager:
    """``slicer.app.moduleManager()``."""

    def __init__(self, logics: dict[str, Any]) -> None:
        self._modules: dict[str, Any] = {}
        self._unload_observers: list[Callable[[str], None]] = []
        slicer.qSlicerScriptedLoadableModule = qSlicerScriptedLoadableModule
        slicer.modules = SimpleNamespace()
        for name, logic in {**logics, "SampleData": None}.items():
            self.add(CoreModule(name, logic))

    def add(self, module: Any) -> None:
        """Register a module under its name, as ``slicer.modules.<name in lower case>`` too."""
        self._modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)

    def unload(self, name: str) -> None:
        """Tell that a module goes, and forget it."""
        for observer in self._unload_observers.copy():
            observer(name)
        del self._modules[name]
        delattr(slicer.modules, name.lower())

    def module(self, name: str) -> Any:
        """The module of a name, or nothing."""
        return self._modules.get(name)

    def modulesNames(self) -> tuple[str, ...]:
        """The names of all modules."""
        return tuple(self._modules)

    def loadedModuleNames(self) -> tuple[str, ...]:
        """The names of all modules; the real one has it on its factory manager."""
        return tuple(self._modules)

    def factoryManager(self) -> ModuleManager:
        """Who loads modules: the manager itself."""
        return self

    def connect(self, signal: str, receiver: Callable[[str], None]) -> bool:
        """Call the receiver when a module goes, the only signal there is."""
        known = signal == "moduleAboutToBeUnloaded(QString)"
        if known:
            self._unload_observers.append(receiver)
        return known

    def disconnect(self, signal: str, receiver: Callable[[str], None]) -> bool:
        """Call the receiver no more."""
        known = signal == "moduleAboutToBeUnloaded(QString)" and receiver in self._unload_observers
        if known:
            self._unload_observers.remove(receiver)
        return known
