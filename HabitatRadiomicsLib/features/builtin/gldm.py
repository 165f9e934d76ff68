"""Grey level dependence matrix (IBSI's neighbouring grey level dependence matrix, REK0).

Voxels by level and number of neighbours whose level differs by no more than the coarseness alpha (Sun 1983, doi
10.1016/0734-189X(83)90032-4).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice
from HabitatRadiomicsLib.protocol import TextureSettings

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


def gldm_features(lattice: LevelLattice, wanted: Collection[str], texture: TextureSettings) -> dict[str, float]:
    """Features of the dependence, defined for every region; a voxel without neighbours has dependence 1."""
    values = statistics(dependence_table(lattice, texture.gldm_alpha))
    return {name: float(values[statistic]) for name, statistic in _STATISTICS.items() if name in wanted}


def dependence_table(lattice: LevelLattice, alpha: int) -> LevelBySize:
    """Number of voxels by level and dependence, from 1 (no dependent neighbour) to 1 + all neighbours."""
    layout = lattice.layout
    steps = layout.steps(layout.offsets).tolist()
    line = _comparable(lattice, alpha)
    # The whole line at once, each pair once: faster than a compiled loop over the voxels.
    dependent: np.ndarray = np.zeros(line.size, dtype=np.uint8 if 2 * len(steps) < 256 else np.uint32)
    for step in steps:
        before, after = line[:-step], line[step:]
        alike = before == after if alpha == 0 else np.abs(before - after) <= alpha
        np.add(dependent[step:], alike, out=dependent[step:])
        np.add(dependent[:-step], alike, out=dependent[:-step])
    columns = 2 * len(steps) + 1
    cells = (lattice.inside - 1) * np.int64(columns) + dependent[layout.voxels]
    counts = np.bincount(cells, minlength=lattice.present.size * columns).reshape(-1, columns)
    return LevelBySize(counts, lattice.present, np.arange(1, columns + 1))


def _comparable(lattice: LevelLattice, alpha: int) -> np.ndarray:
    """A line of the values that are compared; no voxel of the region is similar to one outside it."""
    if alpha == 0:
        # The narrower the type, the more values are compared at once.
        return lattice.ranks.astype(np.min_scalar_type(lattice.present.size), copy=False)
    line = np.full(lattice.ranks.size, -alpha, dtype=np.int64)
    line[lattice.layout.voxels] = lattice.present[lattice.inside - 1]
    return line
