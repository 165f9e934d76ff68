"""Images, nodes and drawn lesions for these tests, and what a scene holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

#: Slicer's names for how a segment may be kept.
BINARY, SURFACE, FRACTIONAL = "Binary labelmap", "Closed surface", "Fractional labelmap"

#: LPS to RAS, and back.
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """About the axes in turn, degrees; shape (3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.deg2rad((x, y, z))), np.sin(np.deg2rad((x, y, z)))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def noise(
    size: Sequence[int] = (24, 20, 8),
    spacing: Sequence[float] = (0.9, 0.7, 4.0),
    direction: np.ndarray | None = None,
    origin: Sequence[float] = (-31.7, 18.3, 204.9),
    kind: type = np.int16,
) -> sitk.Image:
    """No two neighbours alike; by default oblique."""
    voxels = np.random.default_rng(20240607).normal(120, 20, tuple(size)[::-1])
    image = sitk.GetImageFromArray(np.rint(voxels).astype(kind))
    image.SetSpacing(list(spacing))
    image.SetOrigin(list(origin))
    image.SetDirection((rotation(11, -23, 37) if direction is None else direction).ravel().tolist())
    return image


def block(image: sitk.Image, *, low: Sequence[int] = (6, 5, 2), high: Sequence[int] = (18, 16, 7)) -> sitk.Image:
    """A mask of 0 and 1 on an image's grid: the voxels from ``low`` up to, not including, ``high`` (i, j, k)."""
    voxels = np.zeros(image.GetSize()[::-1], np.uint8)
    voxels[tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1]))] = 1
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(image)
    return mask


def to_ras(image: sitk.Image) -> np.ndarray:
    """Voxel index to RAS in mm, from what SimpleITK says of three points; shape (4, 4)."""
    corner = np.array(image.TransformIndexToPhysicalPoint((0, 0, 0)))
    axes = [np.array(image.TransformContinuousIndexToPhysicalPoint(step)) - corner for step in np.eye(3).tolist()]
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = np.array(axes).T, corner
    return FLIP @ matrix


def matrix_of(volume: Any) -> np.ndarray:
    """A volume node's own matrix from voxel index to RAS, shape (4, 4)."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def add_image(image: sitk.Image, name: str = "image", kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    """A volume node by Slicer's own means."""
    return slicer.util.addVolumeFromArray(sitk.GetArrayFromImage(image), to_ras(image), name, kind)


def load(image: sitk.Image, path: Path, **properties: Any) -> Any:
    """Write an image and let Slicer load the file."""
    sitk.WriteImage(image, str(path))
    return slicer.util.loadVolume(str(path), properties)


def oriented(voxels: np.ndarray, ijk_to_ras: np.ndarray, start: Sequence[int] = (0, 0, 0)) -> Any:
    """A vtkOrientedImageData whose first voxel has the index ``start``; the matrix says where index 0 lies."""
    data = slicer.vtkOrientedImageData()
    ends = [first + count - 1 for first, count in zip(start, voxels.shape[::-1])]
    data.SetExtent(*(value for pair in zip(start, ends) for value in pair))
    kind = numpy_support.get_vtk_array_type(voxels.dtype)
    data.GetPointData().SetScalars(numpy_support.numpy_to_vtk(voxels.ravel(), deep=True, array_type=kind))
    data.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    return data


def add_segmentation(masks: Mapping[str, sitk.Image], name: str = "segmentation") -> Any:
    """A segment for each mask, on the mask's own grid; its ID is its name."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    for name_of_segment, mask in masks.items():
        add_segment(node, name_of_segment, BINARY, oriented(sitk.GetArrayFromImage(mask), to_ras(mask)))
    return node


def add_segment(node: Any, name: str, representation: str, data: Any) -> None:
    """A segment kept as ``data``; its ID is its name."""
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.AddRepresentation(representation, data)
    assert node.GetSegmentation().AddSegment(segment, name)


def add_transform(matrix: np.ndarray, parent: Any = None) -> Any:
    """A linear transform, RAS; shape (3, 3) or (4, 4)."""
    full = np.eye(4)
    full[: len(matrix), : len(matrix)] = matrix
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(full))
    if parent is not None:
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def add_bending() -> Any:
    """A transform that is not linear."""
    spline = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for corner in ((0, 0, 0), (50, 0, 0), (0, 50, 0), (0, 0, 50), (50, 50, 50)):
        source.InsertNextPoint(corner)
        target.InsertNextPoint(*(value + (3 if value == corner[0] == 50 else 0) for value in corner))
    spline.SetSourceLandmarks(source)
    spline.SetTargetLandmarks(target)
    spline.SetBasisToR()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetAndObserveTransformToParent(spline)
    return node


def column_values(node: Any, title: str) -> list[Any]:
    """A column of a table node, numbers or text."""
    column = node.GetTable().GetColumnByName(title)
    return [column.GetValue(row) for row in range(column.GetNumberOfValues())]


def contents(scene: Any) -> tuple[list[str], list[str]]:
    """The IDs of all nodes, and the names of all items of the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = [scene.GetNthNode(index).GetID() for index in range(scene.GetNumberOfNodes())]
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    found = [items.GetId(index) for index in range(items.GetNumberOfIds())]
    return sorted(nodes), sorted(f"{item} {hierarchy.GetItemName(item)}" for item in found)


def assert_same_image(found: sitk.Image, expected: sitk.Image) -> None:
    """Bit for bit: pixel type, grid and voxels."""
    assert found.GetPixelIDTypeAsString() == expected.GetPixelIDTypeAsString()
    assert found.GetSize() == expected.GetSize()
    assert found.GetSpacing() == expected.GetSpacing()
    assert found.GetOrigin() == expected.GetOrigin()
    assert found.GetDirection() == expected.GetDirection()
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(found), sitk.GetArrayViewFromImage(expected))


def load_inputs(files: Mapping[str, tuple[Path, Path]]) -> dict[str, SequenceInput]:
    """Images and masks as Slicer loads them: the first mask as a segmentation, the others as label map volumes."""
    inputs = {}
    for name, (image, mask) in files.items():
        volume = slicer.util.loadVolume(str(image), {"name": name})
        if inputs:
            lesion = slicer.util.loadLabelVolume(str(mask), {"name": f"{name} lesion"})
        else:
            lesion = slicer.util.loadSegmentation(str(mask), {"name": f"{name} lesion"})
        inputs[name] = SequenceInput(volume, lesion)
    return inputs
