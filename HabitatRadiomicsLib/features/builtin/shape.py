"""Size and shape of a region (IBSI: morphological features), from its mesh and from its voxels' centres.

One deviation of pyradiomics from the IBSI is kept: axis lengths come from the covariance of the voxel centres divided
by N, where the reference values of the IBSI need N - 1.

pyradiomics computes the eigenvalues of the covariance as those of a general matrix; for a flat region or a line,
rounding makes some of them slightly negative, or complex. Here an eigenvalue within rounding error is 0: a region in
one plane has the least axis 0 and the flatness 0, a line the minor axis 0 and the elongation 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import cached_property

import numpy as np

from HabitatRadiomicsLib.features.builtin.diameters import largest_distance, largest_distance_in_planes, mesh_vertices
from HabitatRadiomicsLib.features.builtin.mesh import surface_and_volume

#: Eigenvalues below this part of the largest are rounding: no region on a grid of voxels has an axis ratio of 3e-7.
_ROUNDING = 1e-13


def shape_features(
    inside: np.ndarray, spacing: tuple[float, float, float], wanted: Collection[str] | None = None
) -> dict[str, float]:
    """The 14 features, or those that are wanted.

    Elongation and flatness of a single voxel are NaN: it has no axes.

    Args:
        inside: boolean, (k, j, i), cropped to the region's box as in pyradiomics; the volume of a mesh with holes
            depends on its position.
        spacing: mm along k, j, i.
    """
    region = _Region(inside, spacing)
    return {name: float(feature(region)) for name, feature in _FEATURES.items() if wanted is None or name in wanted}


class _Region:
    """What several features need."""

    def __init__(self, inside: np.ndarray, spacing: tuple[float, float, float]) -> None:
        self.inside = inside
        self.padded = np.pad(inside, 1)
        self.spacing = np.array(spacing, dtype=np.float64)
        self.area, self.volume = surface_and_volume(self.padded, self.spacing)

    @cached_property
    def vertices(self) -> np.ndarray:
        return mesh_vertices(self.padded)

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """Of the covariance of the voxel centres in mm, ascending."""
        # Sums of integers are exact in floating point, so that a flat region's variance across its plane is exactly 0.
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
    "MeshVolume": lambda x: x.volume,  # RNU0
    "VoxelVolume": lambda x: np.count_nonzero(x.inside) * x.spacing.prod(),  # YEKZ
    "SurfaceArea": lambda x: x.area,  # C0JK
    "SurfaceVolumeRatio": lambda x: x.area / x.volume if x.volume else math.nan,  # 2PR5
    "Sphericity": lambda x: (36 * math.pi * x.volume**2) ** (1 / 3) / x.area,  # QCFX
    "Maximum3DDiameter": lambda x: largest_distance(x.vertices, x.spacing),  # L0JK
    # In a plane of constant k, j, or i; not IBSI features.
    "Maximum2DDiameterSlice": lambda x: largest_distance_in_planes(x.vertices, x.spacing, 0),
    "Maximum2DDiameterColumn": lambda x: largest_distance_in_planes(x.vertices, x.spacing, 1),
    "Maximum2DDiameterRow": lambda x: largest_distance_in_planes(x.vertices, x.spacing, 2),
    "MajorAxisLength": lambda x: x.axis_length(2),  # TDIC
    "MinorAxisLength": lambda x: x.axis_length(1),  # P9VJ
    "LeastAxisLength": lambda x: x.axis_length(0),  # 7J51
    "Elongation": lambda x: x.axis_ratio(1),  # root of the ratio of the second eigenvalue to the first (Q3CK)
    "Flatness": lambda x: x.axis_ratio(0),  # of the third to the first (N17B)
}
