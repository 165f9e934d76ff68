"""``qMRMLNodeComboBox`` and ``qMRMLSegmentSelectorWidget``."""

# ruff: noqa: N801, N802, N815 (names of Slicer)
from __future__ import annotations

from typing import ClassVar

import qt
import slicer
from PySide6.QtCore import Property, Signal

from .declare import one_line, plays_cpp_widget, setter, stored
from .observing import Observers
from .qmrml_base import qMRMLWidget


@plays_cpp_widget(slicer)
class qMRMLNodeComboBox(qMRMLWidget):
    """Lets the user choose a node of some classes, or none."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    currentNodeRenamed = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    _validNodeChanged = Signal(bool)
    cpp_signals: ClassVar = {
        **qMRMLWidget.cpp_signals,
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentNodeChanged(bool)": "_validNodeChanged",
        "currentNodeIDChanged(QString)": "currentNodeIDChanged",
        "nodeActivated(vtkMRMLNode*)": "nodeActivated",
        "nodeAdded(vtkMRMLNode*)": "nodeAdded",
        "nodeAddedByUser(vtkMRMLNode*)": "nodeAddedByUser",
    }

    def __init__(self, parent=None):
        super().__init__(parent)
        self._combo, self._nodes, self._current = qt.QComboBox(), [], None
        self._observers = Observers(self._refresh)
        one_line(self).addWidget(self._combo)
        self._combo.connect("currentIndexChanged(int)", self._chosen)
        self._combo.connect("activated(int)", lambda index: self.nodeActivated.emit(self.currentNode()))

    nodeTypes = stored("QStringList", "nodeTypes", [], changed="_refresh")
    hideChildNodeTypes = stored("QStringList", "hideChildNodeTypes", [], changed="_refresh")
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True, changed="_refresh")
    showHidden = stored(bool, "showHidden", False, changed="_refresh")
    noneEnabled = stored(bool, "noneEnabled", False, changed="_refresh")
    noneDisplay = stored(str, "noneDisplay", "None", changed="_refresh")
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    editEnabled = stored(bool, "editEnabled", False)
    renameEnabled = stored(bool, "renameEnabled", False)
    selectNodeUponCreation = stored(bool, "selectNodeUponCreation", True)
    baseName = stored(str, "baseName", "")
    setNodeTypes, setShowChildNodeTypes = setter("nodeTypes"), setter("showChildNodeTypes")
    setShowHidden, setNoneEnabled, setNoneDisplay = setter("showHidden"), setter("noneEnabled"), setter("noneDisplay")
    setAddEnabled, setRemoveEnabled = setter("addEnabled"), setter("removeEnabled")
    setRenameEnabled, setEditEnabled = setter("renameEnabled"), setter("editEnabled")
    setSelectNodeUponCreation, setBaseName = setter("selectNodeUponCreation"), setter("baseName")
    currentNodeID = Property(
        str,
        lambda self: self._current.GetID() if self._current else "",
        lambda self, identifier: self.setCurrentNodeID(identifier),
    )

    def setMRMLScene(self, scene):
        names = ("NodeAddedEvent", "NodeRemovedEvent", "EndCloseEvent", "EndImportEvent", "EndBatchProcessEvent")
        self._observers.watch(scene, [getattr(scene, name) for name in names if scene])
        super().setMRMLScene(scene)
        self._refresh()

    def currentNode(self):
        return self._current

    def setCurrentNode(self, node):
        if isinstance(node, str):
            node = self.mrmlScene().GetNodeByID(node)
        first = 0 if self.noneEnabled else -1
        self._combo.setCurrentIndex(self._nodes.index(node) if node in self._nodes else first)

    def setCurrentNodeID(self, identifier):
        self.setCurrentNode(self.mrmlScene().GetNodeByID(identifier) if identifier else None)

    def setCurrentNodeIndex(self, index):
        self._combo.setCurrentIndex(index + self._nodes.count(None))

    def nodeCount(self):
        return len(self._nodes) - self._nodes.count(None)

    def nodeFromIndex(self, index):
        return self._nodes[index + self._nodes.count(None)]

    def addAttribute(self, node_type, name, value=None):
        self.__dict__.setdefault("_attributes", []).append((node_type, name, value))
        self._refresh()

    def addNode(self):
        node = self.mrmlScene().AddNewNodeByClass(self.nodeTypes[0], self.baseName)
        self.nodeAdded.emit(node)
        self.nodeAddedByUser.emit(node)
        if self.selectNodeUponCreation:
            self.setCurrentNode(node)
        return node

    def _offers(self, node):
        if node.GetHideFromEditors() and not self.showHidden:
            return False
        hidden = any(node.IsA(kind) for kind in self.hideChildNodeTypes)
        for kind in self.nodeTypes:
            if node.GetClassName() == kind or (self.showChildNodeTypes and node.IsA(kind) and not hidden):
                return all(
                    node.GetAttribute(name) == value if value is not None else node.GetAttribute(name) is not None
                    for of_type, name, value in self.__dict__.get("_attributes", [])
                    if of_type == kind
                )
        return False

    def _refresh(self):
        scene = self.mrmlScene()
        if scene is None:
            nodes = []
        else:
            everything = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
            nodes = [node for node in everything if self._offers(node)]
        self._nodes = [None, *nodes] if self.noneEnabled else nodes
        self._combo.blockSignals(True)
        self._combo.clear()
        self._combo.addItems([node.GetName() or "" if node else self.noneDisplay for node in self._nodes])
        kept = self._nodes.index(self._current) if self._current in self._nodes else min(0, len(self._nodes) - 1)
        self._combo.setCurrentIndex(kept)
        self._combo.blockSignals(False)
        self._chosen(kept)

    def _chosen(self, index):
        node = self._nodes[index] if 0 <= index < len(self._nodes) else None
        if node is self._current:
            return
        self._current = node
        self.currentNodeChanged.emit(node)
        self._validNodeChanged.emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node else "")


@plays_cpp_widget(slicer)
class qMRMLSegmentSelectorWidget(qMRMLWidget):
    """Lets the user choose a segmentation and one of its segments."""

    currentNodeChanged = Signal(object)
    currentSegmentChanged = Signal(str)
    segmentSelectionChanged = Signal("QStringList")
    cpp_signals: ClassVar = {
        **qMRMLWidget.cpp_signals,
        "currentNodeChanged(vtkMRMLNode*)": "currentNodeChanged",
        "currentSegmentChanged(QString)": "currentSegmentChanged",
        "segmentSelectionChanged(QStringList)": "segmentSelectionChanged",
    }

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node_selector, self._segments, self._ids = qMRMLNodeComboBox(), qt.QComboBox(), []
        self._node_selector.nodeTypes = ["vtkMRMLSegmentationNode"]
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._node_selector)
        layout.addWidget(self._segments)
        self._node_selector.connect("currentNodeChanged(vtkMRMLNode*)", self._node_chosen)
        self._segments.connect("currentIndexChanged(int)", self._segment_chosen)

    noneEnabled = Property(
        bool,
        lambda self: self._node_selector.noneEnabled,
        lambda self, value: setattr(self._node_selector, "noneEnabled", value),
    )
    editEnabled = stored(bool, "editEnabled", False)
    multiSelection = stored(bool, "multiSelection", False)
    horizontalLayout = stored(bool, "horizontalLayout", False)
    segmentationNodeSelectorVisible = stored(bool, "segmentationNodeSelectorVisible", True, changed="_show_selector")
    setNoneEnabled, setEditEnabled = setter("noneEnabled"), setter("editEnabled")
    setMultiSelection = setter("multiSelection")
    setSegmentationNodeSelectorVisible = setter("segmentationNodeSelectorVisible")

    def setMRMLScene(self, scene):
        super().setMRMLScene(scene)
        self._node_selector.setMRMLScene(scene)

    def currentNode(self):
        return self._node_selector.currentNode()

    def currentNodeID(self):
        return self._node_selector.currentNodeID

    def setCurrentNode(self, node):
        self._node_selector.setCurrentNode(node)

    def setCurrentNodeID(self, identifier):
        self._node_selector.setCurrentNodeID(identifier)

    def currentSegmentID(self):
        index = self._segments.currentIndex
        return self._ids[index] if 0 <= index < len(self._ids) else ""

    def setCurrentSegmentID(self, identifier):
        self._segments.setCurrentIndex(self._ids.index(identifier) if identifier in self._ids else -1)

    def segmentIDs(self):
        return tuple(self._ids)

    def selectedSegmentIDs(self):
        return (self.currentSegmentID(),) if self.currentSegmentID() else ()

    def _show_selector(self):
        self._node_selector.setVisible(self.segmentationNodeSelectorVisible)

    def _node_chosen(self, node):
        segmentation = node.GetSegmentation() if node else None
        count = segmentation.GetNumberOfSegments() if segmentation else 0
        self._ids = [segmentation.GetNthSegmentID(number) for number in range(count)]
        self._segments.clear()
        self._segments.addItems([segmentation.GetSegment(identifier).GetName() for identifier in self._ids])
        self.currentNodeChanged.emit(node)

    def _segment_chosen(self, index):
        self.currentSegmentChanged.emit(self.currentSegmentID())
        self.segmentSelectionChanged.emit(list(self.selectedSegmentIDs()))
