"""Lesions as Slicer keeps them become the mask that was drawn, on the volume's grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from mrml_nodes import (
    BINARY,
    FRACTIONAL,
    SURFACE,
    add_bending,
    add_image,
    add_segment,
    add_segmentation,
    add_transform,
    block,
    noise,
    oriented,
    rotation,
    to_ras,
)

from HabitatRadiomicsLib.case import SequenceImage
from HabitatRadiomicsLib.errors import GeometryError, MaskError
from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, read_input


def read(volume: object, mask: object, segment: str = "") -> SequenceImage:
    return read_input("T1W", SequenceInput(volume, mask, segment))


def voxels_of(sequence: SequenceImage) -> np.ndarray:
    return sitk.GetArrayFromImage(sequence.mask)


def assert_drawn(sequence: SequenceImage, expected: sitk.Image) -> None:
    """The very voxels, without a warning."""
    np.testing.assert_array_equal(voxels_of(sequence), sitk.GetArrayViewFromImage(expected))
    assert sequence.mask.GetPixelID() == sitk.sitkUInt8
    assert sequence.warnings == ()


@pytest.fixture
def image() -> sitk.Image:
    """Oblique and anisotropic."""
    return noise()


@pytest.fixture
def volume(scene: object, image: sitk.Image) -> object:
    """Its node."""
    return add_image(image)


@pytest.fixture
def lesion(image: sitk.Image) -> sitk.Image:
    """A block with a notch, so that no flip of it is the same."""
    mask = block(image)
    mask[6:9, 5:7, 2:4] = 0
    return mask


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


MOTION = np.eye(4)
MOTION[:3, :3], MOTION[:3, 3] = rotation(4, 9, -33), (8.5, -3.1, 40)


@pytest.mark.parametrize("kind", ["segmentation", "label map", "surface"])
def test_a_lesion_that_moves_with_its_volume_stays_the_same(volume: object, lesion: sitk.Image, kind: str) -> None:
    transform = add_transform(MOTION)
    if kind == "label map":
        mask = add_image(lesion, "mask", "vtkMRMLLabelMapVolumeNode")
    elif kind == "surface":
        mask = ball(volume)
    else:
        mask = add_segmentation({"lesion": lesion})
    before = voxels_of(read(volume, mask))
    for node in (volume, mask):
        node.SetAndObserveTransformNodeID(transform.GetID())
    after = read(volume, mask)
    np.testing.assert_array_equal(voxels_of(after), before)
    assert not any("resampled" in warning for warning in after.warnings)


@pytest.mark.parametrize("kind", ["segmentation", "label map"])
def test_a_lesion_that_moves_alone_is_taken_to_where_it_is(
    volume: object, image: sitk.Image, lesion: sitk.Image, kind: str
) -> None:
    """Two voxels along i, and three back along j, of the volume's own axes: no resampling is needed."""
    step = np.eye(4)
    step[:3, 3] = to_ras(image)[:3, :3] @ (2, -3, 0)
    if kind == "label map":
        mask = add_image(lesion, "mask", "vtkMRMLLabelMapVolumeNode")
    else:
        mask = add_segmentation({"lesion": lesion})
    mask.SetAndObserveTransformNodeID(add_transform(step).GetID())
    expected = np.roll(sitk.GetArrayFromImage(lesion), (-3, 2), axis=(1, 2))
    found = read(volume, mask)
    np.testing.assert_array_equal(voxels_of(found), expected)


def test_a_volume_that_moves_alone_leaves_its_lesion_behind(
    volume: object, image: sitk.Image, lesion: sitk.Image
) -> None:
    step = np.eye(4)
    step[:3, 3] = to_ras(image)[:3, :3] @ (2, -3, 0)
    volume.SetAndObserveTransformNodeID(add_transform(step).GetID())
    expected = np.roll(sitk.GetArrayFromImage(lesion), (3, -2), axis=(1, 2))
    np.testing.assert_array_equal(voxels_of(read(volume, add_segmentation({"lesion": lesion}))), expected)


def test_a_lesion_on_another_grid_is_resampled_and_says_so(volume: object, image: sitk.Image, tmp_path: Path) -> None:
    mask = fine_block(image)
    found = read(volume, add_segmentation({"lesion": mask}))
    expected = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
    np.testing.assert_array_equal(voxels_of(found), sitk.GetArrayViewFromImage(expected))
    assert 0 < voxels_of(found).sum() < voxels_of(found).size
    before, after = millilitres(mask), millilitres(expected)
    assert found.warnings == (
        "The mask was not drawn on this image's grid and was resampled (nearest neighbour): "
        f"{before:.2f} ml before, {after:.2f} ml after.",
    )


def test_a_lesion_that_was_turned_is_resampled_and_says_so(
    volume: object, image: sitk.Image, lesion: sitk.Image
) -> None:
    """About a point inside the lesion, by an angle that no grid fits."""
    turn = np.eye(4)
    centre = to_ras(image)[:3] @ [11, 10, 4, 1]
    turn[:3, :3] = rotation(0, 0, 9)
    turn[:3, 3] = centre - turn[:3, :3] @ centre
    node = add_segmentation({"lesion": lesion})
    node.SetAndObserveTransformNodeID(add_transform(turn).GetID())
    found = read(volume, node)
    # Where each voxel of the volume lay before the turn, and what was drawn there.
    drawn = sitk.GetArrayFromImage(lesion)
    k, j, i = np.indices(drawn.shape)
    there = np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1)
    back = np.linalg.inv(to_ras(image)) @ np.linalg.inv(turn) @ to_ras(image) @ there
    nearest = np.rint(back[:3]).astype(int)
    size = np.array(image.GetSize())[:, None]
    inside = ((nearest >= 0) & (nearest < size)).all(axis=0)
    expected = np.zeros(drawn.size, bool)
    a, b, c = nearest[:, inside]
    expected[inside] = drawn[c, b, a] == 1
    np.testing.assert_array_equal(voxels_of(found).ravel() == 1, expected)
    assert expected.sum() != drawn.sum()
    assert "resampled (nearest neighbour)" in found.warnings[0]


def test_a_lesion_partly_outside_the_volume_is_cut_and_says_so(volume: object, image: sitk.Image) -> None:
    wide = sitk.ConstantPad(sitk.Image(image) * 0, (4, 0, 0), (0, 0, 0), 0)
    mask = block(wide, low=(1, 5, 2), high=(10, 16, 7))
    assert millilitres(mask) > 0
    found = read(volume, add_segmentation({"lesion": mask}))
    np.testing.assert_array_equal(
        voxels_of(found), sitk.GetArrayFromImage(block(image, low=(0, 5, 2), high=(6, 16, 7)))
    )
    whole, part = millilitres(mask), millilitres(block(image, low=(0, 5, 2), high=(6, 16, 7)))
    assert f"{whole:.2f} ml before, {part:.2f} ml after" in found.warnings[0]


@pytest.mark.parametrize("voxels", [(200, 0, 0), (0, 0.4, 90)], ids=["on its lattice", "between its voxels"])
def test_a_lesion_outside_the_volume_is_refused(
    volume: object, image: sitk.Image, lesion: sitk.Image, voxels: Sequence[float]
) -> None:
    lesion.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(voxels))
    with pytest.raises(MaskError, match="The mask lies outside the image: no labelled voxel falls into it") as error:
        read(volume, add_segmentation({"lesion": lesion}))
    assert error.value.where == "T1W segment"
    assert "same patient and study" in error.value.remedy


def ball(volume: object, radius: float = 7.0) -> object:
    """A sphere around the volume's middle as a closed surface."""
    source = vtk.vtkSphereSource()
    source.SetCenter(*middle_of(volume))
    source.SetRadius(radius)
    source.SetThetaResolution(96)
    source.SetPhiResolution(96)
    source.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surface")
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    add_segment(node, "lesion", SURFACE, source.GetOutput())
    return node


def middle_of(volume: object) -> np.ndarray:
    bounds = np.zeros(6)
    volume.GetRASBounds(bounds)
    return (bounds[::2] + bounds[1::2]) / 2


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.9, 0.7, 1.6)], ids=["isotropic", "anisotropic"])
def test_a_surface_holds_the_voxels_whose_centres_lie_inside(
    scene: object, spacing: tuple[float, float, float]
) -> None:
    image = noise((40, 44, 36), spacing)
    volume = add_image(image)
    found = read(volume, ball(volume))
    k, j, i = np.indices(image.GetSize()[::-1])
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ to_ras(image).T
    distance = np.linalg.norm(places[..., :3] - middle_of(volume), axis=-1) - 7.0
    inside = voxels_of(found) == 1
    # The polygons lie up to 0.02 mm inside the sphere; Slicer's stencil works slice by slice.
    sure = np.abs(distance) > 0.5 * max(spacing)
    np.testing.assert_array_equal(inside[sure], distance[sure] < 0)
    assert (~sure).sum() > 100
    ideal = 4 / 3 * np.pi * 7.0**3
    assert inside.sum() * np.prod(spacing) == pytest.approx(ideal, rel=0.03)
    assert found.warnings == (
        "The mask was made from a closed surface: a voxel whose centre lies inside belongs to it.",
    )


def test_a_surface_is_left_as_the_user_drew_it(volume: object) -> None:
    node = ball(volume)
    segmentation = node.GetSegmentation()
    surface = segmentation.GetSegment("lesion").GetRepresentation(SURFACE)
    before = segmentation.GetMTime(), surface.GetMTime(), surface.GetNumberOfPoints()
    read(volume, node)
    assert not segmentation.ContainsRepresentation(BINARY)
    assert segmentation.GetSourceRepresentationName() == SURFACE
    assert (segmentation.GetMTime(), surface.GetMTime(), surface.GetNumberOfPoints()) == before


def test_a_surface_of_which_slicer_made_a_label_map_is_still_the_surface(volume: object) -> None:
    """That label map lies on a grid of Slicer's choice."""
    node = ball(volume)
    alone = read(volume, node)
    assert node.CreateBinaryLabelmapRepresentation()
    assert node.GetSegmentation().GetSourceRepresentationName() == SURFACE
    both = read(volume, node)
    np.testing.assert_array_equal(voxels_of(both), voxels_of(alone))
    assert both.warnings == alone.warnings


def test_a_drawn_segment_shown_in_3d_is_still_the_voxels_that_were_drawn(volume: object, lesion: sitk.Image) -> None:
    node = add_segmentation({"lesion": lesion})
    assert node.CreateClosedSurfaceRepresentation()
    assert_drawn(read(volume, node), lesion)


def fractional(image: sitk.Image, part: np.ndarray, span: tuple[float, float], threshold: float | None) -> object:
    """A segmentation of a fractional label map: ``part`` of 0 to 1, stored as signed bytes between the span's ends."""
    low, high = span
    values = np.rint(low + part * (high - low)).astype(np.int8)
    data = oriented(values, to_ras(image))
    fields = [("ScalarRange", list(span))] + ([] if threshold is None else [("ThresholdValue", [threshold])])
    for name, numbers in fields:
        array = vtk.vtkDoubleArray()
        array.SetName(name)
        for number in numbers:
            array.InsertNextValue(number)
        data.GetFieldData().AddArray(array)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "fractional")
    node.GetSegmentation().SetSourceRepresentationName(FRACTIONAL)
    add_segment(node, "lesion", FRACTIONAL, data)
    return node


@pytest.mark.parametrize(
    ("span", "threshold", "told"),
    [((0, 100), None, 0.5), ((-108, 108), 0, 0.5), ((-108, 108), 54, 0.75), ((0, 100), 25, 0.25)],
)
def test_a_fractional_label_map_is_cut_at_its_threshold(
    volume: object, image: sitk.Image, span: tuple[float, float], threshold: float | None, told: float
) -> None:
    generator = np.random.default_rng(8)
    part = np.zeros(image.GetSize()[::-1])
    part[2:7, 4:15, 5:18] = generator.integers(0, 217, (5, 11, 13)) / 216
    node = fractional(image, part, span, threshold)
    stored = np.rint(span[0] + part * (span[1] - span[0]))
    cut = threshold if threshold is not None else (span[0] + span[1]) / 2
    found = read(volume, node)
    np.testing.assert_array_equal(voxels_of(found) == 1, stored >= cut)
    assert 0 < (stored >= cut).sum() < (part > 0).sum()
    assert found.warnings == (
        f"The mask was made from a fractional label map: voxels of {told:.0%} or more belong to it.",
    )


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


@pytest.mark.parametrize("kind", ["segmentation", "label map"])
def test_a_lesion_under_a_bending_transform_is_refused(volume: object, lesion: sitk.Image, kind: str) -> None:
    if kind == "label map":
        mask = add_image(lesion, "mask", "vtkMRMLLabelMapVolumeNode")
    else:
        mask = add_segmentation({"lesion": lesion})
    mask.SetAndObserveTransformNodeID(add_bending().GetID())
    with pytest.raises(GeometryError, match="transform that is not linear") as error:
        read(volume, mask)
    assert error.value.where == "T1W segment"


def test_a_lesion_under_a_shearing_transform_is_refused(volume: object, lesion: sitk.Image) -> None:
    mask = add_segmentation({"lesion": lesion})
    mask.SetAndObserveTransformNodeID(add_transform(np.array([[1, 0.3, 0], [0, 1, 0], [0, 0, 1]])).GetID())
    with pytest.raises(GeometryError, match=re.escape("not at right angles")) as error:
        read(volume, mask)
    assert error.value.where == "T1W segment"


def fine_block(image: sitk.Image) -> sitk.Image:
    """A block on an axial grid of half the spacing, somewhere in an oblique image."""
    fine = noise((40, 44, 30), (0.45, 0.35, 0.8), np.eye(3), (0, 0, 0), np.uint8)
    centre = np.array(image.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in image.GetSize()]))
    fine.SetOrigin((centre - np.array(fine.TransformContinuousIndexToPhysicalPoint((19.3, 21.6, 14.7)))).tolist())
    return block(fine, low=(3, 4, 2), high=(36, 41, 29))


def millilitres(mask: sitk.Image) -> float:
    return float(sitk.GetArrayViewFromImage(mask).sum() * np.prod(mask.GetSpacing()) / 1000)
