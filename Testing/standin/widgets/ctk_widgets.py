"""The widgets of CTK that the extension uses: their properties, slots and signals, and a plain look."""

# ruff: noqa: N801, N802, N815 (names of CTK)
from __future__ import annotations

from types import ModuleType
from typing import ClassVar

import qt
from PySide6.QtCore import Property, Signal

from .declare import of_part, one_line, plays_cpp_widget, setter, stored

ctk = ModuleType("ctk")
_UNLIMITED = 16777215
_HEADER = 24


@plays_cpp_widget(ctk)
class ctkCollapsibleButton(qt.QWidget):
    """A group with a header; a click on the header hides or shows the content."""

    contentsCollapsed = Signal(bool)
    clicked = Signal(bool)
    toggled = Signal(bool)

    def __init__(self, *arguments):
        super().__init__(*[argument for argument in arguments if not isinstance(argument, str)])
        self._text = next((argument for argument in arguments if isinstance(argument, str)), "")
        self.setContentsMargins(4, _HEADER, 4, 4)

    text = stored(str, "text", "", changed="update")
    collapsed = stored(bool, "collapsed", False, signal="contentsCollapsed", changed="_apply")
    collapsedHeight = stored(int, "collapsedHeight", 14)
    flat = stored(bool, "flat", False)
    setText, setCollapsed, setCollapsedHeight = setter("text"), setter("collapsed"), setter("collapsedHeight")
    checkable = stored(bool, "checkable", True)
    checked = Property(bool, lambda self: not self.collapsed, lambda self, value: setattr(self, "collapsed", not value))
    setChecked = setter("checked")

    def toggle(self):
        self.collapsed = not self.collapsed
        self.toggled.emit(self.checked)

    def click(self):
        self.toggle()
        self.clicked.emit(self.checked)

    def childEvent(self, event):
        super().childEvent(event)
        if event.added() and self.collapsed:
            self._apply()

    def showEvent(self, event):
        self._apply()

    def mousePressEvent(self, event):
        if event.position().y() < _HEADER:
            self.click()

    def paintEvent(self, event):
        painter = qt.QPainter(self)
        header = qt.QRect(0, 0, self.width, _HEADER - 2)
        painter.fillRect(header, self.palette.button())
        sign = "▸" if self.collapsed else "▾"
        painter.drawText(header.adjusted(6, 0, 0, 0), qt.Qt.AlignVCenter, f"{sign} {self.text}")
        painter.end()

    def _apply(self):
        for child in self.children():
            if child.inherits("QWidget"):
                child.setVisible(not self.collapsed)
        self.maximumHeight = _HEADER if self.collapsed else _UNLIMITED
        self.update()


@plays_cpp_widget(ctk)
class ctkSliderWidget(qt.QWidget):
    """A slider with a spin box."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._slider, self._spin = qt.QSlider(qt.Qt.Horizontal), qt.QDoubleSpinBox()
        self._slider.maximum = 1000
        self._spin.maximum = 99.0
        layout = one_line(self)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._slider.connect("valueChanged(int)", self._slid)
        self._spin.connect("valueChanged(double)", self._spun)

    value = of_part(float, "_spin", "value")
    minimum = of_part(float, "_spin", "minimum")
    maximum = of_part(float, "_spin", "maximum")
    singleStep = of_part(float, "_spin", "singleStep")
    decimals = of_part(int, "_spin", "decimals")
    suffix = of_part(str, "_spin", "suffix")
    prefix = of_part(str, "_spin", "prefix")
    pageStep = stored(float, "pageStep", 10.0)
    tickInterval = stored(float, "tickInterval", 0.0)
    tracking = stored(bool, "tracking", True)
    setValue, setMinimum, setMaximum = setter("value"), setter("minimum"), setter("maximum")
    setSingleStep, setDecimals, setPageStep = setter("singleStep"), setter("decimals"), setter("pageStep")
    setSuffix, setPrefix, setTracking = setter("suffix"), setter("prefix"), setter("tracking")

    def setRange(self, low, high):
        self._spin.setRange(low, high)
        self.rangeChanged.emit(low, high)

    def _span(self):
        return (self.maximum - self.minimum) or 1.0

    def _slid(self, position):
        self.value = self.minimum + self._span() * position / 1000

    def _spun(self, value):
        self._slider.blockSignals(True)
        self._slider.value = round(1000 * (value - self.minimum) / self._span())
        self._slider.blockSignals(False)
        self.valueIsChanging.emit(value)
        self.valueChanged.emit(value)


@plays_cpp_widget(ctk)
class ctkPathLineEdit(qt.QWidget):
    """A line with a path, and a button that would open a dialog."""

    Files, Drives, Hidden, System = 0x02, 0x04, 0x100, 0x200
    Dirs, Readable, Writable, Executable = 0x01, 0x10, 0x20, 0x40
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)
    cpp_signals: ClassVar = {"currentPathChanged(QString)": "currentPathChanged"}

    def __init__(self, parent=None):
        super().__init__(parent)
        self._edit, button = qt.QLineEdit(), qt.QToolButton()
        button.text = "…"
        layout = one_line(self)
        layout.addWidget(self._edit)
        layout.addWidget(button)
        self._edit.connect("textChanged(QString)", self.currentPathChanged)
        button.connect("clicked()", self.browse)

    currentPath = of_part(str, "_edit", "text")
    filters = stored(int, "filters", Files | Dirs | Readable)
    nameFilters = stored("QStringList", "nameFilters", [])
    label = stored(str, "label", "")
    settingKey = stored(str, "settingKey", "")
    showBrowseButton = stored(bool, "showBrowseButton", True)
    showHistoryButton = stored(bool, "showHistoryButton", True)
    setCurrentPath, setFilters, setNameFilters = setter("currentPath"), setter("filters"), setter("nameFilters")
    setLabel, setSettingKey = setter("label"), setter("settingKey")

    def addCurrentPathToHistory(self):
        pass

    def browse(self):
        if self.filters & self.Files:
            path = qt.QFileDialog.getOpenFileName(self, self.label or "Open a file", self.currentPath)
        else:
            path = qt.QFileDialog.getExistingDirectory(self, self.label or "Select a directory...", self.currentPath)
        if path:
            self.currentPath = path


@plays_cpp_widget(ctk)
class ctkComboBox(qt.QComboBox):
    """A combo box with a default text."""

    defaultText = stored(str, "defaultText", "")
    scrollWheelEnabled = stored(bool, "scrollWheelEnabled", True)
    setDefaultText = setter("defaultText")


@plays_cpp_widget(ctk)
class ctkDoubleSpinBox(qt.QDoubleSpinBox):
    """A spin box for fractions."""


@plays_cpp_widget(ctk)
class ctkExpandButton(qt.QToolButton):
    """A button with an arrow."""
