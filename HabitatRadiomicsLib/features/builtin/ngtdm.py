"""Neighbourhood grey tone difference matrix (IBSI IPET; Amadasun 1989, doi 10.1109/21.44046), distance 1.

Unlike IBSI, pyradiomics counts voxels without a neighbour in the region, with difference 0; so does this.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, directions

#: pyradiomics' coarseness of a region without any difference, where the formula would divide by 0.
_COARSENESS_LIMIT = 1e6


def ngtdm_features(levels: np.ndarray | LevelLattice, *, force_2d: bool, wanted: Collection[str]) -> dict[str, float]:
    """Features of the differences from the neighbourhood, defined for every region.

    As pyradiomics has it: where the formula would divide by 0, coarseness is 1e6 and the others are 0. That includes
    busyness where level times probability is the same for all levels: zero here, and in pyradiomics too unless its
    rounding makes a number around 1e15 of it.

    Args:
        levels: int array (k, j, i), 0 outside of the region, cropped to its box; or the lattice of such an array.
        force_2d: only neighbours in the same slice.
        wanted: pyradiomics' names of features of this class.
    """
    lattice = LevelLattice.of(levels)
    counts, differences = difference_table(lattice, force_2d=force_2d)
    total = int(counts.sum())
    probabilities = counts / total
    weighted = probabilities * differences
    gaps = np.abs(lattice.present[:, np.newaxis] - lattice.present)
    pairs = counts.size * (counts.size - 1)
    change = float(differences.sum())
    summed = float(weighted.sum())
    # Integers, so that equal is equal.
    spread = int(np.abs(np.subtract.outer(lattice.present * counts, lattice.present * counts)).sum()) / total
    added = np.add.outer(probabilities, probabilities)
    values = {
        # QCDE
        "Coarseness": 1.0 / summed if summed else _COARSENESS_LIMIT,
        # 65HE
        "Contrast": float(probabilities @ gaps**2 @ probabilities) * change / total / pairs if pairs else 0.0,
        # NQ30
        "Busyness": summed / spread if spread else 0.0,
        # HDEZ
        "Complexity": float((gaps * np.add.outer(weighted, weighted) / added).sum()) / total,
        # 1X9X
        "Strength": float((added * gaps**2).sum()) / change if change else 0.0,
    }
    return {name: value for name, value in values.items() if name in wanted}


def difference_table(lattice: LevelLattice, *, force_2d: bool) -> tuple[np.ndarray, np.ndarray]:
    """Per level that occurs: number of voxels, and sum of their absolute differences from their neighbours' mean."""
    own = lattice.neighbours(0)
    counts = np.bincount(own - 1, minlength=lattice.present.size)
    level_of = np.concatenate([[0], lattice.present])
    kernels = compiled_kernels()
    if kernels is not None:
        forward = directions(lattice.shape, force_2d=force_2d)
        steps = lattice.steps(np.concatenate([forward, -forward]))
        return counts, kernels.neighbourhood_differences(lattice.ranks, lattice.voxels, steps, level_of)[1:]
    levels = level_of[own]
    strides = lattice.strides[1:] if force_2d else lattice.strides
    neighbours = _summed_around((lattice.ranks > 0).astype(np.uint8), strides)[lattice.voxels] - 1
    total = _summed_around(level_of[lattice.ranks], strides)[lattice.voxels] - levels
    difference = np.abs(levels - total / np.maximum(neighbours, 1))
    difference[neighbours == 0] = 0.0
    # bincount adds in the order of the voxels, so the rounding is that of a loop.
    return counts, np.bincount(own - 1, weights=difference, minlength=lattice.present.size)


def _summed_around(values: np.ndarray, strides: tuple[int, ...]) -> np.ndarray:
    """Sum over each voxel and all its neighbours, one axis after the other; meaningless at the separating zeros."""
    for stride in strides:
        summed = values.copy()
        summed[stride:] += values[:-stride]
        summed[:-stride] += values[stride:]
        values = summed
    return values
