"""Nodes appear in the scene all together or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import slicer
import vtk


@contextmanager
def all_or_nothing(scene: Any) -> Iterator[None]:
    """Remove again every node and folder that the block added, if it does not end well."""
    added: list[Any] = []
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    before = set(_items(hierarchy))

    def note(caller: Any, event: str, node: Any) -> None:
        added.append(node)

    note.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]  # what vtk.calldata_type does
    tag = scene.AddObserver(scene.NodeAddedEvent, note)
    try:
        yield
    except BaseException:
        for node in reversed(added):
            if scene.IsNodePresent(node) and not node.IsA("vtkMRMLSubjectHierarchyNode"):
                scene.RemoveNode(node)
        for item in set(_items(hierarchy)) - before:
            hierarchy.RemoveItem(item)
        raise
    finally:
        scene.RemoveObserver(tag)


def _items(hierarchy: Any) -> list[int]:
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return [items.GetId(index) for index in range(items.GetNumberOfIds())]
