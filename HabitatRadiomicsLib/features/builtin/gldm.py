"""Grey level dependence matrix (IBSI's neighbouring grey level dependence matrix, REK0).

Voxels by level and number of neighbours of the same level (Sun 1983, doi 10.1016/0734-189X(83)90032-4); coarseness
alpha 0, distance 1.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, directions

#: Statistic of the table by pyradiomics' name.
_STATISTICS = {
    "SmallDependenceEmphasis": "small",  # SODN
    "LargeDependenceEmphasis": "large",  # IMOQ
    "LowGrayLevelEmphasis": "low",  # TL9H
    "HighGrayLevelEmphasis": "high",  # OAE7
    "SmallDependenceLowGrayLevelEmphasis": "small_low",  # EQ3F
    "SmallDependenceHighGrayLevelEmphasis": "small_high",  # JA6D
    "LargeDependenceLowGrayLevelEmphasis": "large_low",  # NBZI
    "LargeDependenceHighGrayLevelEmphasis": "large_high",  # 9QMG
    "GrayLevelNonUniformity": "level_non_uniformity",  # FP8K
    "DependenceNonUniformity": "size_non_uniformity",  # Z87G
    "DependenceNonUniformityNormalized": "size_non_uniformity_normalised",  # OKJI
    "GrayLevelVariance": "level_variance",  # 1PFV
    "DependenceVariance": "size_variance",  # DNX2
    "DependenceEntropy": "entropy",  # FCBV
}


def gldm_features(levels: np.ndarray | LevelLattice, *, force_2d: bool, wanted: Collection[str]) -> dict[str, float]:
    """Features of the dependence, defined for every region; a voxel without neighbours has dependence 1.

    Args:
        levels: int array (k, j, i), 0 outside of the region, cropped to its box; or the lattice of such an array.
        force_2d: only neighbours in the same slice.
        wanted: pyradiomics' names of features of this class.
    """
    found = statistics(dependence_table(LevelLattice.of(levels), force_2d=force_2d))
    return {name: found[statistic] for name, statistic in _STATISTICS.items() if name in wanted}


def dependence_table(lattice: LevelLattice, *, force_2d: bool) -> LevelBySize:
    """Number of voxels by level and dependence, from 1 (no neighbour of the same level) to 1 + all neighbours."""
    forward = directions(lattice.shape, force_2d=force_2d)
    steps = lattice.steps(np.concatenate([forward, -forward]))
    count = lattice.present.size
    kernels = compiled_kernels()
    if kernels is None:
        everywhere = lattice.shifted(0)
        dependent = np.zeros(everywhere.size, dtype=np.uint8)
        for step in steps:
            dependent += lattice.shifted(int(step)) == everywhere
        columns = steps.size + 1
        rows = (lattice.neighbours(0) - 1) * np.int64(columns)
        cells = np.bincount(rows + dependent[lattice.voxels - lattice.margin], minlength=count * columns)
        counts = cells.reshape(count, columns)
    else:
        counts = kernels.dependence_counts(lattice.ranks, lattice.voxels, steps, count)[1:]
    return LevelBySize(counts, lattice.present, np.arange(1, steps.size + 2))
