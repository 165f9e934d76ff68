"""Where nodes lie in the subject hierarchy: folders, patients and studies; and blocks that add all nodes or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import slicer
import vtk

_DATE_DIGITS = 8


@dataclass(frozen=True)
class Study:
    """The study of a node.

    Attributes:
        patient, study: item IDs; 0: the node is under none.
        date: of the study, ``YYYYMMDD``; empty if unknown.
    """

    patient: int = 0
    study: int = 0
    date: str = ""

    @property
    def readable_date(self) -> str:
        """``2023-01-31``; empty if unknown."""
        return "-".join((self.date[:4], self.date[4:6], self.date[6:])) if self.date else ""


def hierarchy_of(scene: Any) -> Any:
    """The subject hierarchy node of a scene."""
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def study_of(node: Any) -> Study:
    """The patient and the study of a node; empty for a node that did not come from DICOM."""
    hierarchy = hierarchy_of(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        return Study()
    levels = slicer.vtkMRMLSubjectHierarchyConstants
    patient = hierarchy.GetItemAncestorAtLevel(item, levels.GetDICOMLevelPatient())
    study = hierarchy.GetItemAncestorAtLevel(item, levels.GetDICOMLevelStudy())
    date = hierarchy.GetItemAttribute(study, levels.GetDICOMStudyDateAttributeName()) if study else ""
    digits = "".join(letter for letter in date if letter.isdigit())
    return Study(patient, study, digits if len(digits) == _DATE_DIGITS else "")


def folder_of(node: Any) -> int:
    """The item that holds a node; the scene's own item if none does."""
    hierarchy = hierarchy_of(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()


def move_into(node: Any, folder: int) -> None:
    """Put a node into the folder with an item ID."""
    hierarchy = hierarchy_of(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, node)


@contextmanager
def all_or_nothing(scene: Any) -> Iterator[None]:
    """Remove every node and folder that the block added if the block raises an error."""
    added: list[Any] = []
    items_before = set(_items(scene))

    def remember(caller: Any, event: str, node: Any) -> None:
        added.append(node)

    remember.CallDataType = vtk.VTK_OBJECT  # type: ignore[attr-defined]  # what vtk.calldata_type does
    tag = scene.AddObserver(scene.NodeAddedEvent, remember)
    try:
        yield
    except BaseException:
        for node in reversed(added):
            if scene.IsNodePresent(node) and not node.IsA("vtkMRMLSubjectHierarchyNode"):
                scene.RemoveNode(node)
        # No local variable may hold the hierarchy: a stored error would keep it alive after its scene.
        for item in set(_items(scene)) - items_before:
            hierarchy_of(scene).RemoveItem(item)
        raise
    finally:
        scene.RemoveObserver(tag)


def _items(scene: Any) -> list[int]:
    hierarchy = hierarchy_of(scene)
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    return [items.GetId(index) for index in range(items.GetNumberOfIds())]
