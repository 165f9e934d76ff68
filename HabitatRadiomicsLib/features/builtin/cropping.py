"""Boxes around regions, and how much of the image around them a filter has to see."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import RegionError

#: Slices, rows, columns: of an array [k, j, i].
Triple = tuple[int, int, int]

_GRADIENT_VOXELS = 2
_LBP_VOXELS = 2
_WAVELET_VOXELS = 8
#: LoG's filter is recursive: its memory never ends, but fades as exp(-1.37 n / sigma). Its images are of single
#: precision: at 12 sigma the cut changes the last bit of every tenth voxel, and one of these may then fall into another
#: bin; at 18 sigma that of a few in ten thousand, at 24 sigma of none.
_LOG_SIGMAS = 18.0
#: ITK's recursive filters refuse fewer voxels.
LOG_MINIMUM_VOXELS = 4


@dataclass(frozen=True)
class Box:
    """Voxels ``start <= index < stop`` along k, j, i."""

    start: Triple
    stop: Triple

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """To cut the box out of an array of the whole image."""
        k, j, i = (slice(low, high) for low, high in zip(self.start, self.stop))
        return k, j, i

    def slices_within(self, outer: Box) -> tuple[slice, slice, slice]:
        """To cut the box out of an array that covers ``outer`` only."""
        k, j, i = (slice(low - base, high - base) for low, high, base in zip(self.start, self.stop, outer.start))
        return k, j, i


def whole_box(shape: Iterable[int]) -> Box:
    """The box of a whole image, by its array's shape."""
    k, j, i = shape
    return Box((0, 0, 0), (k, j, i))


def box_of(inside: np.ndarray) -> Box:
    """The smallest box that holds all voxels of a region.

    Args:
        inside: boolean, (k, j, i).

    Raises:
        RegionError: the region has no voxel.
    """
    start, stop = [], []
    for axis in range(3):
        used = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(used):
            raise RegionError("The region has no voxels.")
        start.append(int(used[0]))
        stop.append(int(used[-1]) + 1)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def union_box(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all boxes."""
    starts, stops = zip(*((box.start, box.stop) for box in boxes))
    start = [min(values) for values in zip(*starts)]
    stop = [max(values) for values in zip(*stops)]
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def gradient_context(box: Box, shape: Triple) -> Box:
    """Where central differences need the image."""
    return _widened(box, shape, (_GRADIENT_VOXELS,) * 3)


def lbp_context(box: Box, shape: Triple) -> Box:
    """Where local binary patterns of radius 1 in the slice need the image."""
    return _widened(box, shape, (0, _LBP_VOXELS, _LBP_VOXELS))


def log_context(box: Box, shape: Triple, spacing: tuple[float, float, float], sigma: float) -> Box:
    """Where a Laplacian of Gaussian needs the image so that the cut does not change its values.

    At a border of the image that near, the context ends there too, and the filter sees the border as it would have.

    Args:
        spacing: mm along k, j, i.
        sigma: in mm.
    """
    k, j, i = (max(math.ceil(_LOG_SIGMAS * sigma / step), LOG_MINIMUM_VOXELS) for step in spacing)
    return _widened(box, shape, (k, j, i))


def wavelet_context(box: Box, shape: Triple, filter_length: int) -> Box:
    """Where one level of a stationary wavelet transform needs the image.

    The transform takes the image for periodic: where the box is near a border, the voxels of the opposite border count
    too, and the axis is kept whole.
    """
    reach = max(_WAVELET_VOXELS, filter_length + 2)
    start, stop = [], []
    for low, high, size in zip(box.start, box.stop, shape):
        fits = low >= reach and high + reach <= size
        start.append(low - reach if fits else 0)
        stop.append(high + reach if fits else size)
    return Box((start[0], start[1], start[2]), (stop[0], stop[1], stop[2]))


def _widened(box: Box, shape: Triple, reach: Triple) -> Box:
    k, j, i = (max(low - more, 0) for low, more in zip(box.start, reach))
    end_k, end_j, end_i = (min(high + more, size) for high, more, size in zip(box.stop, reach, shape))
    return Box((k, j, i), (end_k, end_j, end_i))
