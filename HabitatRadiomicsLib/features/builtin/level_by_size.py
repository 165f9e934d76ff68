"""What GLRLM, GLSZM and GLDM share: a table of grey level by size, and the same statistics of it.

The size is the length of a run, the number of voxels of a zone, or a voxel's number of dependent neighbours plus one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: pyradiomics adds it inside each logarithm.
EPSILON = float(np.spacing(1.0))


class LevelBySize(NamedTuple):
    """How often each combination of level and size occurs.

    Attributes:
        counts: array (levels, sizes), or (tables, levels, sizes).
        levels: the grey level of each row.
        sizes: the size of each column, at least 1.
    """

    counts: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray


def tabulated(ranks: np.ndarray, sizes: np.ndarray, present: np.ndarray) -> LevelBySize:
    """Counts objects by level, given as a rank in ``present`` from 1, and size."""
    occurring = np.flatnonzero(np.bincount(sizes))
    column = np.zeros(int(occurring[-1]) + 1, dtype=np.int64)
    column[occurring] = np.arange(occurring.size)
    cells = np.bincount((ranks - 1) * occurring.size + column[sizes], minlength=present.size * occurring.size)
    return LevelBySize(cells.reshape(present.size, occurring.size), present, occurring)


def statistics(table: LevelBySize) -> dict[str, np.ndarray]:
    """Statistics of each table, none of them all 0; the three matrices translate the names to theirs.

    'small' and 'large' weight with the size to the power of -2 and 2, 'low' and 'high' likewise with the level.
    """
    occurring = np.flatnonzero(table.counts.reshape(-1, table.sizes.size).any(axis=0))
    counts = table.counts[..., occurring].astype(np.float64)
    sizes = table.sizes[occurring].astype(np.float64)
    levels = table.levels.astype(np.float64)
    of_level, of_size = counts.sum(axis=-1), counts.sum(axis=-2)
    total = of_level.sum(axis=-1)
    high, large = levels**2, sizes**2
    low, small = 1.0 / high, 1.0 / large
    by_large, by_small = counts @ large, counts @ small
    level_squares, size_squares = (of_level**2).sum(axis=-1), (of_size**2).sum(axis=-1)
    probabilities = counts / total[..., np.newaxis, np.newaxis]
    return {
        "small": of_size @ small / total,
        "large": of_size @ large / total,
        "low": of_level @ low / total,
        "high": of_level @ high / total,
        "small_low": by_small @ low / total,
        "small_high": by_small @ high / total,
        "large_low": by_large @ low / total,
        "large_high": by_large @ high / total,
        "level_non_uniformity": level_squares / total,
        "level_non_uniformity_normalised": level_squares / total**2,
        "size_non_uniformity": size_squares / total,
        "size_non_uniformity_normalised": size_squares / total**2,
        "per_voxel": total / (of_size @ sizes),
        "level_variance": _variance(levels, of_level / total[..., np.newaxis]),
        "size_variance": _variance(sizes, of_size / total[..., np.newaxis]),
        "entropy": -(probabilities * np.log2(probabilities + EPSILON)).sum(axis=(-2, -1)),
    }


def _variance(values: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    mean = (probabilities @ values)[..., np.newaxis]
    variance: np.ndarray = (probabilities * (values - mean) ** 2).sum(axis=-1)
    return variance
