"""Grids that are the same but for rounding, grids that are not, and grids that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import canonical_grid, check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.cases.mask import mask_on_image_grid
from HabitatRadiomicsLib.cases.reading import checked_sequence
from HabitatRadiomicsLib.errors import GeometryError, MaskError

SIZE = (24, 20, 6)
SPACING = (0.9, 0.7, 4.0)


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """About the axes in turn, degrees."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.deg2rad((x, y, z))), np.sin(np.deg2rad((x, y, z)))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


AXIAL = np.eye(3)
OBLIQUE = rotation(11, -23, 37)
SAGITTAL = np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]])
ORIENTATIONS = pytest.mark.parametrize("direction", [AXIAL, OBLIQUE, SAGITTAL], ids=["axial", "oblique", "sagittal"])


def grid(direction: np.ndarray = AXIAL, kind: int = sitk.sitkUInt8) -> sitk.Image:
    image = sitk.Image(list(SIZE), kind)
    image.SetSpacing(SPACING)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin((-131.7, 88.3, 1204.9))
    return image


def moved(image: sitk.Image, voxels: Sequence[float]) -> sitk.Image:
    """A copy that lies so many voxels further along i, j, k."""
    copy = sitk.Image(image)
    copy.SetOrigin(image.TransformContinuousIndexToPhysicalPoint(voxels))
    return copy


def in_single_precision(image: sitk.Image) -> sitk.Image:
    copy = sitk.Image(image)
    copy.SetSpacing(np.float32(image.GetSpacing()).astype(float).tolist())
    copy.SetOrigin(np.float32(image.GetOrigin()).astype(float).tolist())
    copy.SetDirection(np.float32(image.GetDirection()).astype(float).tolist())
    return copy


@ORIENTATIONS
def test_the_noise_of_headers_in_single_precision_is_accepted(direction: np.ndarray) -> None:
    image = grid(direction)
    rounded = in_single_precision(image)
    assert rounded.GetOrigin() != image.GetOrigin()
    assert grid_difference(image, rounded) == ""
    noise = np.random.default_rng(1).uniform(-1e-5, 1e-5, 3)
    nearby = sitk.Image(image)
    nearby.SetOrigin((np.array(image.GetOrigin()) + noise).tolist())
    assert grid_difference(image, nearby) == ""
    check_same_grid(image, nearby, where="mask")


@ORIENTATIONS
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_shift_counts_in_parts_of_the_smallest_voxel_edge(direction: np.ndarray, axis: int) -> None:
    image = grid(direction)
    in_voxels = min(SPACING) / SPACING[axis]
    small, large = np.zeros(3), np.zeros(3)
    small[axis], large[axis] = 0.005 * in_voxels, 0.02 * in_voxels
    assert grid_difference(image, moved(image, small.tolist())) == ""
    assert "the origin shifted by" in grid_difference(image, moved(image, large.tolist()))
    with pytest.raises(GeometryError, match="does not lie on the image's grid") as error:
        check_same_grid(image, moved(image, large.tolist()), where="T1W mask m.nrrd")
    assert error.value.where == "T1W mask m.nrrd"
    assert "--resample-mask" in error.value.remedy


def test_a_shift_by_a_whole_voxel_is_told_in_mm() -> None:
    told = "the corners are up to 0.9 mm apart (the origin shifted by 0.9 x 0 x 0 mm)"
    assert grid_difference(grid(), moved(grid(), (1, 0, 0))) == told


def test_another_size_is_told_first() -> None:
    other = sitk.Image(24, 20, 7, sitk.sitkUInt8)
    assert grid_difference(grid(), other) == "the image has 24 x 20 x 6 voxels, the mask 24 x 20 x 7"


def test_another_spacing_is_told_with_both() -> None:
    other = grid()
    other.SetSpacing((0.9, 0.7, 4.4))
    assert "spacing 0.9 x 0.7 x 4 mm against 0.9 x 0.7 x 4.4 mm" in grid_difference(grid(), other)


@pytest.mark.parametrize(("relative", "same"), [(1e-6, True), (3e-3, False)])
def test_a_spacing_counts_by_what_it_adds_up_to(relative: float, same: bool) -> None:
    other = grid()
    other.SetSpacing((SPACING[0] * (1 + relative), *SPACING[1:]))
    assert (grid_difference(grid(), other) == "") is same


@ORIENTATIONS
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)])
def test_a_flipped_grid_in_the_same_box_is_another_grid(direction: np.ndarray, axes: tuple[int, ...]) -> None:
    image = grid(direction)
    flips, corner = np.ones(3), np.zeros(3, dtype=int)
    for axis in axes:
        flips[axis], corner[axis] = -1, SIZE[axis] - 1
    flipped = sitk.Image(image)
    flipped.SetDirection((direction * flips).ravel().tolist())
    flipped.SetOrigin(image.TransformIndexToPhysicalPoint(corner.tolist()))
    opposite = [0 if axis in axes else SIZE[axis] - 1 for axis in range(3)]
    there, here = flipped.TransformIndexToPhysicalPoint(opposite), [SIZE[axis] - 1 for axis in range(3)]
    np.testing.assert_allclose(there, image.TransformIndexToPhysicalPoint(here))
    assert "a different orientation of the axes" in grid_difference(image, flipped)


def test_a_slight_rotation_that_moves_the_corners_is_refused() -> None:
    turned = grid(rotation(0, 0, 0.2))
    assert grid_difference(grid(), turned) != ""
    assert grid_difference(grid(), grid(rotation(0, 0, 1e-4))) == ""


@ORIENTATIONS
def test_a_mask_of_another_grid_finds_its_place_by_mm(direction: np.ndarray) -> None:
    image = grid(direction)
    mask = moved(grid(direction), (3, 2, 1))
    mask[4:9, 5:11, 1:4] = 1
    resampled, warning = mask_on_image_grid(mask, image, where="mask")
    expected = np.zeros(SIZE[::-1], dtype=np.uint8)
    expected[2:5, 7:13, 7:12] = 1
    np.testing.assert_array_equal(sitk.GetArrayFromImage(resampled), expected)
    assert grid_difference(image, resampled) == ""
    volume = f"{90 * np.prod(SPACING) / 1000:.2f} ml"
    assert f"{volume} before, {volume} after" in warning


def test_a_mask_beyond_the_image_is_refused() -> None:
    mask = moved(grid(), (100, 0, 0))
    mask[4:9, 5:11, 1:4] = 1
    with pytest.raises(MaskError, match="lies outside the image"):
        mask_on_image_grid(mask, grid(), where="mask")


@ORIENTATIONS
def test_a_checked_mask_lies_exactly_on_the_image(direction: np.ndarray) -> None:
    image = sitk.GetImageFromArray(np.random.default_rng(2).normal(size=SIZE[::-1]))
    image.CopyInformation(grid(direction))
    labels = in_single_precision(grid(direction))
    labels[4:9, 5:11, 1:4] = 1
    sequence = checked_sequence("T1W", image, labels)
    for what in ("GetOrigin", "GetSpacing", "GetDirection"):
        assert getattr(sequence.mask, what)() == getattr(sequence.image, what)()
        assert getattr(sequence.image, what)() == pytest.approx(getattr(image, what)(), abs=1e-7)
    assert sequence.warnings == ()
    assert int(sitk.GetArrayViewFromImage(sequence.mask).sum()) == 90


@ORIENTATIONS
def test_a_proper_grid_passes(direction: np.ndarray) -> None:
    check_proper_grid(grid(direction), where="image")
    check_proper_grid(in_single_precision(grid(direction)), where="image")
    check_proper_grid(grid(direction * (-1, 1, 1)), where="image")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda image: image.SetDirection((1, 0.2, 0, 0, 1, 0, 0, 0, 1)), "not at right angles"),
        (lambda image: image.SetDirection((1, 0.005, 0, 0, 1, 0, 0, 0, 1)), "not at right angles"),
        (lambda image: image.SetDirection((2, 0, 0, 0, 1, 0, 0, 0, 1)), "not of unit length"),
        (lambda image: image.SetDirection((np.nan, 0, 0, 0, 1, 0, 0, 0, 1)), "not finite"),
        (lambda image: image.SetOrigin((0, np.nan, 0)), "not finite"),
        (lambda image: image.SetOrigin((0, 0, np.inf)), "not finite"),
        (lambda image: image.SetSpacing((1, np.nan, 1)), "spacing is 1 x nan x 1 mm"),
        (lambda image: image.SetSpacing((1, 1, np.inf)), "spacing is 1 x 1 x inf mm"),
    ],
)
def test_a_grid_that_is_none_is_refused(spoil: Callable[[sitk.Image], None], told: str) -> None:
    image = grid()
    spoil(image)
    with pytest.raises(GeometryError, match=told) as error:
        check_proper_grid(image, where="T1W image a.nrrd")
    assert error.value.where == "T1W image a.nrrd"


@ORIENTATIONS
def test_two_programs_that_differ_in_the_last_digits_measure_one_grid(direction: np.ndarray) -> None:
    image = grid(direction)
    matrix = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    # One program keeps spacing and direction, another inverts the matrix twice and takes it apart again.
    inverted = np.linalg.inv(np.linalg.inv(matrix))
    spacing = np.linalg.norm(inverted, axis=0)
    other = sitk.Image(image)
    other.SetSpacing(spacing.tolist())
    other.SetDirection((inverted / spacing).ravel().tolist())
    other.SetOrigin((np.array(image.GetOrigin()) * (1 + 1e-16) + 1e-13).tolist())
    ours, theirs = canonical_grid(image), canonical_grid(other)
    for what in ("GetOrigin", "GetSpacing", "GetDirection"):
        assert getattr(ours, what)() == getattr(theirs, what)()
        assert getattr(ours, what)() == pytest.approx(getattr(image, what)(), abs=1e-7)
    assert all(
        getattr(canonical_grid(ours), what)() == getattr(ours, what)()
        for what in ("GetOrigin", "GetSpacing", "GetDirection")
    )


@pytest.mark.parametrize("columns", [256, 512, 1024])
def test_spacings_that_end_in_a_five_do_not_hang_on_the_last_bit(columns: int) -> None:
    for field_of_view in (200, 225, 230, 250, 333):
        spacing = field_of_view / columns
        image = sitk.Image([2, 2, 2], sitk.sitkUInt8)
        found = set()
        for noisy in (np.nextafter(spacing, 0), spacing, np.nextafter(spacing, 9)):
            image.SetSpacing([float(noisy)] * 3)
            found.add(canonical_grid(image).GetSpacing())
        assert len(found) == 1
