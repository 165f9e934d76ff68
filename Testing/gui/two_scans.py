"""One patient of no clinic at two time points, as volumes and segmentations in the scene."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.volumes import add_volume

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))

from two_time_points import MOMENTS, images_of


def add_scans(*, named: bool = True, patient: int = 3) -> dict[str, SequenceInput]:
    """Volumes and segmentations of both time points; ``named`` says whether their names tell which is which."""
    inputs = {}
    for number, (moment, (image, mask)) in enumerate(images_of(patient, responds=True, core_left=0.35).items()):
        name = f"CT {moment}" if named else f"CT series {7 + number}"
        volume = add_volume(slicer.mrmlScene, image, name)
        volume.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
        inputs[f"{moment}_CT"] = SequenceInput(volume, add_lesion(mask, f"{name} lesion", volume), "lesion")
    assert tuple(inputs) == tuple(f"{moment}_CT" for moment in MOMENTS)
    return inputs


def put_into_study(nodes: list[Any], date: str, patient: int = 0) -> int:
    """Under a study of a date, of a new patient or that of an earlier call; gives the patient's item."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = patient or hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Nobody")
    study = hierarchy.CreateStudyItem(patient, f"CT chest {date}")
    hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
    for node in nodes:
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), study)
    return patient


def add_lesion(mask: sitk.Image, name: str, volume: Any) -> Any:
    """A segmentation with the segment ``lesion``, drawn on a volume."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("lesion", "lesion", (0.9, 0.2, 0.2))
    voxels = sitk.GetArrayFromImage(mask).astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment, volume)
    return node
