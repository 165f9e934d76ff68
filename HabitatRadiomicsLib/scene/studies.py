"""The patient and study date of a node, taken by the subject hierarchy from DICOM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

_DATE_DIGITS = 8


@dataclass(frozen=True)
class Study:
    """A node's position in the subject hierarchy.

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


def study_of(node: Any) -> Study:
    """The patient and the study of a node; empty for a node that did not come from DICOM."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        return Study()
    levels = slicer.vtkMRMLSubjectHierarchyConstants
    patient = hierarchy.GetItemAncestorAtLevel(item, levels.GetDICOMLevelPatient())
    study = hierarchy.GetItemAncestorAtLevel(item, levels.GetDICOMLevelStudy())
    date = hierarchy.GetItemAttribute(study, levels.GetDICOMStudyDateAttributeName()) if study else ""
    digits = "".join(letter for letter in date if letter.isdigit())
    return Study(patient, study, digits if len(digits) == _DATE_DIGITS else "")
