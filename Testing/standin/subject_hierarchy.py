"""Adds data nodes to the subject hierarchy, which the application's plugins do and MRML itself does not."""

from __future__ import annotations

from typing import Any

import slicer
import vtk

_SHOWN = (
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLModelNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTransformNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLPlotSeriesNode",
)


class SubjectHierarchy:
    """Gives each new data node an item, and takes the item away with the node."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        for event, react in (
            (scene.NodeAddedEvent, self._added),
            (scene.NodeAboutToBeRemovedEvent, self._leaving),
            (scene.EndImportEvent, self._imported),
        ):
            scene.AddObserver(event, react)

    def _hierarchy(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _added(self, scene: Any, event: str, node: Any) -> None:
        if not scene.IsImporting():
            self._add(node)

    def _leaving(self, scene: Any, event: str, node: Any) -> None:
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        item = self._hierarchy().GetItemByDataNode(node)
        if item:
            self._hierarchy().RemoveItem(item, False, False)

    def _imported(self, scene: Any, event: str) -> None:
        slicer.vtkMRMLSubjectHierarchyNode.ResolveSubjectHierarchy(scene)
        for node in slicer.util.getNodesByClass("vtkMRMLNode", scene):
            self._add(node)

    def _add(self, node: Any) -> None:
        if _is_shown(node) and not self._hierarchy().GetItemByDataNode(node):
            self._hierarchy().CreateItem(self._hierarchy().GetSceneItemID(), node)

    _added.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]
    _leaving.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]


def _is_shown(node: Any) -> bool:
    return not node.GetHideFromEditors() and any(node.IsA(kind) for kind in _SHOWN)
