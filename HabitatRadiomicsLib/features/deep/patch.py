"""The patch for a network: a square around the lesion in the slice where it is largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk


@dataclass(frozen=True)
class Placement:
    """Where a patch lies on the image's grid.

    Attributes:
        slice_index: along the third axis (k).
        row, column: of its first pixel in that slice (j, i); negative if the patch begins outside the image.
        size: side in pixels.
    """

    slice_index: int
    row: int
    column: int
    size: int

    def inside(self, rows: int, columns: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part within an image slice of this size: its index in the slice, and its index in the patch."""
        of_image, of_patch = [], []
        for start, count in ((self.row, rows), (self.column, columns)):
            first, last = max(start, 0), max(min(start + self.size, count), max(start, 0))
            of_image.append(slice(first, last))
            of_patch.append(slice(first - start, last - start))
        return (of_image[0], of_image[1]), (of_patch[0], of_patch[1])


def place_patch(mask: sitk.Image, size: int) -> Placement:
    """A patch around the lesion in the slice (third axis) of its largest area, the first of equal ones.

    Its middle pixel, ``size // 2`` along each axis, is the centre of the lesion's bounding box in the slice; if the box
    has an even number of pixels, the second of the two middle ones.

    Args:
        mask: UInt8, 0 or 1, not empty.
        size: side of the patch in pixels.
    """
    inside = sitk.GetArrayViewFromImage(mask) == 1
    index = int(inside.sum(axis=(1, 2)).argmax())
    starts = []
    for axis in (1, 0):
        hit = np.flatnonzero(inside[index].any(axis=axis))
        starts.append((int(hit[0]) + int(hit[-1]) + 1) // 2 - size // 2)
    return Placement(index, starts[0], starts[1], size)


def lesion_patch(image: sitk.Image, mask: sitk.Image, size: int) -> tuple[np.ndarray, Placement]:
    """The patch of :func:`place_patch`, and its placement.

    Intensities are the prepared image's, not yet scaled for the network (see :class:`InputScaling`).

    Args:
        image: prepared.
        mask: of the lesion, UInt8, 0 or 1, on the image's grid.
        size: side in pixels.

    Returns:
        Float32, shape (size, size), rows along j; outside the image, the image's minimum.
    """
    placement = place_patch(mask, size)
    voxels = sitk.GetArrayViewFromImage(image)
    patch = np.full((size, size), voxels.min(), dtype=np.float32)
    of_image, of_patch = placement.inside(*voxels.shape[1:])
    patch[of_patch] = voxels[placement.slice_index][of_image]
    return patch, placement


@dataclass(frozen=True)
class InputScaling:
    """Scales intensities as in the network's training; stored in the network's metadata ``input_scaling``.

    ``z-score``: minus the patch's mean, divided by its standard deviation (n); a constant patch is 0. ``window``:
    ``lower`` to ``upper`` becomes 0 to 1, clipped. ``none``: unchanged.
    """

    kind: str = "z-score"
    lower: float = 0.0
    upper: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in ("z-score", "window", "none"):
            raise ValueError(f"'{self.kind}' is not a scaling: use z-score, window or none")
        if self.kind == "window" and not self.lower < self.upper:
            raise ValueError("'lower' must be below 'upper'")

    def applied(self, patch: np.ndarray) -> np.ndarray:
        """The scaled patch, Float32."""
        values = patch.astype(np.float64)
        if self.kind == "window":
            values = (np.clip(values, self.lower, self.upper) - self.lower) / (self.upper - self.lower)
        elif self.kind == "z-score":
            spread = values.std()
            values = (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
        return values.astype(np.float32)
