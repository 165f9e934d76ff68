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

    As in pyradiomics, coarseness is 1e6 and the others are 0 where the formula would divide by 0. That includes
    busyness where level times probability is the same for all levels; pyradiomics' rounding may then give a number
    around 1e15.
    """
    counts, differences = lattice.counts, level_differences(lattice)
    total = int(counts.sum())
    probabilities = counts / total
    weighted = probabilities * differences
    gaps = np.abs(lattice.present[:, np.newaxis] - lattice.present)
    pairs = counts.size * (counts.size - 1)
    change = float(differences.sum())
    summed = float(weighted.sum())
    # Of integers, so that equal products are exactly equal.
    spread = int(np.abs(np.subtract.outer(lattice.present * counts, lattice.present * counts)).sum()) / total
    added = np.add.outer(probabilities, probabilities)
    contrast = float(probabilities @ gaps**2 @ probabilities) * change / total / pairs if pairs else 0.0
    values = {
        "Coarseness": 1.0 / summed if summed else _COARSENESS_LIMIT,  # QCDE
        "Contrast": contrast,  # 65HE
        "Busyness": summed / spread if spread else 0.0,  # NQ30
        "Complexity": float((gaps * np.add.outer(weighted, weighted) / added).sum()) / total,  # HDEZ
        "Strength": float((added * gaps**2).sum()) / change if change else 0.0,  # 1X9X
    }
    return {name: value for name, value in values.items() if name in wanted}


def level_differences(lattice: LevelLattice) -> np.ndarray:
    """Per level that occurs, the sum of its voxels' absolute differences from the mean of their neighbours."""
    layout = lattice.layout
    # The narrower type, if the sums of all neighbours' levels fit.
    most = lattice.level_count * (2 * max(layout.distances) + 1) ** 3
    line = np.zeros(layout.size, dtype=np.int32 if most < 2**31 else np.int64)
    levels = lattice.present[lattice.inside - 1]
    line[layout.voxels] = levels
    neighbours = layout.neighbour_counts
    difference = np.abs(levels - layout.summed_around(line) / np.maximum(neighbours, 1))
    difference[neighbours == 0] = 0.0
    return np.bincount(lattice.inside - 1, weights=difference, minlength=lattice.present.size)
