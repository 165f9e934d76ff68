"""``slicer.app.layoutManager()``: the real layout logic, the off-screen slice views, and empty widgets."""

# ruff: noqa: N801, N802, N815 (names of Slicer)
from __future__ import annotations

from typing import Any

import qt
import slicer
from PySide6.QtCore import Property, Signal

from ..slice_view import SliceView
from .data_views import qMRMLPlotWidget, qMRMLTableWidget
from .declare import plays_cpp_widget
from .qmrml_base import qMRMLWidget


@plays_cpp_widget(slicer)
class qMRMLSliceControllerWidget(qt.QWidget):
    """The bar above a slice view, as far as code drives it."""

    def __init__(self, view: SliceView):
        super().__init__()
        self._slice_view = view

    def setSliceVisible(self, visible):
        self._slice_view.node.SetSliceVisible(visible)

    def setSliceOffsetValue(self, offset):
        self._slice_view.logic.SetSliceOffset(offset)

    def fitSliceToBackground(self):
        self._slice_view.logic.FitSliceToBackground()

    def mrmlSliceNode(self):
        return self._slice_view.node


@plays_cpp_widget(slicer)
class qMRMLSliceWidget(qMRMLWidget):
    """A slice view of the application's layout; the pictures are in the stand-in's ``slice_views``."""

    def __init__(self, view: SliceView):
        super().__init__()
        self._slice_view, self._controller, self._empty_view = view, qMRMLSliceControllerWidget(view), _View()

    def sliceLogic(self):
        return self._slice_view.logic

    def mrmlSliceNode(self):
        return self._slice_view.node

    def mrmlSliceCompositeNode(self):
        return self._slice_view.composite_node

    def sliceController(self):
        return self._controller

    def sliceView(self):
        return self._empty_view

    def fitSliceToBackground(self):
        self._slice_view.logic.FitSliceToBackground()


@plays_cpp_widget(slicer)
class qMRMLThreeDWidget(qMRMLWidget):
    """A 3D view, without a picture."""

    def __init__(self):
        super().__init__()
        self._empty_view, self._controller = _View(), qt.QWidget()

    def threeDView(self):
        return self._empty_view

    def threeDController(self):
        return self._controller


@plays_cpp_widget(slicer)
class _View(qt.QWidget):
    """The picture part of a view."""

    def forceRender(self):
        pass

    def scheduleRender(self):
        pass

    def resetFocalPoint(self):
        pass

    def resetCamera(self):
        pass


@plays_cpp_widget(slicer)
class qSlicerLayoutManager(qt.QObject):
    """Arranges the views: none is shown, but code may ask for all of them."""

    layoutChanged = Signal(int)

    def __init__(self, scene: Any, application_logic: Any, slice_views: dict[str, SliceView]):
        super().__init__()
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        self._scene = scene
        self._application_logic = application_logic
        self._slices = {name: qMRMLSliceWidget(view) for name, view in slice_views.items()}
        self._three_d, self._plot, self._table = qMRMLThreeDWidget(), qMRMLPlotWidget(), qMRMLTableWidget()

    layout = Property(
        int,
        lambda self: self._logic.GetLayoutNode().GetViewArrangement(),
        lambda self, number: self.setLayout(number),
        notify=layoutChanged,
    )
    threeDViewCount = Property(int, lambda self: 1)
    plotViewCount = Property(int, lambda self: 1)
    tableViewCount = Property(int, lambda self: 1)

    def setLayout(self, number):
        node = self._logic.GetLayoutNode()
        if node.GetViewArrangement() != number:
            node.SetViewArrangement(number)
            self.layoutChanged.emit(number)

    def mrmlScene(self):
        return self._scene

    def layoutLogic(self):
        return self._logic

    def mrmlSliceLogics(self):
        return self._application_logic.GetSliceLogics()

    def mrmlViewLogics(self):
        return self._application_logic.GetViewLogics()

    def sliceViewNames(self):
        return tuple(self._slices)

    def sliceWidget(self, name):
        return self._slices.get(name)

    def threeDWidget(self, number):
        return self._three_d

    def plotWidget(self, number):
        views = slicer.util.getNodesByClass("vtkMRMLPlotViewNode", self._scene)
        self._plot.setMRMLPlotViewNode(views[0] if views else None)
        return self._plot

    def tableWidget(self, number):
        return self._table

    def resetSliceViews(self):
        for widget in self._slices.values():
            widget.fitSliceToBackground()

    def resetThreeDViews(self):
        pass

    def setRenderPaused(self, paused):
        pass
