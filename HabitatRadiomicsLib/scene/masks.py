"""Lesions drawn in the scene as label images: segments of every representation, and label map volumes; and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from HabitatRadiomicsLib.cases import TOLERANCE_VOXELS
from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.scene.volumes import ijk_to_ras_of, image_of, placed_image, world_matrix


def choices_of(node: Any) -> dict[str, str]:
    """What can be chosen in a segmentation or label map: the name shown, by segment ID or label."""
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        array = slicer.util.arrayFromVolume(node) if node.GetImageData() is not None else np.zeros(0)
        return {str(int(value)): _label_name(node, int(value)) for value in np.unique(array) if value != 0}
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {segment_id: segmentation.GetSegment(segment_id).GetName() for segment_id in ids}


def lesion_of(
    node: Any, choice: str, image: sitk.Image, *, where: str
) -> tuple[sitk.Image, int | None, tuple[str, ...]]:
    """A segment, or a label of a label map volume; on the image's grid if its own is a part of it.

    Args:
        node: vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode.
        choice: segment ID, or the label as text; empty takes the only one there is.
        image: of the lesion, in world coordinates.

    Returns:
        A label image in world coordinates; the lesion's label, None: the only one there is; and notes on how the image
        was made.

    Raises:
        MaskError: no such segment or label, or nothing is drawn in it.
        GeometryError: a parent transform is not linear.
    """
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        return image_of(node, where=where), _chosen_label(node, choice, where), ()
    if not node.IsA("vtkMRMLSegmentationNode"):
        raise MaskError("It is neither a segmentation nor a label map.", where=where, remedy="Choose one of these.")
    segment_id = _chosen_segment(node, choice, where)
    to_world = world_matrix(node, where=where)
    data, notes = _labelmap(node.GetSegmentation(), segment_id, to_world, image)
    extent = data.GetExtent()
    if any(low > high for low, high in zip(extent[::2], extent[1::2])):
        raise MaskError("The segment is empty: nothing is drawn in it.", where=where, remedy="Draw the lesion first.")
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    ijk_to_ras = to_world @ slicer.util.arrayFromVTKMatrix(matrix)
    ijk_to_ras[:, 3] = ijk_to_ras @ [extent[0], extent[2], extent[4], 1]
    return _on_grid_of(image, placed_image(data, ijk_to_ras, where=where)), 1, notes


def add_segmentation(
    scene: Any, name: str, reference: Any, segments: Mapping[str, tuple[np.ndarray, tuple[float, float, float]]]
) -> Any:
    """A new segmentation node on the grid of a volume node.

    Args:
        reference: the volume node.
        segments: voxels of 0 and 1, shape (k, j, i), and colour, by name, which is the segment's ID too.
    """
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", scene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    for segment, (voxels, colour) in segments.items():
        node.GetSegmentation().AddEmptySegment(segment, segment, colour)
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels.astype(np.uint8), node, segment, reference)
    return node


def _chosen_label(node: Any, choice: str, where: str) -> int | None:
    if not choice:
        return None
    try:
        return int(choice)
    except ValueError:  # left over from a segmentation that was chosen before
        present = ", ".join(choices_of(node)) or "none"
        raise MaskError(
            f"Label {choice} is not in the mask.", where=where, remedy=f"Labels present: {present}."
        ) from None


def _chosen_segment(node: Any, choice: str, where: str) -> str:
    choices = choices_of(node)
    if choice in choices:
        return choice
    if not choices:
        raise MaskError("The segmentation has no segments.", where=where, remedy="Draw the lesion first.")
    if not choice and len(choices) == 1:
        return next(iter(choices))
    problem = "There is no such segment." if choice else "The segmentation has several segments, and none is chosen."
    raise MaskError(problem, where=where, remedy=f"Choose one of: {', '.join(choices.values())}.")


def _labelmap(
    segmentation: Any, segment_id: str, to_world: np.ndarray, image: sitk.Image
) -> tuple[Any, tuple[str, ...]]:
    """The segment as a vtkOrientedImageData of 0 and 1 in the segmentation's own space, and notes."""
    names = slicer.vtkSegmentationConverter
    binary, surface = names.GetBinaryLabelmapRepresentationName(), names.GetClosedSurfaceRepresentationName()
    fractional = names.GetFractionalLabelmapRepresentationName()
    segment = segmentation.GetSegment(segment_id)
    drawn_as_surface = segmentation.GetSourceRepresentationName() == surface
    if segment.GetRepresentation(fractional) is not None and not segmentation.ContainsRepresentation(binary):
        return _thresholded(segment.GetRepresentation(fractional))
    if segment.GetRepresentation(binary) is not None and not drawn_as_surface:
        return _one_label(segment, binary), ()
    if segment.GetRepresentation(surface) is not None:
        note = "The mask was made from a closed surface: a voxel whose centre lies inside belongs to it."
        return _rasterised(segmentation, segment_id, to_world, image), (note,)
    empty = slicer.vtkOrientedImageData()
    empty.SetExtent(0, -1, 0, -1, 0, -1)
    return empty, ()


def _one_label(segment: Any, binary: str) -> Any:
    """Segments may share one label map: the voxels of the others become 0."""
    return _ones_between(segment.GetRepresentation(binary), segment.GetLabelValue(), segment.GetLabelValue())


def _thresholded(data: Any) -> tuple[Any, tuple[str, ...]]:
    names = slicer.vtkSegmentationConverter
    threshold = data.GetFieldData().GetArray(names.GetThresholdValueFieldName())
    value_range = data.GetFieldData().GetArray(names.GetScalarRangeFieldName())
    low, high = (value_range.GetValue(0), value_range.GetValue(1)) if value_range is not None else data.GetScalarRange()
    cut = threshold.GetValue(0) if threshold is not None else (low + high) / 2
    fraction = (cut - low) / (high - low) if high > low else 0.5
    note = f"The mask was made from a fractional label map: voxels of {fraction:.0%} or more belong to it."
    return _ones_between(data, cut, vtk.VTK_DOUBLE_MAX), (note,)


def _ones_between(data: Any, low: float, high: float) -> Any:
    """A vtkOrientedImageData: 1 where the value lies between two bounds, else 0."""
    threshold = vtk.vtkImageThreshold()
    threshold.SetInputData(data)
    threshold.ThresholdBetween(low, high)
    threshold.SetInValue(1)
    threshold.SetOutValue(0)
    threshold.SetOutputScalarTypeToUnsignedChar()
    threshold.Update()
    matrix = vtk.vtkMatrix4x4()
    data.GetImageToWorldMatrix(matrix)
    binary = slicer.vtkOrientedImageData()
    binary.ShallowCopy(threshold.GetOutput())
    binary.SetGeometryFromImageToWorldMatrix(matrix)
    return binary


def _rasterised(segmentation: Any, segment_id: str, to_world: np.ndarray, image: sitk.Image) -> Any:
    """A closed surface on the image's grid; on a copy, so that the user's segmentation stays as it is."""
    names = slicer.vtkSegmentationConverter
    surface = names.GetClosedSurfaceRepresentationName()
    copy = slicer.vtkSegmentation()
    copy.SetSourceRepresentationName(surface)
    copy.CopySegmentFromSegmentation(segmentation, segment_id)
    grid = slicer.vtkOrientedImageData()
    grid.SetExtent(*(value for size in image.GetSize() for value in (0, size - 1)))
    ijk_to_segmentation = np.linalg.inv(to_world) @ ijk_to_ras_of(image)
    grid.SetGeometryFromImageToWorldMatrix(slicer.util.vtkMatrixFromArray(ijk_to_segmentation))
    copy.SetConversionParameter(names.GetReferenceImageGeometryParameterName(), names.SerializeImageGeometry(grid))
    binary = names.GetBinaryLabelmapRepresentationName()
    copy.CreateRepresentation(binary, True)
    return _one_label(copy.GetSegment(segment_id), binary)


def _on_grid_of(image: sitk.Image, drawn: sitk.Image) -> sitk.Image:
    """Labels on the image's grid, if theirs is a part of it: Slicer stores a segment cropped to what is drawn.

    Labels on another grid, or drawn beyond the image, are returned as they are; the case's reader resamples them with a
    warning.
    """
    offset = np.linalg.inv(ijk_to_ras_of(image)) @ ijk_to_ras_of(drawn)
    start = np.rint(offset[:3, 3]).astype(int)
    # The far corner of the drawn part, in the image's voxels, reveals any rotation or scaling.
    far = offset @ [*drawn.GetSize(), 1]
    end = start + drawn.GetSize()
    if np.abs([offset[:3, 3] - start, far[:3] - end]).max() > TOLERANCE_VOXELS:
        return drawn
    if np.abs(offset[:3, :3] - np.eye(3)).max() > TOLERANCE_VOXELS:
        return drawn
    size = np.array(image.GetSize())
    low, high = np.clip(start, 0, size), np.clip(end, 0, size)
    part = sitk.GetArrayViewFromImage(drawn)[_box(low - start, high - start)]
    if np.count_nonzero(part) < np.count_nonzero(sitk.GetArrayViewFromImage(drawn)):
        return drawn
    voxels = np.zeros(size[::-1], dtype=np.uint8)
    voxels[_box(low, high)] = part
    labels = sitk.GetImageFromArray(voxels)
    labels.CopyInformation(image)
    return labels


def _box(low: np.ndarray, high: np.ndarray) -> tuple[slice, ...]:
    """Slices of an array, whose axes are k, j, i, from bounds in i, j, k."""
    return tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1]))


def _label_name(node: Any, value: int) -> str:
    display = node.GetDisplayNode()
    colours = display.GetColorNode() if display is not None else None
    name = colours.GetColorName(value) if colours is not None else ""
    return f"{value} ({name})" if name and name != str(value) else str(value)
