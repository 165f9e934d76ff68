"""Volume nodes are the images that SimpleITK reads from the same files, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from hypothesis import given, settings
from hypothesis import strategies as st
from mrml_nodes import (
    add_bending,
    add_image,
    add_transform,
    assert_same_image,
    load,
    matrix_of,
    noise,
    rotation,
    to_ras,
)

from HabitatRadiomicsLib.cases.geometry import canonical_grid
from HabitatRadiomicsLib.errors import GeometryError, ImageError
from HabitatRadiomicsLib.scene.volumes import add_volume, image_of

AXIAL = np.eye(3)
OBLIQUE = rotation(11, -23, 37)
GRIDS = {
    "axial": (AXIAL, (0.9, 0.7, 4.0)),
    "oblique": (OBLIQUE, (0.9, 0.7, 4.0)),
    "sagittal": (np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]), (1.0, 1.0, 3.3)),
    "two axes flipped": (AXIAL * (-1, -1, 1), (0.5, 0.25, 6.0)),
    "left-handed": (AXIAL * (1, 1, -1), (1.2, 1.2, 5.5)),
    "left-handed and oblique": (OBLIQUE * (1, -1, 1), (250 / 1024, 250 / 1024, 3.3)),
    "no round spacing": (rotation(0.1, 0.2, 90.3), (1 / 3, 0.9765625, 10 / 7)),
}
FILES = pytest.mark.parametrize("ending", ["nrrd", "nii", "nii.gz", "mha"])


def read_alike(image: sitk.Image, path: Path) -> None:
    node = load(image, path)
    expected = sitk.ReadImage(str(path))
    if np.linalg.det(np.reshape(expected.GetDirection(), (3, 3))) < 0:
        # Slicer turns the slices of a left-handed grid around as it loads: the same voxels at the same places.
        expected = sitk.Flip(expected, (False, False, True))
    assert_same_image(canonical_grid(image_of(node, where="T1W volume")), canonical_grid(expected))
    slicer.mrmlScene.RemoveNode(node)


@FILES
@pytest.mark.parametrize("grid", GRIDS)
def test_a_loaded_volume_is_the_image_of_its_file(scene: object, tmp_path: Path, ending: str, grid: str) -> None:
    direction, spacing = GRIDS[grid]
    read_alike(noise(direction=direction, spacing=spacing), tmp_path / f"image.{ending}")


@pytest.mark.parametrize("ending", ["nrrd", "nii"])
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_every_type_of_voxel_stays_what_it_is(scene: object, tmp_path: Path, ending: str, kind: str) -> None:
    read_alike(noise(kind=np.dtype(kind).type), tmp_path / f"image.{ending}")


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.05, 12)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    ending=st.sampled_from(["nrrd", "nii"]),
)
@settings(max_examples=40)
def test_a_volume_anywhere_is_the_image_of_its_file(
    scene: object,
    tmp_path: Path,
    angles: tuple[float, float, float],
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    signs: tuple[int, int, int],
    ending: str,
) -> None:
    image = noise((5, 4, 3), spacing, rotation(*angles) * signs, origin)
    read_alike(image, tmp_path / f"image.{ending}")


@pytest.mark.parametrize("grid", GRIDS)
def test_an_image_put_into_the_scene_comes_back(scene: object, grid: str) -> None:
    direction, spacing = GRIDS[grid]
    image = canonical_grid(noise(direction=direction, spacing=spacing, kind=np.float32))
    node = add_volume(scene, image, "map")
    assert_same_image(canonical_grid(image_of(node, where="")), image)
    np.testing.assert_allclose(matrix_of(node), to_ras(image), atol=1e-9)
    assert node.GetDisplayNode() is not None


def test_labels_put_into_the_scene_become_a_label_map(scene: object) -> None:
    image = canonical_grid(noise(kind=np.uint8))
    node = add_volume(scene, image, "labels", labels=True)
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    assert_same_image(canonical_grid(image_of(node, where="")), image)


def test_a_name_is_never_used_twice(scene: object) -> None:
    first, second = (add_volume(scene, noise(), "map") for _ in range(2))
    assert first.GetName() == "map"
    assert second.GetName() not in ("", "map")


def test_the_image_does_not_share_its_voxels_with_the_node(scene: object) -> None:
    node = add_image(noise())
    image = image_of(node, where="")
    before = sitk.GetArrayFromImage(image)
    slicer.util.arrayFromVolume(node)[:] = 7
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(image), before)


MOTIONS = {
    "turned": [rotation(20, -5, 64)],
    "moved": [np.array([[1.0, 0, 0, 12.5], [0, 1, 0, -3.25], [0, 0, 1, 81], [0, 0, 0, 1]])],
    "turned within a turn": [rotation(0, 31, 0), rotation(12, 0, -50)],
    "mirrored": [np.diag([-1.0, 1, 1])],
    "enlarged alike": [1.25 * rotation(0, 0, 15)],
}


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_linear_transform_counts_as_if_it_were_hardened(scene: object, motion: str) -> None:
    node = add_image(noise())
    transform = None
    for matrix in MOTIONS[motion]:
        transform = add_transform(matrix, transform)
    node.SetAndObserveTransformNodeID(transform.GetID())
    hardened = slicer.modules.volumes.logic().CloneVolume(scene, node, "hardened")
    hardened.SetAndObserveTransformNodeID(transform.GetID())
    hardened.HardenTransform()
    assert hardened.GetParentTransformNode() is None
    found = image_of(node, where="")
    assert_same_image(canonical_grid(found), canonical_grid(image_of(hardened, where="")))
    moved = np.linalg.multi_dot([*(square(matrix) for matrix in MOTIONS[motion]), to_ras(noise())])
    np.testing.assert_allclose(to_ras(found), moved, atol=1e-9)
    assert node.GetParentTransformNode() is transform, "the user's node stays as it was"


def test_a_stretch_along_the_axes_is_another_spacing(scene: object) -> None:
    node = add_image(noise(direction=AXIAL, spacing=(0.9, 0.7, 4.0)))
    node.SetAndObserveTransformNodeID(add_transform(np.diag([2.0, 1, 0.5])).GetID())
    image = image_of(node, where="")
    assert image.GetSpacing() == pytest.approx((1.8, 0.7, 2.0))
    assert image.GetDirection() == pytest.approx(AXIAL.ravel())


@pytest.mark.parametrize(
    ("direction", "matrix"),
    [(AXIAL, [[1.0, 0.2, 0], [0, 1, 0], [0, 0, 1]]), (OBLIQUE, np.diag([2.0, 1, 1]))],
    ids=["sheared", "stretched across the axes"],
)
def test_a_transform_that_shears_the_grid_is_refused(scene: object, direction: np.ndarray, matrix: np.ndarray) -> None:
    node = add_image(noise(direction=direction))
    node.SetAndObserveTransformNodeID(add_transform(np.array(matrix)).GetID())
    with pytest.raises(GeometryError, match="axes are not at right angles") as error:
        image_of(node, where="T1W volume")
    assert error.value.where == "T1W volume"


def test_a_transform_that_flattens_the_grid_is_refused(scene: object) -> None:
    node = add_image(noise(direction=AXIAL))
    node.SetAndObserveTransformNodeID(add_transform(np.diag([1.0, 1, 0])).GetID())
    with pytest.raises(GeometryError, match="The axes and the spacing do not form a grid") as error:
        image_of(node, where="T1W volume")
    assert error.value.where == "T1W volume"
    assert "Volumes module" in error.value.remedy


@pytest.mark.parametrize("nested", [False, True])
def test_a_transform_that_bends_is_refused(scene: object, nested: bool) -> None:
    node = add_image(noise())
    bending = add_bending()
    parent = add_transform(rotation(0, 0, 5), bending) if nested else bending
    node.SetAndObserveTransformNodeID(parent.GetID())
    with pytest.raises(GeometryError, match="transform that is not linear") as error:
        image_of(node, where="T1W volume")
    assert error.value.where == "T1W volume"
    assert "Harden the transform on a copy" in error.value.remedy


def no_voxels() -> object:
    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")


def no_values() -> object:
    node, data = no_voxels(), vtk.vtkImageData()
    data.SetDimensions(4, 4, 4)
    node.SetAndObserveImageData(data)
    return node


def in_colour() -> object:
    voxels = np.zeros((4, 5, 6, 3), np.uint8)
    return slicer.util.addVolumeFromArray(voxels, nodeClassName="vtkMRMLVectorVolumeNode")


def one_slice() -> object:
    return slicer.util.addVolumeFromArray(np.zeros((1, 20, 20), np.int16))


@pytest.mark.parametrize(
    ("make", "told", "remedy"),
    [
        (no_voxels, "The volume holds no voxels.", "Load it again."),
        (no_values, "The volume holds no voxels.", "Load it again."),
        (in_colour, "has 3 values per voxel", "Vector to Scalar Volume"),
        (one_slice, "The image is 2D; a volume is needed.", ""),
    ],
)
def test_what_is_no_scalar_volume_is_refused(scene: object, make: Callable[[], object], told: str, remedy: str) -> None:
    with pytest.raises(ImageError, match=told) as error:
        image_of(make(), where="T1W volume")
    assert error.value.where == "T1W volume"
    assert remedy in error.value.remedy


def square(matrix: np.ndarray) -> np.ndarray:
    full = np.eye(4)
    full[: len(matrix), : len(matrix)] = matrix
    return full
