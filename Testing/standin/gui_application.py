"""``slicer.app`` with Qt, and with a main window or without."""

# ruff: noqa: N802 (names of the application)
from __future__ import annotations

from pathlib import Path
from typing import Any

import qt

from .application import Application
from .modules import ModuleManager
from .scene import Scene
from .slice_view import SliceView
from .widgets.layout_manager import qSlicerLayoutManager


class GuiApplication(Application):
    """``slicer.app`` as a module with a panel meets it."""

    def __init__(
        self, scene: Scene, modules: ModuleManager, slice_views: dict[str, SliceView], *, testing: bool
    ) -> None:
        super().__init__(scene, modules, testing=testing)
        qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
        qt.QSettings.setPath(qt.QSettings.IniFormat, qt.QSettings.UserScope, str(Path(self.temporaryPath).parent))
        qt.QCoreApplication.setOrganizationName("stand-in")
        qt.QCoreApplication.setApplicationName("Slicer")
        self._layout_manager = qSlicerLayoutManager(scene.node, scene.application_logic, slice_views)
        self._main_window = _main_window()
        self._options.noMainWindow = False

    def show_main_window(self, there: bool) -> None:
        """Play an application with a main window, or without: for the stand-in, not for code under test."""
        self._options.noMainWindow = not there

    def set_testing(self, testing: bool) -> None:
        """Play an application started with ``--testing``, or not: for the stand-in, not for code under test."""
        self._testing = testing

    def layoutManager(self) -> Any:
        """The layout manager; nothing without a main window."""
        return None if self._options.noMainWindow else self._layout_manager

    def topLevelWidgets(self) -> tuple[Any, ...]:
        """The windows."""
        others = [widget for widget in qt.QApplication.topLevelWidgets() if widget is not self._main_window]
        return tuple(others if self._options.noMainWindow else [self._main_window, *others])

    def settings(self) -> Any:
        """The settings, in the stand-in's own folder."""
        return qt.QSettings()

    def processEvents(self, flags: int = 0) -> None:
        """Handle what has happened in the user interface."""
        qt.QApplication.processEvents()

    def setOverrideCursor(self, cursor: Any) -> None:
        """Show a cursor everywhere."""
        qt.QApplication.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        """Show the cursor as it was."""
        qt.QApplication.restoreOverrideCursor()

    def palette(self) -> Any:
        """The application's colours."""
        return qt.QApplication.palette()

    def clipboard(self) -> Any:
        """The clipboard."""
        return qt.QApplication.clipboard()


def _main_window() -> Any:
    window = qt.QMainWindow()
    window.objectName = "qSlicerMainWindow"
    return window
