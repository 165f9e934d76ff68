"""The sums behind local entropy in a loop that numba compiles. Imported only through ``system.compiled``."""
# mypy: allow-untyped-decorators

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def window_sums(
    levels: np.ndarray,
    counted: np.ndarray,
    wanted: np.ndarray,
    margins: tuple[int, int, int],
    level_count: int,
    table: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Number of counted voxels in the window of each wanted voxel, and the sum of ``table[count]`` over their levels.

    A histogram slides along i: it gains one column of the window and loses one. The levels are summed in their order,
    as without numba, so that the bits are the same.

    Args:
        levels, counted: of the box widened by the margins on either side.
        wanted: boolean, of the box.
        margins: reach of the window along k, j, i.
    """
    reach_k, reach_j, reach_i = margins
    width = 2 * reach_i + 1
    voxels = np.count_nonzero(wanted)
    in_window = np.empty(voxels, dtype=np.int64)
    totals = np.empty(voxels, dtype=np.float64)
    histogram = np.empty(level_count, dtype=np.int64)
    index = 0
    for k in range(wanted.shape[0]):
        for j in range(wanted.shape[1]):
            row = wanted[k, j]
            first, last = 0, row.size - 1
            while first <= last and not row[first]:
                first += 1
            while last > first and not row[last]:
                last -= 1
            histogram[:] = 0
            inside = 0
            for column in range(first, last + width):
                for window_k in range(k, k + 2 * reach_k + 1):
                    for window_j in range(j, j + 2 * reach_j + 1):
                        if counted[window_k, window_j, column]:
                            histogram[levels[window_k, window_j, column]] += 1
                            inside += 1
                        if column >= first + width and counted[window_k, window_j, column - width]:
                            histogram[levels[window_k, window_j, column - width]] -= 1
                            inside -= 1
                i = column - 2 * reach_i
                if i >= first and row[i]:
                    total = 0.0
                    for level in range(level_count):
                        total += table[histogram[level]]
                    in_window[index] = inside
                    totals[index] = total
                    index += 1
    return in_window, totals
