"""The stand-in with Qt: ``qt``, ``ctk``, Slicer's widgets, dialogs, and modules with panels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import qt
import slicer

from . import scripted_module, widgets
from .dialogs import Dialogs
from .gui_application import GuiApplication
from .headless import StandIn
from .loader import import_module, load_module, unload_module


class GuiStandIn:
    """What a test of the panel holds in its hands; code under test sees ``slicer``, ``qt`` and ``ctk``."""

    def __init__(self, core: StandIn, *, testing: bool) -> None:
        self._core = core
        self._testing = testing
        self.scene = core.scene
        self.problems = core.problems
        self.packages = core.packages
        self.slice_views = core.slice_views
        self.modules = core.modules
        widgets.install()
        slicer.ScriptedLoadableModule = scripted_module.install_module()
        self.dialogs = Dialogs()
        self.application = GuiApplication(core.scene, core.modules, core.slice_views, testing=testing)
        slicer.app = self.application
        self._loaded: list[str] = []
        qt.qInstallMessageHandler(self._qt_message)

    def reset(self) -> None:
        """Close panels and scene, forget dialogs, and play an application with a main window again."""
        for name in self._loaded:
            unload_module(name, self.modules)
        self._loaded.clear()
        self.process_events()  # panels go before their scene, and before their cycles are collected
        self._core.reset()
        slicer.app = self.application
        self.application.show_main_window(True)
        self.application.set_testing(self._testing)
        self.application.settings().clear()
        self.dialogs.reset()
        self.process_events()
        self.problems.clear()

    def load_module(self, path: Path) -> tuple[Any, Any]:
        """Load a scripted module's file, as the application does when the user selects it: module and widget."""
        module, widget = load_module(Path(path), self.modules)
        self._loaded.append(module.moduleName)
        return module, widget

    def import_module(self, path: Path) -> Any:
        """Load a scripted module's file without its panel: the module."""
        module = import_module(Path(path), self.modules)
        self._loaded.append(module.moduleName)
        return module

    def start_up(self) -> None:
        """Tell the modules that the application has started."""
        self.application.emit("startupCompleted()")

    def process_events(self) -> None:
        """Handle what has happened in the user interface, and delete what is to be deleted."""
        qt.QApplication.processEvents()
        qt.QApplication.sendPostedEvents(None, qt.QEvent.DeferredDelete)

    def wait_until(self, condition: Any, seconds: float = 120.0) -> None:
        """Handle events until a condition holds; the limit is for what never happens, not for slow machines."""
        clock = qt.QElapsedTimer()
        clock.start()
        while not condition():
            if clock.elapsed() > 1000 * seconds:
                raise AssertionError(f"it did not happen within {seconds} s")
            qt.QApplication.processEvents()
            qt.QThread.msleep(5)

    def press(self, widget: Any, x: int, y: int) -> None:
        """Press the left mouse button at a place of a widget."""
        place = qt.QPointF(x, y)
        where = (place, widget.mapToGlobal(place))
        left, no_key = qt.Qt.LeftButton, qt.Qt.NoModifier
        qt.QApplication.sendEvent(widget, qt.QMouseEvent(qt.QEvent.MouseButtonPress, *where, left, left, no_key))

    def screenshot(self, widget: Any, path: Path, width: int = 420) -> None:
        """Write a widget's picture, as wide as Slicer's panel is and as high as its content."""
        widget.resize(width, widget.height)
        widget.show()
        self.process_events()  # texts that wrap find their height
        layout = widget.layout()
        wrapped = layout.totalHeightForWidth(width) if layout is not None and layout.hasHeightForWidth() else 0
        widget.resize(width, max(widget.sizeHint.height(), wrapped))
        self.process_events()
        if not widget.grab().save(str(path)):
            raise OSError(f"no picture was written to {path}")

    def _qt_message(self, kind: Any, context: Any, text: str) -> None:
        if "propagateSizeHints" in text:  # of the off-screen platform, at every window
            return
        serious = kind in (qt.QtMsgType.QtCriticalMsg, qt.QtMsgType.QtFatalMsg)
        (self.problems.errors if serious else self.problems.warnings).append(text)
        print(text, file=sys.stderr)
