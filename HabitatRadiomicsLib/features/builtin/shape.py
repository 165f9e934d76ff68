"""Size and shape of a region (IBSI: morphological features), from its mesh and from its voxels' centres.

Deviations of pyradiomics from the IBSI, which are kept: axis lengths come from the covariance of the voxel centres
divided by N, where the reference values of the IBSI need N - 1.

pyradiomics takes the eigenvalues of the covariance for those of any matrix; where a region is flat or a line,
rounding makes some of them slightly negative, or complex. Here an eigenvalue that is no more than rounding is 0: a
region in one plane has the least axis 0 and the flatness 0, a line the minor axis 0 and the elongation 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import cached_property

import numpy as np

from HabitatRadiomicsLib.features.builtin.diameters import (
    largest_distance,
    largest_distance_in_planes,
    mesh_vertices,
)
from HabitatRadiomicsLib.features.builtin.mesh import surface_and_volume

#: Eigenvalues below this part of the largest are rounding: an axis ratio of 3e-7 has no place on a grid of voxels.
_ROUNDING = 1e-13


def shape_features(
    inside: np.ndarray, spacing: tuple[float, float, float], wanted: Collection[str] | None = None
) -> dict[str, float]:
    """The 14 features, or those that are wanted.

    Elongation and flatness of a single voxel are NaN: it has no axes.

    Args:
        inside: boolean, (k, j, i), cropped to the region's box; the mesh of a region with holes in its surface depends
            on where it lies, and pyradiomics measures it so.
        spacing: mm along k, j, i.
    """
    region = _Region(inside, spacing)
    return {name: float(feature(region)) for name, feature in _FEATURES.items() if wanted is None or name in wanted}


class _Region:
    """What several features need, computed once and when it is asked for."""

    def __init__(self, inside: np.ndarray, spacing: tuple[float, float, float]) -> None:
        self.inside = inside
        self.padded = np.pad(inside, 1)
        self.spacing = np.array(spacing, dtype=np.float64)

    @cached_property
    def mesh(self) -> tuple[float, float]:
        """Area and volume."""
        return surface_and_volume(self.padded, self.spacing)

    @property
    def area(self) -> float:
        return self.mesh[0]

    @property
    def volume(self) -> float:
        return self.mesh[1]

    @property
    def voxel_volume(self) -> float:
        return float(np.count_nonzero(self.inside) * self.spacing.prod())

    @cached_property
    def vertices(self) -> np.ndarray:
        return mesh_vertices(self.padded)

    def plane_diameter(self, axis: int) -> float:
        return largest_distance_in_planes(self.vertices, self.spacing, axis)

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Of the covariance of the voxel centres in mm, ascending."""
        # Sums of integers are exact in floating point, and so a flat region's variance across its plane is exactly 0.
        centres = np.argwhere(self.inside).astype(np.float64)
        count = len(centres)
        sums = centres.sum(axis=0)
        products = count * (centres.T @ centres) - np.outer(sums, sums)
        values = np.linalg.eigvalsh(products / count**2 * np.outer(self.spacing, self.spacing))
        values[values < _ROUNDING * values[-1]] = 0.0
        return values

    def axis_length(self, rank: int) -> float:
        return float(4 * np.sqrt(self.eigenvalues[rank]))

    def axis_ratio(self, rank: int) -> float:
        largest = self.eigenvalues[2]
        return float(np.sqrt(self.eigenvalues[rank] / largest)) if largest > 0 else math.nan


_FEATURES: dict[str, Callable[[_Region], float]] = {
    # RNU0.
    "MeshVolume": lambda x: x.volume,
    # YEKZ.
    "VoxelVolume": lambda x: x.voxel_volume,
    # C0JK.
    "SurfaceArea": lambda x: x.area,
    # 2PR5.
    "SurfaceVolumeRatio": lambda x: x.area / x.volume if x.volume else math.nan,
    # QCFX.
    "Sphericity": lambda x: (36 * math.pi * x.volume**2) ** (1 / 3) / x.area,
    # L0JK.
    "Maximum3DDiameter": lambda x: largest_distance(x.vertices, x.spacing),
    # In a plane of rows and columns (constant k); not an IBSI feature, nor are the next two.
    "Maximum2DDiameterSlice": lambda x: x.plane_diameter(0),
    # In a plane of slices and columns (constant j).
    "Maximum2DDiameterColumn": lambda x: x.plane_diameter(1),
    # In a plane of slices and rows (constant i).
    "Maximum2DDiameterRow": lambda x: x.plane_diameter(2),
    # TDIC.
    "MajorAxisLength": lambda x: x.axis_length(2),
    # P9VJ.
    "MinorAxisLength": lambda x: x.axis_length(1),
    # 7J51.
    "LeastAxisLength": lambda x: x.axis_length(0),
    # Square root of the ratio of the second to the first eigenvalue (Q3CK).
    "Elongation": lambda x: x.axis_ratio(1),
    # Of the third to the first (N17B).
    "Flatness": lambda x: x.axis_ratio(0),
}
