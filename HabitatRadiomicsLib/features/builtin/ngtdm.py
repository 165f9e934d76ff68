"""Neighbourhood grey tone difference matrix (IBSI IPET; Amadasun 1989, doi 10.1109/21.44046).

Unlike IBSI, pyradiomics counts voxels without a neighbour in the region, with difference 0; so does this.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice
from HabitatRadiomicsLib.protocol import TextureSettings

#: pyradiomics' coarseness of a region without any difference, where the formula would divide by 0.
_COARSENESS_LIMIT = 1e6


def ngtdm_features(lattice: LevelLattice, wanted: Collection[str], texture: TextureSettings) -> dict[str, float]:
    """Features of the differences from the neighbourhood, defined for every region.

    As pyradiomics has it: where the formula would divide by 0, coarseness is 1e6 and the others are 0. That includes
    busyness where level times probability is the same for all levels: zero here, and in pyradiomics too unless its
    rounding makes a number around 1e15 of it.

    Args:
        lattice: the region's levels.
        wanted: pyradiomics' names of features of this class.
        texture: says nothing about this class beyond the lattice's distances.
    """
    counts, differences = lattice.counts, level_differences(lattice)
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


def level_differences(lattice: LevelLattice) -> np.ndarray:
    """Per level that occurs, the sum of its voxels' absolute differences from the mean of their neighbours."""
    layout = lattice.layout
    # Sums of all neighbours' levels, in the narrower type if they fit.
    most = lattice.level_count * (2 * max(layout.distances) + 1) ** 3
    line = np.zeros(layout.size, dtype=np.int32 if most < 2**31 else np.int64)
    levels = lattice.present[lattice.inside - 1]
    line[layout.voxels] = levels
    neighbours = layout.neighbour_counts
    difference = np.abs(levels - layout.summed_around(line) / np.maximum(neighbours, 1))
    difference[neighbours == 0] = 0.0
    return np.bincount(lattice.inside - 1, weights=difference, minlength=lattice.present.size)
