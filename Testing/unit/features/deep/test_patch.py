"""Where a patch lies and what it holds, pixel by pixel; scalings against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.features.deep.patch import InputScaling, Placement, lesion_patch, place_patch


def _image(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 1.3, 4.0))
    return image


@pytest.mark.parametrize("size", [1, 2, 7, 8, 16, 33])
@pytest.mark.parametrize("seed", range(5))
def test_every_pixel_of_the_patch_is_where_it_should_be(size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    voxels = generator.normal(100, 50, (5, 11, 14)).astype(np.float32)
    mask = np.zeros(voxels.shape, dtype=np.uint8)
    j, i = generator.integers(0, 8), generator.integers(0, 10)
    mask[1:4, j : j + 3, i : i + 4] = generator.integers(0, 2, (3, 3, 4))
    mask[2, j, i] = mask[2, j + 2, i + 3] = 1
    patch, placement = lesion_patch(_image(voxels), _image(mask), size)
    areas = [int(mask[k].sum()) for k in range(5)]
    slice_index = areas.index(max(areas))
    rows, columns = np.nonzero(mask[slice_index])
    # The middle pixel is the centre of the box; of two middle ones the second.
    centre = -(-(rows.min() + rows.max()) // 2), -(-(columns.min() + columns.max()) // 2)
    assert placement.slice_index == slice_index
    assert (placement.row + size // 2, placement.column + size // 2) == centre
    for a in range(size):
        for b in range(size):
            y, x = centre[0] - size // 2 + a, centre[1] - size // 2 + b
            inside = 0 <= y < 11 and 0 <= x < 14
            assert patch[a, b] == (voxels[slice_index, y, x] if inside else voxels.min())
    assert patch.dtype == np.float32


def test_of_equal_slices_the_first_is_taken() -> None:
    mask = np.zeros((6, 8, 8), dtype=np.uint8)
    mask[2:5, 3:5, 3:5] = 1
    mask[4, 3, 3] = 0
    assert place_patch(_image(mask), 4) == Placement(2, 2, 2, 4)


def test_a_patch_may_lie_outside_of_a_slice_altogether() -> None:
    assert Placement(0, 20, 0, 4).inside(8, 8)[1][0] == slice(0, 0)
    of_image, of_patch = Placement(0, -10, 2, 4).inside(8, 8)
    assert np.zeros((8, 8))[of_image].shape == np.zeros((4, 4))[of_patch].shape == (0, 4)


def test_scalings() -> None:
    patch = np.array([[-1000.0, -200.0], [100.0, 900.0]], dtype=np.float32)
    found = InputScaling("window", -200, 400).applied(patch)
    np.testing.assert_allclose(found, [[0, 0], [0.5, 1]])
    assert found.dtype == np.float32
    found = InputScaling().applied(patch)
    np.testing.assert_allclose(found, (patch + 50) / np.sqrt(np.mean([950**2, 150**2, 150**2, 950**2])), rtol=1e-6)
    np.testing.assert_array_equal(InputScaling("z-score").applied(np.full((3, 3), 7.0)), np.zeros((3, 3)))
    np.testing.assert_array_equal(InputScaling("none").applied(patch), patch)
    with pytest.raises(ValueError, match="not a scaling"):
        InputScaling("percentile")
    with pytest.raises(ValueError, match="'lower' must be below"):
        InputScaling("window", 3, 3)
