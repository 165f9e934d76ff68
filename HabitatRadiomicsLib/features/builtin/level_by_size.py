"""What GLRLM, GLSZM and GLDM share: a table of grey level by size, and the same statistics of it.

The size is the length of a run, the number of voxels of a zone, or a voxel's number of dependent neighbours plus one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: pyradiomics adds it inside of each logarithm; kept, because equal values are wanted.
EPSILON = float(np.spacing(1.0))


class LevelBySize(NamedTuple):
    """How often each combination of level and size occurs.

    Attributes:
        counts: int array (levels, sizes).
        levels: the grey level of each row.
        sizes: the size of each column, at least 1.
    """

    counts: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray


def tabulated(ranks: np.ndarray, sizes: np.ndarray, present: np.ndarray) -> LevelBySize:
    """Table of things that each have a level, given by its rank in ``present`` from 1, and a size."""
    occurring, column = np.unique(sizes, return_inverse=True)
    cells = np.bincount((ranks - 1) * occurring.size + column, minlength=present.size * occurring.size)
    return LevelBySize(cells.reshape(present.size, occurring.size), present, occurring)


def statistics(table: LevelBySize) -> dict[str, float]:
    """Statistics by names that the three matrices translate to theirs; at least one count must not be 0.

    'small' and 'large' weigh with the size to the power of -2 and 2, 'low' and 'high' likewise with the level.
    """
    occurring = np.flatnonzero(table.counts.any(axis=0))
    counts = table.counts[:, occurring].astype(np.float64)
    sizes = table.sizes[occurring].astype(np.float64)
    levels = table.levels.astype(np.float64)
    of_level, of_size = counts.sum(axis=1), counts.sum(axis=0)
    total = float(of_level.sum())
    high, large = levels**2, sizes**2
    low, small = 1.0 / high, 1.0 / large
    by_large, by_small = counts @ large, counts @ small
    probabilities = counts[counts > 0] / total
    return {
        "small": float(of_size @ small) / total,
        "large": float(of_size @ large) / total,
        "low": float(of_level @ low) / total,
        "high": float(of_level @ high) / total,
        "small_low": float(low @ by_small) / total,
        "small_high": float(high @ by_small) / total,
        "large_low": float(low @ by_large) / total,
        "large_high": float(high @ by_large) / total,
        "level_non_uniformity": float(of_level @ of_level) / total,
        "level_non_uniformity_normalised": float(of_level @ of_level) / total**2,
        "size_non_uniformity": float(of_size @ of_size) / total,
        "size_non_uniformity_normalised": float(of_size @ of_size) / total**2,
        "per_voxel": total / float(of_size @ sizes),
        "level_variance": _variance(levels, of_level / total),
        "size_variance": _variance(sizes, of_size / total),
        "entropy": -float(probabilities @ np.log2(probabilities + EPSILON)),
    }


def _variance(values: np.ndarray, probabilities: np.ndarray) -> float:
    return float(probabilities @ (values - probabilities @ values) ** 2)
