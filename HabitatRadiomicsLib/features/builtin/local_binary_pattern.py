"""Local binary patterns (Ojala 2002, doi 10.1109/TPAMI.2002.1017623) of the slices of a volume."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

_NEIGHBOURS = 8
#: A pattern with more than two changes around the circle.
_NOT_UNIFORM = _NEIGHBOURS + 1


def local_binary_patterns(voxels: np.ndarray, start: tuple[int, ...]) -> np.ndarray:
    """Uniform, rotation invariant patterns of eight neighbours on a circle of radius 1: 0 to 8, or 9.

    The values are those of ``skimage.feature.local_binary_pattern`` (P = 8, R = 1, ``uniform``) on whole slices.
    Applied to a part of a slice, scikit-image would give other patterns where the image is flat: the interpolated
    neighbours then equal the centre except for rounding, which depends on the position in the slice.

    Args:
        voxels: (k, j, i), a part of the slices; intensities beyond it count as 0.
        start: row and column of the part's first voxel in the slice.

    Returns:
        float64, (k, j, i); correct except at an edge of the part that is not an edge of the slice.
    """
    padded = np.pad(voxels.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    rows, columns = (np.arange(first, first + count) for first, count in zip(start, voxels.shape[1:]))
    angles = 2 * np.pi * np.arange(_NEIGHBOURS, dtype=np.float64) / _NEIGHBOURS
    brighter = []
    for down, right in zip(np.round(-np.sin(angles), 5), np.round(np.cos(angles), 5)):
        above, below, row_share = _between(rows, float(down), start[0])
        left, beside, column_share = _between(columns, float(right), start[1])
        row_share = row_share[:, None]
        top = (1 - column_share) * _at(padded, above, left) + column_share * _at(padded, above, beside)
        bottom = (1 - column_share) * _at(padded, below, left) + column_share * _at(padded, below, beside)
        brighter.append((1 - row_share) * top + row_share * bottom - voxels >= 0)
    # Around the circle, but not across its start, as in scikit-image.
    changes = sum((one != other).astype(np.int8) for one, other in pairwise(brighter))
    count = sum(one.astype(np.int8) for one in brighter)
    return np.where(changes <= 2, count, _NOT_UNIFORM).astype(np.float64)


def _between(indices: np.ndarray, offset: float, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices in the padded part before and after each moved index, and the fraction between them."""
    moved = indices + offset
    before = np.floor(moved)
    return (before - start + 1).astype(np.intp), (np.ceil(moved) - start + 1).astype(np.intp), moved - before


def _at(padded: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    # Consecutive indices: a view, where fancy indexing would copy.
    return padded[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
