"""Lesions as Slicer keeps them become the mask that was drawn, on the volume's grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from lesion_reading import assert_drawn, read, voxels_of
from mrml_nodes import (
    BINARY,
    add_image,
    add_segment,
    add_segmentation,
    block,
    noise,
    oriented,
    to_ras,
)

from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.scene.masks import choices_of


def test_a_segment_is_the_voxels_that_were_drawn(volume: object, lesion: sitk.Image) -> None:
    assert_drawn(read(volume, add_segmentation({"lesion": lesion})), lesion)


@pytest.mark.parametrize("start", [(6, 5, 2), (0, 0, 0), (3, 1, 2)])
def test_a_cropped_segment_lies_where_it_was_drawn(
    volume: object, lesion: sitk.Image, start: tuple[int, int, int]
) -> None:
    i, j, k = start
    part = np.ascontiguousarray(sitk.GetArrayFromImage(lesion)[k:7, j:16, i:18])
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    add_segment(node, "lesion", BINARY, oriented(part, to_ras(lesion), start))
    assert_drawn(read(volume, node), lesion)


def test_a_cropped_segment_with_an_origin_of_its_own_lies_where_it_was_drawn(
    volume: object, lesion: sitk.Image
) -> None:
    part = lesion[6:18, 5:16, 2:7]
    assert part.GetOrigin() != lesion.GetOrigin()
    assert_drawn(read(volume, add_segmentation({"lesion": part})), lesion)


def test_a_segment_kept_with_its_axes_in_another_order_is_the_voxels_that_were_drawn(scene: object) -> None:
    """Of a cube, first and last voxel are the same in any order."""
    image = noise((12, 12, 12), (2.0, 2.0, 2.0))
    lesion = block(image, low=(1, 3, 2), high=(10, 8, 5))
    found = read(add_image(image), add_segmentation({"lesion": sitk.PermuteAxes(lesion, (1, 2, 0))}))
    np.testing.assert_array_equal(voxels_of(found), sitk.GetArrayViewFromImage(lesion))


def test_a_segment_of_the_segment_editor_is_the_voxels_that_were_drawn(volume: object, lesion: sitk.Image) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segment = node.GetSegmentation().AddEmptySegment("lesion")
    slicer.util.updateSegmentBinaryLabelmapFromArray(sitk.GetArrayFromImage(lesion), node, segment, volume)
    assert_drawn(read(volume, node), lesion)


def test_a_saved_segmentation_is_the_voxels_that_were_drawn(volume: object, lesion: sitk.Image, tmp_path: Path) -> None:
    path = tmp_path / "lesion.seg.nrrd"
    assert slicer.util.saveNode(add_segmentation({"lesion": lesion}), str(path))
    slicer.mrmlScene.RemoveNode(slicer.util.getNode("segmentation"))
    assert_drawn(read(volume, slicer.util.loadSegmentation(str(path))), lesion)


def test_segments_that_share_a_label_map_are_told_apart(volume: object, image: sitk.Image, lesion: sitk.Image) -> None:
    other = block(image, low=(0, 0, 0), high=(5, 5, 8))
    node = add_segmentation({"lesion": lesion, "cord": other})
    segmentation = node.GetSegmentation()
    segmentation.CollapseBinaryLabelmaps(False)
    assert segmentation.GetNumberOfLayers(BINARY) == 1
    assert_drawn(read(volume, node, "lesion"), lesion)
    assert_drawn(read(volume, node, "cord"), other)


def test_segments_that_overlap_keep_all_their_voxels(volume: object, image: sitk.Image, lesion: sitk.Image) -> None:
    other = block(image, low=(8, 7, 3), high=(22, 14, 8))
    node = add_segmentation({"lesion": lesion, "oedema": other})
    node.GetSegmentation().CollapseBinaryLabelmaps(False)
    assert node.GetSegmentation().GetNumberOfLayers(BINARY) == 2
    assert_drawn(read(volume, node, "lesion"), lesion)
    assert_drawn(read(volume, node, "oedema"), other)


def test_a_label_map_volume_with_one_label_needs_no_choice(volume: object, lesion: sitk.Image) -> None:
    mask = add_image(lesion * 7, "mask", "vtkMRMLLabelMapVolumeNode")
    assert_drawn(read(volume, mask), lesion)
    assert_drawn(read(volume, mask, "7"), lesion)


def test_a_label_map_volume_with_several_labels_wants_a_choice(
    volume: object, image: sitk.Image, lesion: sitk.Image
) -> None:
    other = block(image, low=(0, 0, 0), high=(5, 5, 8))
    mask = add_image(lesion + other * 3, "mask", "vtkMRMLLabelMapVolumeNode")
    assert list(choices_of(mask)) == ["1", "3"]
    assert_drawn(read(volume, mask, "1"), lesion)
    assert_drawn(read(volume, mask, "3"), other)
    with pytest.raises(MaskError, match=r"The mask has several labels \(1, 3\)"):
        read(volume, mask)


def test_choices_are_shown_by_name(volume: object, lesion: sitk.Image) -> None:
    node = add_segmentation({"lesion": lesion, "cord": lesion})
    node.GetSegmentation().GetSegment("lesion").SetName("Metastasis L3")
    assert choices_of(node) == {"lesion": "Metastasis L3", "cord": "cord"}
    mask = add_image(lesion * 2, "mask", "vtkMRMLLabelMapVolumeNode")
    mask.SetAndObserveDisplayNodeID(None)
    assert choices_of(mask) == {"2": "2"}
    mask.CreateDefaultDisplayNodes()
    colours = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode")
    colours.SetTypeToUser()
    colours.SetNumberOfColors(3)
    colours.SetColor(2, "tumour", 1, 0, 0)
    mask.GetDisplayNode().SetAndObserveColorNodeID(colours.GetID())
    assert choices_of(mask) == {"2": "2 (tumour)"}
    assert choices_of(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")) == {}


def test_an_empty_segment_is_refused(volume: object, image: sitk.Image) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    node.GetSegmentation().AddEmptySegment("lesion")
    with pytest.raises(MaskError, match="The segment is empty: nothing is drawn in it") as error:
        read(volume, node)
    assert error.value.where == "T1W segment"
    assert error.value.remedy == "Draw the lesion first."
    erased = add_segmentation({"lesion": block(image, high=(6, 5, 2))})
    with pytest.raises(MaskError, match="empty"):
        read(volume, erased)


def test_a_segment_that_was_deleted_is_refused(volume: object, lesion: sitk.Image) -> None:
    node = add_segmentation({"lesion": lesion, "cord": lesion})
    node.GetSegmentation().RemoveSegment("cord")
    with pytest.raises(MaskError, match="There is no such segment") as error:
        read(volume, node, "cord")
    assert error.value.remedy == "Choose one of: lesion."


def test_several_segments_want_a_choice(volume: object, lesion: sitk.Image) -> None:
    node = add_segmentation({"lesion": lesion, "cord": lesion})
    with pytest.raises(MaskError, match="The segmentation has several segments, and none is chosen") as error:
        read(volume, node)
    assert error.value.remedy == "Choose one of: lesion, cord."


def test_a_segmentation_without_segments_is_refused(volume: object) -> None:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    with pytest.raises(MaskError, match="The segmentation has no segments") as error:
        read(volume, node)
    assert error.value.remedy == "Draw the lesion first."


@pytest.mark.parametrize("choice", ["4", "Segment_1"])
def test_a_label_that_is_not_there_is_refused(volume: object, lesion: sitk.Image, choice: str) -> None:
    """A choice may be left over from another node."""
    mask = add_image(lesion * 2, "mask", "vtkMRMLLabelMapVolumeNode")
    with pytest.raises(MaskError, match=f"Label {choice} is not in the mask.") as error:
        read(volume, mask, choice)
    assert error.value.where == "T1W segment"
    assert error.value.remedy == "Labels present: 2."


def test_a_label_map_volume_without_labels_is_refused(volume: object, lesion: sitk.Image) -> None:
    mask = add_image(lesion * 0, "mask", "vtkMRMLLabelMapVolumeNode")
    with pytest.raises(MaskError, match="The mask is empty: no voxel is labelled"):
        read(volume, mask)
