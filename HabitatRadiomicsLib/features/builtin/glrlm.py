"""Grey level run length matrix (IBSI TP0I): runs of equal grey level along 13 directions, by level and length.

Features are calculated for each direction and averaged (IBSI ITBB; within slices, 4 directions, BTW3).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.features.builtin.level_by_size import LevelBySize, statistics
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, directions

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


def glrlm_features(levels: np.ndarray | LevelLattice, *, force_2d: bool, wanted: Collection[str]) -> dict[str, float]:
    """Features of the runs, averaged over the directions in which the region is more than single voxels.

    Without any such direction they are NaN; pyradiomics' exception is kept, by which run variance and entropy are 0
    if the box extends along one axis only (the axis that ``force_2d`` leaves out does not count).

    Args:
        levels: int array (k, j, i), 0 outside of the region, cropped to its box; or the lattice of such an array.
        force_2d: only directions within a slice.
        wanted: pyradiomics' names of features of this class.
    """
    lattice = LevelLattice.of(levels)
    tables = run_counts(lattice, force_2d=force_2d)
    lengths = np.arange(1, tables.shape[2] + 1)
    found = [statistics(LevelBySize(counts, lattice.present, lengths)) for counts in tables if counts.any()]
    if found:
        values = {key: float(np.mean([of_direction[key] for of_direction in found])) for key in found[0]}
    else:
        values = dict.fromkeys(_STATISTICS.values(), float("nan"))
        if len(tables) == 1:
            values.update(size_variance=0.0, entropy=0.0)
    return {name: values[statistic] for name, statistic in _STATISTICS.items() if name in wanted}


def run_counts(lattice: LevelLattice, *, force_2d: bool) -> np.ndarray:
    """Number of runs, int array (directions, levels present, lengths from 1 to the box's longest side).

    A direction is left empty, as by pyradiomics, if none of its lines meets the region in more than one voxel.
    """
    offsets = directions(lattice.shape, force_2d=force_2d)
    steps = lattice.steps(offsets)
    count, longest = lattice.present.size, max(lattice.shape)
    kernels = compiled_kernels()
    if kernels is None:
        tables = np.zeros((len(steps), count + 1, longest + 1), dtype=np.int64)
        for table, step in zip(tables, steps):
            table.ravel()[:] = _runs_along(lattice.ranks, int(step), count, longest)
    else:
        tables = kernels.runs_reaching(lattice.ranks, lattice.voxels, steps, count, longest)
        # Runs of a length are those that reach it and not the next one.
        tables[:, :, :-1] -= tables[:, :, 1:]
    counts = tables[:, 1:, 1:]
    for of_direction, offset in zip(counts, offsets):
        if not of_direction[:, 1:].any() and not _some_line_meets_twice(lattice, offset):
            of_direction[:] = 0
    return counts


def _runs_along(ranks: np.ndarray, step: int, count: int, longest: int) -> np.ndarray:
    # As rows of one step's length, each column is a chain of voxels along the direction, with zeros where the
    # chain leaves the box; column after column, every run is a stretch of equal values. What is cut off is margin.
    chains = ranks[: ranks.size // step * step].reshape(-1, step).T.ravel()
    before, after = chains[:-1], chains[1:]
    changes = before != after
    last = np.flatnonzero(changes & (before > 0))
    first = np.flatnonzero(changes & (after > 0)) + 1
    lengths = last - first + 1
    return np.bincount(chains[last] * np.int64(longest + 1) + lengths, minlength=(count + 1) * (longest + 1))


def _some_line_meets_twice(lattice: LevelLattice, offset: np.ndarray) -> bool:
    moving = offset != 0
    position = lattice.positions()[:, moving]
    last = np.array(lattice.shape)[moving] - 1
    # A line is known by where it enters the box.
    steps_since_entry = np.where(offset[moving] > 0, position, last - position).min(axis=1)
    entries = lattice.positions() - steps_since_entry[:, np.newaxis] * offset
    return len(np.unique(entries, axis=0)) < len(entries)
