"""What the texture matrices share: which voxels are neighbours, and a region and its levels laid out for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np

from HabitatRadiomicsLib.system.compiled import compiled_module


def compiled_kernels() -> ModuleType | None:
    """The kernels that numba compiles, or None without a working numba; the matrices are the same either way."""
    return compiled_module("HabitatRadiomicsLib.features.builtin.kernels")


def directions(shape: tuple[int, int, int], *, force_2d: bool, distances: Collection[int] = (1,)) -> np.ndarray:
    """Half of the neighbours at the given Chebyshev distances, in pyradiomics' order: one of each opposite pair.

    Args:
        shape: of the region's box; offsets that leave it from every voxel are left out.
        force_2d: only offsets within the j-i plane.
        distances: in voxels, at least 1.

    Returns:
        int array (directions, 3) of offsets (k, j, i): at distance 1, 13 rows for a box with three extended axes, 4 for
        two, 1 for one, none for a single voxel (where pyradiomics raises).
    """
    reach = [min(max(distances), size - 1) for size in shape]
    if force_2d:
        reach[0] = 0
    descending = (np.arange(most, -most - 1, -1) for most in reach)
    offsets = np.stack([axis.ravel() for axis in np.meshgrid(*descending, indexing="ij")], axis=1)
    # The offset in the middle is zero; those after it are opposite to those before it.
    forward = offsets[: len(offsets) // 2]
    return forward[np.isin(np.abs(forward).max(axis=1), list(distances))].astype(np.int64, copy=False)


@dataclass(frozen=True, eq=False)
class RegionLayout:
    """A region in one line of memory, in which every neighbour is a fixed step away; the same for all images.

    The box is laid out in C order with columns of zeros after each row, rows of zeros after each plane, and zeros
    before and after everything. A step out of the box along an offset therefore ends on a zero.

    Attributes:
        voxels: int64, positions of the region's voxels in the line, ascending (C order).
        shape: of the box, (k, j, i).
        padded: shape of the box with the zeros that separate its rows and planes.
        margin: number of zeros before the box and after it.
        adjacent: half of the offsets (k, j, i) at distance 1, of runs and zones.
        offsets: half of the offsets at ``distances``, of pairs, dependences and neighbourhoods.
        distances: Chebyshev distances of ``offsets``.
        force_2d: whether only voxels of the same slice are neighbours.
        spacing: of the voxels (k, j, i), in mm.
    """

    voxels: np.ndarray
    shape: tuple[int, int, int]
    padded: tuple[int, int, int]
    margin: int
    adjacent: np.ndarray
    offsets: np.ndarray
    distances: frozenset[int]
    force_2d: bool
    spacing: tuple[float, float, float]

    @classmethod
    def of(
        cls,
        inside: np.ndarray,
        *,
        force_2d: bool,
        distances: Collection[int] = (1,),
        spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> RegionLayout:
        """Lay out a region, bool (k, j, i), cropped to its box."""
        planes, rows, columns = inside.shape
        adjacent = directions(inside.shape, force_2d=force_2d)
        offsets = directions(inside.shape, force_2d=force_2d, distances=distances)
        # At least one, so that a row of zeros separates the slices.
        between = np.abs(offsets).max(axis=0, initial=1)
        padded = (planes, rows + int(between[1]), columns + int(between[2]))
        strides = np.array([padded[1] * padded[2], padded[2], 1])
        margin = int(between @ strides)
        voxels = np.asarray(np.ravel_multi_index(np.nonzero(inside), padded), dtype=np.int64) + margin
        return cls(
            voxels, (planes, rows, columns), padded, margin, adjacent, offsets, frozenset(distances), force_2d, spacing
        )

    @property
    def size(self) -> int:
        """Length of the line."""
        planes, rows, columns = self.padded
        return planes * rows * columns + 2 * self.margin

    @property
    def strides(self) -> tuple[int, int, int]:
        """Steps between neighbours along each axis."""
        return self.padded[1] * self.padded[2], self.padded[2], 1

    def steps(self, offsets: np.ndarray) -> np.ndarray:
        """Step from a voxel to its neighbour, for each offset (k, j, i); int64."""
        return offsets @ np.array(self.strides, dtype=np.int64)

    def lengths(self, offsets: np.ndarray, norm: str) -> np.ndarray:
        """Length of each offset in mm by a norm of ``TextureSettings.weighting``; 1 where that is ``no_weighting``."""
        along = np.abs(offsets) * np.array(self.spacing)
        if norm == "no_weighting":
            return np.ones(len(offsets))
        if norm == "infinity":
            return np.asarray(along.max(axis=1))
        return np.asarray(along.sum(axis=1) if norm == "manhattan" else np.sqrt((along**2).sum(axis=1)))

    def positions(self) -> np.ndarray:
        """int array (voxels, 3): position (k, j, i) in the box of each voxel of the region."""
        return np.stack(np.unravel_index(self.voxels - self.margin, self.padded), axis=1)

    def has_line_along(self, offset: np.ndarray) -> bool:
        """Whether a line along an offset (k, j, i) at distance 1 meets the region in more than one voxel."""
        moving = offset != 0
        positions = self.positions()
        position = positions[:, moving]
        last = np.array(self.shape)[moving] - 1
        # A line is identified by the position where it enters the box.
        steps_since_entry = np.where(offset[moving] > 0, position, last - position).min(axis=1)
        entries = positions - steps_since_entry[:, np.newaxis] * offset
        return len(np.unique(entries, axis=0)) < len(entries)

    def summed_around(self, line: np.ndarray) -> np.ndarray:
        """Sum of a line's values at all neighbours, for each of the region's voxels.

        The neighbours at one distance are a cube without the next smaller one; a cube's sum is taken axis by axis.
        """
        total = np.zeros(self.voxels.size, dtype=line.dtype)
        for radius in range(max(self.distances) + 1):
            counted = (radius in self.distances) - (radius + 1 in self.distances)
            if counted:
                total += counted * self._cubes(line, radius)[self.voxels]
        return total

    def _cubes(self, line: np.ndarray, radius: int) -> np.ndarray:
        """Sums over cubes around each position; meaningless at the separating zeros."""
        for axis in range(1 if self.force_2d else 0, 3):
            summed = line.copy()
            for distance in range(1, min(radius, self.shape[axis] - 1) + 1):
                step = distance * self.strides[axis]
                summed[step:] += line[:-step]
                summed[:-step] += line[step:]
            line = summed
        return line

    @cached_property
    def neighbour_counts(self) -> np.ndarray:
        """Number of neighbours in the region, for each of its voxels; int32."""
        line = np.zeros(self.size, dtype=np.int32)
        line[self.voxels] = 1
        return self.summed_around(line)

    @cached_property
    def chains(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each adjacent direction, the region's voxels line by line.

        Indices into ``voxels`` (int32), and whether a voxel of that order is not the neighbour of the one before it
        (bool, one fewer).
        """
        chains = []
        for step in self.steps(self.adjacent).tolist():
            order = np.argsort(self.voxels % step, kind="stable")
            chains.append((order.astype(np.int32), np.diff(self.voxels[order]) != step))
        return tuple(chains)


@dataclass(frozen=True, eq=False)
class LevelLattice:
    """The grey levels of a region, laid out.

    Attributes:
        layout: of the region.
        present: the levels that occur, ascending.
        ranks: int32, the layout's line: rank of each voxel's level in ``present``, from 1; 0 outside the region.
        inside: int32, the ranks of the region's voxels.
        counts: number of voxels of each level in ``present``.
    """

    layout: RegionLayout
    present: np.ndarray
    ranks: np.ndarray
    inside: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, levels: np.ndarray, layout: RegionLayout) -> LevelLattice:
        """Lay out the grey levels, int from 1, of a region's voxels in C order."""
        occurrences = np.bincount(levels)
        present = np.flatnonzero(occurrences)
        rank_of = np.zeros(occurrences.size, dtype=np.int32)
        rank_of[present] = np.arange(1, present.size + 1)
        inside = rank_of[levels]
        ranks = np.zeros(layout.size, dtype=np.int32)
        ranks[layout.voxels] = inside
        return cls(layout, present, ranks, inside, occurrences[present])

    @property
    def level_count(self) -> int:
        """pyradiomics' Ng: the highest level, whether or not those below all occur."""
        return int(self.present[-1])

    def neighbours(self, step: int) -> np.ndarray:
        """Ranks of the voxels one step away from the region's voxels; 0 outside the region."""
        return self.ranks[self.layout.voxels + step]

    def box(self) -> np.ndarray:
        """View of the ranks as an array (k, j, i), with the separating zeros."""
        return self.ranks[self.layout.margin : self.ranks.size - self.layout.margin].reshape(self.layout.padded)
