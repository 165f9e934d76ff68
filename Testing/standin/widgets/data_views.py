"""``qMRMLTableView`` and ``qMRMLPlotWidget``: which node they show, and a table's cells."""

# ruff: noqa: N801, N802, N815 (names of Slicer)
from __future__ import annotations

from typing import ClassVar

import qt
import slicer
from PySide6.QtCore import Signal

from .declare import plays_cpp_widget, setter, stored
from .observing import Observers
from .qmrml_base import qMRMLWidget


@plays_cpp_widget(slicer)
class qMRMLTableView(qt.QTableView):
    """Shows a table node, and follows it."""

    mrmlSceneChanged = Signal(object)
    cpp_signals: ClassVar = qMRMLWidget.cpp_signals

    def __init__(self, parent=None):
        super().__init__(parent)
        self._model, self._node, self._scene = qt.QStandardItemModel(), None, None
        self._observers = Observers(self._refresh)
        self.setModel(self._model)

    transposed = stored(bool, "transposed", False, changed="_refresh")
    firstRowLocked = stored(bool, "firstRowLocked", False)
    firstColumnLocked = stored(bool, "firstColumnLocked", False)
    setTransposed, setFirstRowLocked = setter("transposed"), setter("firstRowLocked")
    setFirstColumnLocked = setter("firstColumnLocked")

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlTableNode(self):
        return self._node

    def setMRMLTableNode(self, node):
        self._node = node
        self._observers.watch(node, ["ModifiedEvent"])
        self._refresh()

    def _refresh(self):
        self._model.clear()
        table = self._node.GetTable() if self._node else None
        if table is None:
            return
        columns, rows = table.GetNumberOfColumns(), table.GetNumberOfRows()
        if not self.transposed:
            self._model.setHorizontalHeaderLabels([table.GetColumnName(column) for column in range(columns)])
        for row in range(rows):
            for column in range(columns):
                place = (column, row) if self.transposed else (row, column)
                self._model.setItem(*place, qt.QStandardItem(table.GetValue(row, column).ToString()))


@plays_cpp_widget(slicer)
class qMRMLPlotView(qt.QWidget):
    """Knows the node of its view; draws nothing."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = self._view_node = None

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        self._scene = scene

    def mrmlPlotViewNode(self):
        return self._view_node

    def setMRMLPlotViewNode(self, node):
        self._view_node = node

    def fitToContent(self):
        pass


@plays_cpp_widget(slicer)
class qMRMLPlotWidget(qMRMLWidget):
    """A plot view; its controller is an empty widget."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._view, self._controller = qMRMLPlotView(), qt.QWidget()
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._controller)
        layout.addWidget(self._view)

    def plotView(self):
        return self._view

    def plotController(self):
        return self._controller

    def mrmlPlotViewNode(self):
        return self._view.mrmlPlotViewNode()

    def setMRMLPlotViewNode(self, node):
        self._view.setMRMLPlotViewNode(node)


@plays_cpp_widget(slicer)
class qMRMLTableWidget(qMRMLWidget):
    """A table view of the application's layout."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._view, self._controller = qMRMLTableView(), qt.QWidget()
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._controller)
        layout.addWidget(self._view)

    def tableView(self):
        return self._view

    def tableController(self):
        return self._controller
