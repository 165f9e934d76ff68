"""Grey level size zone matrix (IBSI 9SAK): connected zones of equal grey level, by level and number of voxels."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics, tabulated
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, directions

#: Statistic of the table by pyradiomics' name; the IBSI codes are those of the 3D aggregation.
_STATISTICS = {
    "SmallAreaEmphasis": "small",  # 5QRC
    "LargeAreaEmphasis": "large",  # 48P8
    "LowGrayLevelZoneEmphasis": "low",  # XMSY
    "HighGrayLevelZoneEmphasis": "high",  # 5GN9
    "SmallAreaLowGrayLevelEmphasis": "small_low",  # 5RAI
    "SmallAreaHighGrayLevelEmphasis": "small_high",  # HW1V
    "LargeAreaLowGrayLevelEmphasis": "large_low",  # YH51
    "LargeAreaHighGrayLevelEmphasis": "large_high",  # J17V
    "GrayLevelNonUniformity": "level_non_uniformity",  # JNSA
    "GrayLevelNonUniformityNormalized": "level_non_uniformity_normalised",  # Y1RO
    "SizeZoneNonUniformity": "size_non_uniformity",  # 4JP3
    "SizeZoneNonUniformityNormalized": "size_non_uniformity_normalised",  # VB3A
    "ZonePercentage": "per_voxel",  # P30P
    "GrayLevelVariance": "level_variance",  # BYLV
    "ZoneVariance": "size_variance",  # 3NSA
    "ZoneEntropy": "entropy",  # GU8N
}


def glszm_features(levels: np.ndarray | LevelLattice, *, force_2d: bool, wanted: Collection[str]) -> dict[str, float]:
    """Features of the zones, defined for every region; a single voxel is one zone.

    Args:
        levels: int array (k, j, i), 0 outside of the region, cropped to its box; or the lattice of such an array.
        force_2d: zones do not reach across slices.
        wanted: pyradiomics' names of features of this class.
    """
    found = statistics(zone_table(LevelLattice.of(levels), force_2d=force_2d))
    return {name: found[statistic] for name, statistic in _STATISTICS.items() if name in wanted}


def zone_table(lattice: LevelLattice, *, force_2d: bool) -> LevelBySize:
    """Number of zones by level and size (only sizes that occur); voxels touch also by edges and corners."""
    kernels = compiled_kernels()
    if kernels is None:
        ranks, sizes = _labelled_zones(lattice, force_2d=force_2d)
    else:
        forward = directions(lattice.shape, force_2d=force_2d)
        steps = lattice.steps(np.concatenate([forward, -forward]))
        ranks, sizes = kernels.zones(lattice.ranks, lattice.voxels, steps)
    return tabulated(ranks, sizes, lattice.present)


def _labelled_zones(lattice: LevelLattice, *, force_2d: bool) -> tuple[np.ndarray, np.ndarray]:
    from skimage.measure import label

    box = lattice.box()
    if force_2d:
        # The slices one below the other in a single picture: a row of zeros lies between any two.
        box = box.reshape(-1, box.shape[-1])
    labels = label(box, background=0, connectivity=box.ndim).ravel()
    sizes = np.bincount(labels)
    ranks = np.zeros(sizes.size, dtype=np.int64)
    ranks[labels] = box.ravel()
    return ranks[1:], sizes[1:]
