"""Whose image a node is and when it was made, as the subject hierarchy has it from DICOM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

_DATE_DIGITS = 8


@dataclass(frozen=True)
class Study:
    """Where a node lies in the subject hierarchy.

    Attributes:
        patient, study: items; 0: it lies under none.
        date: of the study, ``YYYYMMDD``; empty where nobody knows.
    """

    patient: int = 0
    study: int = 0
    date: str = ""

    @property
    def readable_date(self) -> str:
        """``2023-01-31``; empty where nobody knows."""
        return "-".join((self.date[:4], self.date[4:6], self.date[6:])) if self.date else ""


def study_of(node: Any) -> Study:
    """The patient and the study of a node; nothing of one that did not come from DICOM."""
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
