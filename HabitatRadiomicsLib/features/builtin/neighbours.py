"""Which voxels are neighbours: the directions of the texture matrices, and a region laid out for them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np


def directions(shape: tuple[int, int, int], *, force_2d: bool) -> np.ndarray:
    """Half of the neighbours at Chebyshev distance 1, in pyradiomics' order: one of each opposite pair.

    Args:
        shape: of the region's box. No direction leads along an axis with a single voxel.
        force_2d: only directions within the j-i plane.

    Returns:
        int array (directions, 3) of offsets (k, j, i): 13 rows for a box with three extended axes, 4 for two,
        1 for one, none for a single voxel (where pyradiomics raises).
    """
    reach = [1 if size > 1 else 0 for size in shape]
    if force_2d:
        reach[0] = 0
    offsets = product(*(range(most, -most - 1, -1) for most in reach))
    return np.array([offset for offset in offsets if offset > (0, 0, 0)], dtype=np.int64).reshape(-1, 3)


@dataclass(frozen=True)
class LevelLattice:
    """The grey levels of a region in one line of memory, in which every neighbour is a fixed step away.

    The box is laid out in C order with a column of zeros after each row, a row of zeros after each plane, and zeros
    before and after it all. Whoever steps out of the box in any direction therefore meets a zero.

    Attributes:
        present: the levels that occur, ascending.
        ranks: int32, place of each voxel's level in ``present``, from 1; 0 outside of the region.
        voxels: int64, where in ``ranks`` the region's voxels are, ascending (C order).
        shape: of the box, (k, j, i).
        margin: number of zeros before the box.
    """

    present: np.ndarray
    ranks: np.ndarray
    voxels: np.ndarray
    shape: tuple[int, int, int]
    margin: int

    @classmethod
    def of(cls, levels: np.ndarray | LevelLattice) -> LevelLattice:
        """Lay out a region.

        Args:
            levels: int array (k, j, i) of grey levels from 1, 0 outside of the region, cropped to the region's box;
                a lattice is returned as it is, so that several matrices can share one.

        Raises:
            ValueError: no voxel belongs to the region.
        """
        if isinstance(levels, LevelLattice):
            return levels
        planes, rows, columns = levels.shape
        padded = np.zeros((planes, rows + 1, columns + 1), dtype=np.int64)
        padded[:, :-1, :-1] = levels
        flat = padded.ravel()
        inside = np.flatnonzero(flat)
        if not inside.size:
            raise ValueError("no voxel belongs to the region")
        values = flat[inside]
        occurrences = np.bincount(values)
        present = np.flatnonzero(occurrences)
        rank_of = np.zeros(occurrences.size, dtype=np.int32)
        rank_of[present] = np.arange(1, present.size + 1)
        margin = (rows + 2) * (columns + 1) + 1
        ranks = np.zeros(flat.size + 2 * margin, dtype=np.int32)
        voxels = inside + margin
        ranks[voxels] = rank_of[values]
        return cls(present, ranks, voxels, (planes, rows, columns), margin)

    @property
    def level_count(self) -> int:
        """pyradiomics' Ng: the highest level, whether or not those below all occur."""
        return int(self.present[-1])

    @property
    def strides(self) -> tuple[int, int, int]:
        """Distance in ``ranks`` between neighbours along each axis."""
        _, rows, columns = self.shape
        return (rows + 1) * (columns + 1), columns + 1, 1

    def steps(self, offsets: np.ndarray) -> np.ndarray:
        """Distance in ``ranks`` from a voxel to its neighbour, for each offset (k, j, i)."""
        return offsets @ np.array(self.strides, dtype=np.int64)

    def neighbours(self, step: int) -> np.ndarray:
        """Ranks of the voxels that lie one step from the region's voxels; 0 where that is outside of the region."""
        return self.ranks[self.voxels + step]

    def shifted(self, step: int) -> np.ndarray:
        """View of what lies one step from each place of the box, with the separating zeros, in one line."""
        return self.ranks[self.margin + step : self.ranks.size - self.margin + step]

    def box(self) -> np.ndarray:
        """View of the ranks as (k, j + 1, i + 1), with the separating zeros."""
        planes, rows, columns = self.shape
        return self.shifted(0).reshape(planes, rows + 1, columns + 1)

    def positions(self) -> np.ndarray:
        """int array (voxels, 3): place (k, j, i) in the box of each voxel of the region."""
        planes, rows, columns = self.shape
        return np.stack(np.unravel_index(self.voxels - self.margin, (planes, rows + 1, columns + 1)), axis=1)
