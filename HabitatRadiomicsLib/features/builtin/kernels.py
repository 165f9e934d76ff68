"""The texture matrices in loops that numba compiles. Imported only through ``compiled_kernels``.

All take ``ranks`` (int32) of a ``LevelLattice``, ``voxels`` (int64) of its layout, and steps to neighbours (int64).
Indices are read as unsigned, because numba checks for every signed index whether it counts from the end; a negative
step still leads backwards, as sums are taken modulo 2**64.
"""
# mypy: allow-untyped-decorators

from __future__ import annotations

import numba
import numpy as np

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def pair_counts(ranks: np.ndarray, voxels: np.ndarray, steps: np.ndarray, level_count: int) -> np.ndarray:
    """Pairs by direction, level of the voxel and level of its neighbour; row and column 0 are the outside."""
    width = level_count + 1
    counts = np.zeros((steps.size, width * width), dtype=np.int64)
    for direction, step in enumerate(steps.view(np.uint64)):
        table = counts[direction]
        for voxel in voxels.view(np.uint64):
            table[np.uint64(ranks[voxel] * width + ranks[voxel + step])] += 1
    return counts.reshape(steps.size, width, width)


@_compiled
def runs_reaching(
    ranks: np.ndarray, voxels: np.ndarray, steps: np.ndarray, level_count: int, longest: int
) -> np.ndarray:
    """Runs by direction, level and length that they reach; row and column 0 stay empty. ``steps`` must be positive."""
    # Counts the voxels by their position in a run. No branch on whether a run continues: it could not be predicted.
    width = longest + 1
    reached = np.zeros((steps.size, (level_count + 1) * width), dtype=np.int64)
    position = np.zeros(ranks.size, dtype=np.int32)
    for direction, step in enumerate(steps.view(np.uint64)):
        table = reached[direction]
        for voxel in voxels.view(np.uint64):
            rank = ranks[voxel]
            before = voxel - step
            following = position[before] * (ranks[before] == rank) + 1
            position[voxel] = following
            table[np.uint64(rank * width + following)] += 1
    return reached.reshape(steps.size, level_count + 1, width)


@_compiled
def zones(ranks: np.ndarray, voxels: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level and size of every connected zone of equal level; ``steps`` lead to all neighbours, both ways."""
    remaining = ranks.copy()
    stack = np.empty(voxels.size, dtype=np.uint64)
    levels = np.empty(voxels.size, dtype=np.int64)
    sizes = np.empty(voxels.size, dtype=np.int64)
    ways = steps.view(np.uint64)
    count = 0
    for seed in voxels.view(np.uint64):
        rank = remaining[seed]
        if rank == 0:
            continue
        remaining[seed] = 0
        stack[0] = seed
        top = 1
        size = 0
        while top > 0:
            top -= 1
            voxel = stack[top]
            size += 1
            for step in ways:
                neighbour = voxel + step
                if remaining[neighbour] == rank:
                    remaining[neighbour] = 0
                    stack[top] = neighbour
                    top += 1
        levels[count] = rank
        sizes[count] = size
        count += 1
    return levels[:count], sizes[:count]
