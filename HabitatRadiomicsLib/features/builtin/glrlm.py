"""Grey level run length matrix (IBSI TP0I): runs of equal grey level along 13 directions, by level and length.

Features are calculated for each direction and averaged (IBSI ITBB; within slices, 4 directions, JJUI), or of
the weighted sum of the directions' matrices (with equal weights IBSI IAZD).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, compiled_kernels
from HabitatRadiomicsLib.protocol import TextureSettings

#: Statistic of the table by pyradiomics' name.
_STATISTICS = {
    "ShortRunEmphasis": "small",  # 22OV
    "LongRunEmphasis": "large",  # W4KF
    "LowGrayLevelRunEmphasis": "low",  # V3SW
    "HighGrayLevelRunEmphasis": "high",  # G3QZ
    "ShortRunLowGrayLevelEmphasis": "small_low",  # HTZT
    "ShortRunHighGrayLevelEmphasis": "small_high",  # GD3A
    "LongRunLowGrayLevelEmphasis": "large_low",  # IVPO
    "LongRunHighGrayLevelEmphasis": "large_high",  # 3KUM
    "GrayLevelNonUniformity": "level_non_uniformity",  # R5YN
    "GrayLevelNonUniformityNormalized": "level_non_uniformity_normalised",  # OVBL
    "RunLengthNonUniformity": "size_non_uniformity",  # W92Y
    "RunLengthNonUniformityNormalized": "size_non_uniformity_normalised",  # IC23
    "RunPercentage": "per_voxel",  # 9ZK5
    "GrayLevelVariance": "level_variance",  # 8CE5
    "RunVariance": "size_variance",  # SXLW
    "RunEntropy": "entropy",  # HJ9O
}


def glrlm_features(lattice: LevelLattice, wanted: Collection[str], texture: TextureSettings) -> dict[str, float]:
    """Features of the runs, averaged over the directions in which the region is more than single voxels.

    Without any such direction they are NaN. pyradiomics' exception is kept: run variance and entropy are 0 if there is
    a single matrix, which is the case for weighted directions and for a box that extends along one axis only (the axis
    that ``force_2d`` leaves out does not count).
    """
    tables = run_counts(lattice)
    if texture.weighting is not None and len(tables):
        weights = lattice.layout.lengths(lattice.layout.adjacent, texture.weighting)
        tables = np.tensordot(weights, tables, axes=1)[np.newaxis]
    kept = tables[tables.any(axis=(1, 2))]
    if len(kept):
        by_table = statistics(LevelBySize(kept, lattice.present, np.arange(1, tables.shape[2] + 1)))
        values = dict(zip(by_table, np.stack(list(by_table.values())).mean(axis=1).tolist()))
    else:
        values = dict.fromkeys(_STATISTICS.values(), float("nan"))
        if len(tables) == 1:
            values.update(size_variance=0.0, entropy=0.0)
    return {name: values[statistic] for name, statistic in _STATISTICS.items() if name in wanted}


def run_counts(lattice: LevelLattice) -> np.ndarray:
    """Number of runs, int array (directions, levels present, lengths from 1 to the box's longest side).

    A direction is left empty, as by pyradiomics, if none of its lines meets the region in more than one voxel.
    """
    layout = lattice.layout
    count, longest = lattice.present.size, max(layout.shape)
    kernels = compiled_kernels()
    if kernels is None:
        tables = np.empty((len(layout.adjacent), count + 1, longest + 1), dtype=np.int64)
        for table, (order, breaks) in zip(tables, layout.chains):
            table[:] = _runs_along(lattice.inside[order], breaks, (count + 1, longest + 1))
    else:
        tables = kernels.runs_reaching(lattice.ranks, layout.voxels, layout.steps(layout.adjacent), count, longest)
        # Runs of a length reach it, but not the next one.
        tables[:, :, :-1] -= tables[:, :, 1:]
    counts = tables[:, 1:, 1:]
    for direction in np.flatnonzero(~counts[:, :, 1:].any(axis=(1, 2))):
        if not layout.has_line_along(layout.adjacent[direction]):
            counts[direction] = 0
    return counts


def _runs_along(ranks: np.ndarray, breaks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    ends = np.flatnonzero((ranks[1:] != ranks[:-1]) | breaks)
    lengths = np.diff(ends, prepend=-1, append=ranks.size - 1)
    cells = ranks[np.append(ends, ranks.size - 1)] * np.int64(shape[1]) + lengths
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)
