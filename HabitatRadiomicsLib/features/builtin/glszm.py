"""Grey level size zone matrix (IBSI 9SAK): connected zones of equal grey level, by level and number of voxels."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics, tabulated
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, compiled_kernels
from HabitatRadiomicsLib.protocol import TextureSettings

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


def glszm_features(lattice: LevelLattice, wanted: Collection[str], texture: TextureSettings) -> dict[str, float]:
    """Features of the zones, defined for every region; a single voxel is one zone."""
    values = statistics(zone_table(lattice))
    return {name: float(values[statistic]) for name, statistic in _STATISTICS.items() if name in wanted}


def zone_table(lattice: LevelLattice) -> LevelBySize:
    """Number of zones by level and size (sizes that occur); voxels are also connected by edges and corners."""
    kernels = compiled_kernels()
    if kernels is None:
        ranks, sizes = _labelled_zones(lattice)
    else:
        layout = lattice.layout
        forward = layout.steps(layout.adjacent)
        ranks, sizes = kernels.zones(lattice.ranks, layout.voxels, np.concatenate([forward, -forward]))
    return tabulated(ranks, sizes, lattice.present)


def _labelled_zones(lattice: LevelLattice) -> tuple[np.ndarray, np.ndarray]:
    from skimage.measure import label

    box = lattice.box()
    if lattice.layout.force_2d:
        # All slices as one picture, in which a row of zeros separates them.
        box = box.reshape(-1, box.shape[-1])
    labels = label(box, background=0, connectivity=box.ndim).ravel()
    sizes = np.bincount(labels)
    ranks = np.zeros(sizes.size, dtype=np.int64)
    ranks[labels] = box.ravel()
    return ranks[1:], sizes[1:]
