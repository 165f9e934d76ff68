"""``slicer.app`` as code without a window meets it."""

# ruff: noqa: N802, N815 (names of the application)
from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NoReturn

import slicer

from .files import Files
from .modules import ModuleManager
from .scene import Scene


class Environment(dict):
    """What ``QProcessEnvironment`` is to Python code: keys and values."""

    def value(self, name: str, default: str = "") -> str:
        """The value of a variable."""
        return self.get(name, default)


class Settings(dict):
    """``QSettings`` in memory, for code that runs without Qt."""

    def value(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.get(key, default)

    def setValue(self, key: str, value: Any) -> None:
        """Set the value of a key."""
        self[key] = value

    def contains(self, key: str) -> bool:
        """Whether a key has a value."""
        return key in self

    def remove(self, key: str) -> None:
        """Forget a key."""
        self.pop(key, None)


class Application:
    """``slicer.app`` without Qt. What is missing fails loudly, and can only be tested in the real application."""

    applicationName = "Slicer"
    applicationVersion = "5.12.0"
    majorVersion = 5
    minorVersion = 12
    revision = "34045"
    platform = f"{sys.platform}-standin"

    def __init__(self, scene: Scene, modules: ModuleManager, *, testing: bool) -> None:
        self._scene = scene
        self._modules = modules
        self._testing = testing
        self._settings = Settings()
        self._files = Files(scene)
        self._receivers: dict[str, list[Callable[[], None]]] = {"startupCompleted()": [], "aboutToQuit()": []}
        self._options = SimpleNamespace(runPythonAndExit=False, noMainWindow=True, isTestingEnabled=testing)
        folder = scene.temporary_path
        self.slicerHome = str(folder / "home")
        self.temporaryPath = str(folder / "temporary")
        self.extensionsInstallPath = str(folder / "extensions")
        self.slicerUserSettingsFilePath = str(folder / "Slicer.ini")
        self.slicerRevisionUserSettingsFilePath = str(folder / f"Slicer-{self.revision}.ini")
        self.startupWorkingPath = os.getcwd()

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"slicer.app.{name} is not in the stand-in; only the real application can test it")

    def connect(self, signal: str, receiver: Callable[[], None]) -> bool:
        """Call the receiver at ``startupCompleted()`` or ``aboutToQuit()``."""
        if signal not in self._receivers:
            return False
        self._receivers[signal].append(receiver)
        return True

    def disconnect(self, signal: str, receiver: Callable[[], None]) -> bool:
        """Call the receiver no more."""
        if receiver not in self._receivers.get(signal, []):
            return False
        self._receivers[signal].remove(receiver)
        return True

    def emit(self, signal: str) -> None:
        """Fire a signal: for the stand-in, not for code under test."""
        for receiver in self._receivers[signal].copy():
            receiver()

    def mrmlScene(self) -> Any:
        """The scene."""
        return slicer.mrmlScene

    def applicationLogic(self) -> Any:
        """The application logic."""
        return self._scene.application_logic

    def moduleManager(self) -> ModuleManager:
        """The module manager."""
        return self._modules

    def moduleLogic(self, name: str) -> Any:
        """The logic of a module."""
        return self._scene.logics.get(name)

    def coreIOManager(self) -> Files:
        """Reads and writes files."""
        return self._files

    def ioManager(self) -> Files:
        """Reads and writes files."""
        return self._files

    def layoutManager(self) -> Any:
        """Nothing: there is no main window."""
        return None

    def commandOptions(self) -> SimpleNamespace:
        """Some options of the command line."""
        return self._options

    def testingEnabled(self) -> bool:
        """Whether the application was started with ``--testing``."""
        return self._testing

    def settings(self) -> Any:
        """The settings."""
        return self._settings

    def userSettings(self) -> Any:
        """The settings."""
        return self.settings()

    def revisionUserSettings(self) -> Any:
        """The settings."""
        return self.settings()

    def startupEnvironment(self) -> Environment:
        """The environment that child processes get."""
        return Environment(os.environ)

    def topLevelWidgets(self) -> tuple[Any, ...]:
        """No widget."""
        return ()

    def translate(self, context: str, text: str) -> str:
        """The text in the user's language, which is English."""
        return text

    def processEvents(self, flags: int = 0) -> None:
        """No events without Qt."""

    def pauseRender(self) -> None:
        """Nothing is rendered by itself."""

    def resumeRender(self) -> None:
        """Nothing is rendered by itself."""

    def setRenderPaused(self, paused: bool) -> None:
        """Nothing is rendered by itself."""

    def exit(self, status: int = 0) -> NoReturn:
        """Leave at once; the real application leaves when its event loop is reached."""
        raise SystemExit(status)

    def quit(self) -> NoReturn:
        """Leave at once."""
        self.exit(0)
