"""Grids: whether one is valid, whether two are the same, and arrays on them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import GeometryError

#: Largest distance between the same corner of two grids, in voxels. Headers in single precision differ by far less; a
#: shift by half a voxel, or a flipped axis, by far more.
TOLERANCE_VOXELS = 0.01
_ORTHONORMALITY = 1e-3
#: Decimals to which a grid is rounded: finer than any scanner's precision, coarser than floating-point rounding.
_DECIMALS_MM = 7
_DECIMALS_COSINE = 10


def canonical_grid(image: sitk.Image) -> sitk.Image:
    """The image with spacing, origin and direction rounded, far more finely than any scanner's precision.

    Two programs that read the same file may differ in the last digit of its geometry, because only one of them inverts
    a matrix. After rounding, both use the same grid and compute the same numbers, to the last bit.
    """
    rounded = sitk.Image(image)
    rounded.SetSpacing(_rounded(image.GetSpacing(), _DECIMALS_MM))
    rounded.SetOrigin(_rounded(image.GetOrigin(), _DECIMALS_MM))
    rounded.SetDirection(_rounded(image.GetDirection(), _DECIMALS_COSINE))
    return rounded


def _rounded(values: Sequence[float], decimals: int) -> list[float]:
    # Not rounded half up: spacings such as 250 / 1024 mm end in a 5, where the last digit would decide.
    scale = 10.0**decimals
    return (np.floor(np.array(values) * scale + 0.51) / scale + 0.0).tolist()


def check_proper_grid(image: sitk.Image, *, where: str) -> None:
    """Refuse a grid whose axes are not orthonormal or whose spacing is not positive.

    Raises:
        GeometryError: with the offending numbers.
    """
    spacing = np.array(image.GetSpacing())
    if not (np.isfinite(spacing).all() and (spacing > 0).all()):
        raise GeometryError(
            f"The voxel spacing is {_numbers(spacing)} mm; every spacing must be positive.",
            where=where,
            remedy="Correct the header, or export the image again.",
        )
    if not np.isfinite([*image.GetOrigin(), *image.GetDirection()]).all():
        raise GeometryError("Origin or direction hold numbers that are not finite.", where=where)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    if np.abs(direction.T @ direction - np.eye(3)).max() > _ORTHONORMALITY:
        raise GeometryError(
            "The image axes are not at right angles or not of unit length (a sheared image).",
            where=where,
            remedy="Resample it to an orthogonal grid first (in 3D Slicer: harden the transform, "
            "then Resample Scalar/Vector/DWI Volume).",
        )


def grid_difference(image: sitk.Image, mask: sitk.Image) -> str:
    """The difference between two grids in words; empty if they are the same.

    Two grids are the same if they have the same size and no corner differs by more than :data:`TOLERANCE_VOXELS` of
    the smallest voxel edge.
    """
    if image.GetSize() != mask.GetSize():
        sizes = [" x ".join(map(str, one.GetSize())) for one in (image, mask)]
        return f"the image has {sizes[0]} voxels, the mask {sizes[1]}"
    distance, tolerance = np.abs(_corners(image) - _corners(mask)).max(), TOLERANCE_VOXELS * min(image.GetSpacing())
    if distance <= tolerance:
        return ""
    parts = []
    if not np.allclose(image.GetSpacing(), mask.GetSpacing(), rtol=1e-4, atol=0):
        parts.append(f"spacing {_numbers(image.GetSpacing())} mm against {_numbers(mask.GetSpacing())} mm")
    if not np.allclose(image.GetDirection(), mask.GetDirection(), rtol=0, atol=1e-4):
        parts.append("a different orientation of the axes")
    shift = np.subtract(mask.GetOrigin(), image.GetOrigin())
    if np.abs(shift).max() > tolerance:
        parts.append(f"the origin shifted by {_numbers(shift)} mm")
    details = ", ".join(parts) or "small differences that accumulate"
    return f"the corners are up to {distance:.3g} mm apart ({details})"


def check_same_grid(image: sitk.Image, mask: sitk.Image, *, where: str) -> None:
    """Refuse a mask that does not lie on the image's grid.

    Raises:
        GeometryError: says what differs, and by how much.
    """
    difference = grid_difference(image, mask)
    if difference:
        raise GeometryError(
            f"The mask does not lie on the image's grid: {difference}.",
            where=where,
            remedy="Check that the mask belongs to this image; if it does, resample it with --resample-mask.",
        )


def image_like(array: np.ndarray, reference: sitk.Image) -> sitk.Image:
    """An image of an array [k, j, i], on the grid of another image of the same size."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(reference)
    return image


def bounding_box(inside: np.ndarray, margins: tuple[int, ...] = (0, 0, 0)) -> tuple[slice, ...]:
    """Index of the smallest box that holds a region, boolean (k, j, i); empty if there is no voxel.

    Args:
        margins: voxels that the box is wider on either side, as far as the array reaches.
    """
    box: tuple[slice, ...] = ()
    for margin, others, size in zip(margins, ((1, 2), (0, 2), (0, 1)), inside.shape):
        used = np.flatnonzero(inside[box].any(axis=others))
        ends = (max(0, int(used[0]) - margin), min(size, int(used[-1]) + 1 + margin)) if len(used) else (0, 0)
        box += (slice(*ends),)
    return box


def _corners(image: sitk.Image) -> np.ndarray:
    """Physical positions of the centres of the eight corner voxels, shape (8, 3), mm."""
    ends = [(0, size - 1) for size in image.GetSize()]
    return np.array([image.TransformIndexToPhysicalPoint(index) for index in itertools.product(*ends)])


def _numbers(values: Iterable[float]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
