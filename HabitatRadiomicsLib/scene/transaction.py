"""Nodes appear in the scene all together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import slicer
import vtk


@contextmanager
def all_or_nothing(scene: Any) -> Iterator[None]:
    """Remove again every node and folder that the block added, if it does not end well."""
    added: list[Any] = []
    before = set(_items(scene))

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
        _remove_items(scene, set(_items(scene)) - before)
        raise
    finally:
        scene.RemoveObserver(tag)


# The hierarchy is no variable of the block above: an error that is kept would keep it too, beyond the end of its scene.
def _items(scene: Any) -> list[int]:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return [items.GetId(index) for index in range(items.GetNumberOfIds())]


def _remove_items(scene: Any, items: Iterable[int]) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    for item in items:
        hierarchy.RemoveItem(item)
