"""Lesions that were moved, or drawn on another grid, become a mask where they lie, on the volume's grid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from lesion_reading import ball, read, voxels_of
from mrml_nodes import (
    add_bending,
    add_image,
    add_segmentation,
    add_transform,
    block,
    noise,
    rotation,
    to_ras,
)

from HabitatRadiomicsLib.errors import GeometryError, MaskError

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
    with pytest.raises(MaskError, match="The mask lies outside the image: it has no labelled voxel inside") as error:
        read(volume, add_segmentation({"lesion": lesion}))
    assert error.value.where == "T1W segment"
    assert "same patient and study" in error.value.remedy


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
