"""Grey level co-occurrence matrix (IBSI LFYI): pairs of neighbouring voxels along 13 directions, by their levels.

Features are calculated for each direction and averaged (IBSI ITBB; within slices, 4 directions, JJUI), or of
the weighted sum of the directions' matrices (with equal weights IBSI IAZD).
Haralick 1973, doi 10.1109/TSMC.1973.4309314.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from HabitatRadiomicsLib.features.builtin.level_by_size import EPSILON
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, compiled_kernels
from HabitatRadiomicsLib.protocol import TextureSettings

#: As many directions are computed at once as fit into this many cells of an array.
_MOST_CELLS = 2**20


def glcm_features(lattice: LevelLattice, wanted: Collection[str], texture: TextureSettings) -> dict[str, float]:
    """Features of the pairs, averaged over the directions in which there are any.

    Without any pair they are NaN, with pyradiomics' exceptions for a single level: MCC is 1, and inverse variance is 0
    if there is a single matrix, which is the case for weighted directions and for a box that extends along one axis
    only (the one that ``force_2d`` leaves out does not count).

    Where two levels are independent along a direction, MCC and the second information correlation are 0 there.
    pyradiomics' rounding gives about 1e-8, or the root of a negative number, and then it leaves the direction out.
    Where pairs count in one order and a single level meets several, correlation is 1 there, as for a single level;
    pyradiomics gives 1 or a ratio of rounding errors.

    The second information correlation is the root of 1 - exp(-2 I), where I is a difference of two entropies, and MCC
    the root of an eigenvalue. Where levels are almost independent these numbers are close to 0, and their roots have
    few correct digits: if I is 1e-9 bits, known to 2e-16, only eight. Two correct programs differ in the others.
    """
    values = dict.fromkeys(wanted, float("nan"))
    scales = _LevelPairs(lattice.present, symmetrical=texture.symmetrical_glcm)
    blocks = (counts[counts.any(axis=(1, 2))] for counts in _matrices(lattice, texture))
    by_block = [scales.features(counts, with_mcc="MCC" in wanted) for counts in blocks if len(counts)]
    if by_block:
        means = np.concatenate([np.stack(list(block.values())) for block in by_block], axis=1).mean(axis=1)
        values |= zip(by_block[0], means.tolist())
    elif lattice.present.size == 1:
        values["MCC"] = 1.0
        if len(lattice.layout.offsets) == 1 or (texture.weighting is not None and len(lattice.layout.offsets)):
            values["InverseVariance"] = 0.0
    return {name: value for name, value in values.items() if name in wanted}


def _matrices(lattice: LevelLattice, texture: TextureSettings) -> Iterator[np.ndarray]:
    """Blocks of matrices (directions, levels, levels); with weights, the weighted sum of all directions."""
    layout = lattice.layout
    largest = max((lattice.present.size + 1) ** 2, 2 * lattice.level_count)
    at_once = max(1, _MOST_CELLS // largest)
    summed: np.ndarray | None = None
    for first in range(0, len(layout.offsets), at_once):
        offsets = layout.offsets[first : first + at_once]
        counts = pair_counts(lattice, offsets)
        if texture.symmetrical_glcm:
            counts = counts + counts.transpose(0, 2, 1)
        if texture.weighting is None:
            yield counts
        else:
            lengths = layout.lengths(offsets, texture.weighting)
            weights = lengths if texture.weighting == "no_weighting" else np.exp(-(lengths**2))
            weighted = np.tensordot(weights, counts, axes=1)
            summed = weighted if summed is None else summed + weighted
    if summed is not None:
        yield summed[np.newaxis]


def pair_counts(lattice: LevelLattice, offsets: np.ndarray) -> np.ndarray:
    """Pairs, int array (offsets, level of a voxel, level of its neighbour), of the levels that occur.

    Each pair is counted once, from the voxel where the offset starts.
    """
    steps = lattice.layout.steps(offsets)
    width = lattice.present.size + 1
    kernels = compiled_kernels()
    if kernels is None:
        counts = np.empty((len(steps), width, width), dtype=np.int64)
        row = lattice.inside * np.int64(width)
        for table, step in zip(counts, steps):
            table.ravel()[:] = np.bincount(row + lattice.neighbours(step), minlength=width * width)
    else:
        counts = kernels.pair_counts(lattice.ranks, lattice.layout.voxels, steps, width - 1)
    return counts[:, 1:, 1:]


class _LevelPairs:
    """Sums and differences of all pairs of the levels that occur, and the features of matrices of them."""

    def __init__(self, present: np.ndarray, *, symmetrical: bool) -> None:
        self._symmetrical = symmetrical
        self._levels = present.astype(np.float64)
        self._level_count = int(present[-1])
        self._sums = np.add.outer(present, present).ravel()
        self._differences = np.abs(np.subtract.outer(present, present)).ravel()

    def features(self, counts: np.ndarray, *, with_mcc: bool) -> dict[str, np.ndarray]:
        """Features of each matrix of weighted counts (matrices, levels, levels), none of them all 0."""
        levels = self._levels
        by_row = counts.sum(axis=2)
        total = by_row.sum(axis=1)
        joint = counts / total[:, np.newaxis, np.newaxis]
        rows = by_row / total[:, np.newaxis]
        columns = rows
        if not self._symmetrical:
            by_column = counts.sum(axis=1)
            # Divided by their own sum, which differs from the rows' by rounding: a single level has exactly 1.
            columns = by_column / by_column.sum(axis=1, keepdims=True)
        mean, column_mean = rows @ levels, columns @ levels
        centred, column_centred = levels - mean[:, np.newaxis], levels - column_mean[:, np.newaxis]
        variance = (rows * centred**2).sum(axis=1)
        deviations = np.sqrt(variance * (columns * column_centred**2).sum(axis=1))
        covariance = (centred[:, np.newaxis] @ joint @ column_centred[:, :, np.newaxis]).ravel()
        values = {
            "Autocorrelation": joint @ levels @ levels,  # QWB0
            # NI2N; 1 along a direction with a single level
            "Correlation": np.where(deviations > 0, covariance / (deviations + EPSILON), 1.0),
            "JointAverage": mean,  # 60VM
            "JointEnergy": (joint**2).sum(axis=(1, 2)),  # 8ZQL
            "JointEntropy": _entropy(joint),  # TU9B
            "MaximumProbability": joint.max(axis=(1, 2)),  # GYBY
            "SumSquares": variance,  # UR99
        }
        values |= self._of_differences(_binned(joint, self._differences, self._level_count))
        values |= _of_sums(_binned(joint, self._sums, 2 * self._level_count + 1), mean + column_mean)
        independent = rows[:, :, np.newaxis] * columns[:, np.newaxis]
        values |= _information_correlations(joint, independent, rows, columns, values["JointEntropy"])
        if with_mcc:
            values["MCC"] = _maximal_correlation(joint, independent)
        return values

    def _of_differences(self, probabilities: np.ndarray) -> dict[str, np.ndarray]:
        difference = np.arange(probabilities.shape[1], dtype=np.float64)
        relative = difference / self._level_count
        average = probabilities @ difference
        return {
            "Contrast": probabilities @ difference**2,  # ACUI
            "DifferenceAverage": average,  # TF7R
            "DifferenceEntropy": _entropy(probabilities),  # NTRS
            "DifferenceVariance": (probabilities * (difference - average[:, np.newaxis]) ** 2).sum(axis=1),  # D3YU
            "Id": probabilities @ (1.0 / (1.0 + difference)),  # IB1Z
            "Idm": probabilities @ (1.0 / (1.0 + difference**2)),  # WF0Z
            "Idmn": probabilities @ (1.0 / (1.0 + relative**2)),  # 1QCO
            "Idn": probabilities @ (1.0 / (1.0 + relative)),  # NDRX
            "InverseVariance": probabilities[:, 1:] @ (1.0 / difference[1:] ** 2),  # E8JP
        }


def _binned(joint: np.ndarray, bins: np.ndarray, width: int) -> np.ndarray:
    """Sums of each matrix's cells by bin: float array (matrices, width)."""
    cells = bins + np.arange(len(joint))[:, np.newaxis] * width
    return np.bincount(cells.ravel(), weights=joint.ravel(), minlength=len(joint) * width).reshape(-1, width)


def _of_sums(probabilities: np.ndarray, mean: np.ndarray) -> dict[str, np.ndarray]:
    sums = np.arange(probabilities.shape[1], dtype=np.float64)
    around = sums - mean[:, np.newaxis]
    squares = around * around
    weighted = probabilities * squares
    return {
        "ClusterProminence": (weighted * squares).sum(axis=1),  # AE86
        "ClusterShade": (weighted * around).sum(axis=1),  # 7NFM
        "ClusterTendency": weighted.sum(axis=1),  # DG8W
        "SumAverage": probabilities @ sums,  # ZGXS
        "SumEntropy": _entropy(probabilities),  # P6QZ
    }


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    bits = probabilities * np.log2(probabilities + EPSILON)
    return np.asarray(-bits.reshape(len(bits), -1).sum(axis=1))


def _information_correlations(
    joint: np.ndarray, independent: np.ndarray, rows: np.ndarray, columns: np.ndarray, joint_entropy: np.ndarray
) -> dict[str, np.ndarray]:
    bits = np.log2(independent + EPSILON)
    marginal_entropy = np.maximum(_entropy(rows), _entropy(columns))
    first = joint_entropy + (joint * bits).sum(axis=(1, 2))
    information = -(independent * bits).sum(axis=(1, 2)) - joint_entropy
    return {
        "Imc1": np.where(marginal_entropy != 0, first / np.where(marginal_entropy, marginal_entropy, 1.0), 0.0),  # R8DG
        "Imc2": np.sqrt(-np.expm1(-2.0 * np.maximum(information, 0.0))),  # JN9H
    }


def _maximal_correlation(joint: np.ndarray, independent: np.ndarray) -> np.ndarray:
    """Root of the second largest eigenvalue of Haralick's Q, for each matrix; not an IBSI feature."""
    if joint.shape[1] == 1:
        return np.ones(len(joint))
    # A level without pairs along a direction only adds an eigenvalue of 0.
    scaled = joint / np.sqrt(np.where(independent > 0, independent, 1.0))
    # Without the epsilon in Q's denominator, which matters for rare levels, Q is similar to this matrix times its
    # transpose; with it, almost symmetrical.
    similar = (scaled * (independent / (independent + EPSILON))) @ scaled.transpose(0, 2, 1)
    transposed = similar.transpose(0, 2, 1)
    eigenvalues = np.linalg.eigvalsh((similar + transposed) / 2.0)
    second = np.maximum(eigenvalues[:, -2], 0.0)
    # Perturbation theory: the asymmetry has no effect of first order, and of second order no more than this.
    gaps = np.diff(eigenvalues[:, -3:], axis=1).min(axis=1)
    doubtful = ((similar - transposed) ** 2).sum(axis=(1, 2)) / 4.0 > 1e-12 * second * gaps
    if doubtful.any():
        # Real except for rounding.
        general = np.sort(np.linalg.eigvals(similar[doubtful]).real, axis=1)
        second[doubtful] = np.maximum(general[:, -2], 0.0)
    return np.asarray(np.sqrt(second))
