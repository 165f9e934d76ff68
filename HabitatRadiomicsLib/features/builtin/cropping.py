"""Boxes around regions, and how much of the image around them a filter needs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases.geometry import bounding_box
from HabitatRadiomicsLib.errors import RegionError

#: Slices, rows, columns of an array [k, j, i].
Triple = tuple[int, ...]

_WAVELET_VOXELS = 8
#: LoG's filter is recursive: every voxel has an influence, which fades as exp(-1.37 n / sigma). Its images are of
#: single precision: a cut at 12 sigma changes the last bit of every tenth voxel, and such a voxel may then fall into
#: another bin; at 18 sigma, of a few in ten thousand; at 24 sigma, of none.
_LOG_SIGMAS = 18.0
#: ITK's recursive filters refuse fewer voxels.
LOG_MINIMUM_VOXELS = 4


@dataclass(frozen=True)
class Box:
    """Voxels ``start <= index < stop`` along k, j, i."""

    start: Triple
    stop: Triple

    @property
    def slices(self) -> tuple[slice, ...]:
        """Index of the box in an array of the whole image."""
        return tuple(map(slice, self.start, self.stop))

    def slices_within(self, outer: Box) -> tuple[slice, ...]:
        """Index of the box in an array of the box ``outer``."""
        return tuple(slice(low - base, high - base) for low, high, base in zip(self.start, self.stop, outer.start))

    def widened(self, reach: Triple, shape: Triple) -> Box:
        """The box with this many voxels more on either side, within an image of this shape."""
        return Box(
            tuple(max(low - more, 0) for low, more in zip(self.start, reach)),
            tuple(min(high + more, size) for high, more, size in zip(self.stop, reach, shape)),
        )


def box_of(inside: np.ndarray) -> Box:
    """The smallest box that holds all voxels of a region, boolean (k, j, i).

    Raises:
        RegionError: the region has no voxel.
    """
    box = bounding_box(inside)
    if box[0].stop == 0:
        raise RegionError("The region has no voxels.")
    return Box(tuple(axis.start for axis in box), tuple(axis.stop for axis in box))


def union_box(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds all boxes."""
    starts, stops = zip(*((box.start, box.stop) for box in boxes))
    return Box(tuple(map(min, zip(*starts))), tuple(map(max, zip(*stops))))


def log_context(box: Box, shape: Triple, spacing: tuple[float, float, float], sigma: float) -> Box:
    """The part of the image that a Laplacian of Gaussian needs.

    Args:
        spacing: mm along k, j, i.
        sigma: in mm.
    """
    reach = (max(math.ceil(_LOG_SIGMAS * sigma / step), LOG_MINIMUM_VOXELS) for step in spacing)
    return box.widened(tuple(reach), shape)


def wavelet_context(box: Box, shape: Triple, filter_length: int) -> Box:
    """The part of the image that one level of a stationary wavelet transform needs.

    The transform treats the image as periodic: near a border, voxels of the opposite border count, and the axis is kept
    whole.
    """
    reach = max(_WAVELET_VOXELS, filter_length + 2)
    start, stop = [], []
    for low, high, size in zip(box.start, box.stop, shape):
        fits = low >= reach and high + reach <= size
        start.append(low - reach if fits else 0)
        stop.append(high + reach if fits else size)
    return Box(tuple(start), tuple(stop))
