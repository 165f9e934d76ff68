"""Random variation of a lesion's contour."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

#: Number of random waves whose sum is the displacement: enough for it to be nearly normal.
_WAVES = 64
#: The displacement is clipped at this many SD, beyond which no reader would err.
_LARGEST = 3.0
#: Fractions of the displacement, tried in this order until the change of volume is within its bounds.
_FRACTIONS = np.linspace(1, 0, 21)


def randomised_contour(
    mask: sitk.Image,
    generator: np.random.Generator,
    *,
    amplitude_mm: float,
    grain_mm: float,
    maximum_volume_change: float,
) -> sitk.Image:
    """A mask whose boundary is moved in and out by a smooth random displacement.

    Zwanenburg 2019 (doi 10.1038/s41598-018-36938-4) adds and drops supervoxels at the boundary; this needs no image:
    a voxel is inside when its signed distance to the boundary is at most the displacement at its place. The
    displacement is a stationary Gaussian field in space, with mean 0, SD ``amplitude_mm`` and covariance
    ``exp(-d^2 / (2 grain^2))``, made of random waves (Rahimi and Recht 2007). Across thick slices, less than half a
    slice changes nothing.

    Args:
        mask: UInt8, 0 or 1, not empty.
        generator: of the waves; they do not depend on the grid.
        amplitude_mm: SD of the displacement.
        grain_mm: the distance over which it stays alike.
        maximum_volume_change: fraction of the lesion's voxels, below 1; the displacement is made smaller where it
            changes more, so that the lesion never vanishes.
    """
    inside = sitk.GetArrayViewFromImage(mask) == 1
    distance = signed_distance(mask)
    waves = generator.normal(0, 1 / grain_mm, (_WAVES, 3))
    phases = generator.uniform(0, 2 * np.pi, _WAVES)
    near = np.abs(distance) < _LARGEST * amplitude_mm
    displacement: np.ndarray = np.zeros(int(near.sum()))
    points = _points(mask, near)
    for wave, phase in zip(waves, phases):
        # Not a matrix product, whose last bit may depend on the number of threads.
        displacement += np.cos(np.einsum("pi,i->p", points, wave) + phase)
    displacement *= np.sqrt(2 / _WAVES)
    displacement = amplitude_mm * np.clip(displacement, -_LARGEST, _LARGEST)
    moved = inside.copy()
    for fraction in _FRACTIONS:
        moved[near] = distance[near] <= fraction * displacement
        if abs(int(moved.sum()) - int(inside.sum())) <= maximum_volume_change * inside.sum():
            break
    drawn = sitk.GetImageFromArray(moved.astype(np.uint8))
    drawn.CopyInformation(mask)
    return drawn


def signed_distance(mask: sitk.Image) -> np.ndarray:
    """Distance of every voxel to the lesion's boundary in mm, negative inside, [k, j, i].

    The boundary lies halfway between the outermost voxels of the lesion and the innermost around it: the mean of the
    distances to either, exact on anisotropic grids (Maurer 2003, doi 10.1109/TPAMI.2003.1177156).
    """
    return (_distance_map(mask) - _distance_map(mask == 0)) / 2


def _distance_map(mask: sitk.Image) -> np.ndarray:
    if sitk.GetArrayViewFromImage(mask).all():
        # The whole image is the lesion: there is no boundary.
        return np.full(mask.GetSize()[::-1], -np.inf)
    found = sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return sitk.GetArrayFromImage(found).astype(np.float64)


def _points(image: sitk.Image, chosen: np.ndarray) -> np.ndarray:
    """Positions of the chosen voxels in mm, shape (voxels, 3)."""
    indices = np.argwhere(chosen)[:, ::-1] * np.array(image.GetSpacing())
    direction = np.array(image.GetDirection()).reshape(3, 3)
    return np.einsum("pi,ji->pj", indices, direction) + np.array(image.GetOrigin())
