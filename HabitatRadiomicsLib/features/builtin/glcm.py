"""Grey level co-occurrence matrix (IBSI LFYI): pairs of neighbouring voxels along 13 directions, by their levels.

Symmetrical, distance 1, no weighting; features are calculated for each direction and averaged (IBSI ITBB; within
slices, 4 directions, BTW3). Haralick 1973, doi 10.1109/TSMC.1973.4309314.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.features.builtin.level_by_size import EPSILON
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, directions

_NAMES = (
    "Autocorrelation", "ClusterProminence", "ClusterShade", "ClusterTendency", "Contrast", "Correlation",
    "DifferenceAverage", "DifferenceEntropy", "DifferenceVariance", "Id", "Idm", "Idmn", "Idn", "Imc1", "Imc2",
    "InverseVariance", "JointAverage", "JointEnergy", "JointEntropy", "MCC", "MaximumProbability", "SumAverage",
    "SumEntropy", "SumSquares",
)  # fmt: skip


def glcm_features(levels: np.ndarray | LevelLattice, *, force_2d: bool, wanted: Collection[str]) -> dict[str, float]:
    """Features of the pairs, averaged over the directions in which there are any.

    Without any pair they are NaN, except what pyradiomics gives then: MCC is 1 for a single level, and inverse
    variance 0 for a single level in a box that extends along one axis only (the one that ``force_2d`` leaves out
    does not count).

    Where two levels are independent along a direction, MCC and the second information correlation are 0 there.
    pyradiomics' rounding gives about 1e-8, or the root of a negative number, by which it leaves out the direction.

    Args:
        levels: int array (k, j, i), 0 outside of the region, cropped to its box; or the lattice of such an array.
        force_2d: only directions within a slice.
        wanted: pyradiomics' names of features of this class.
    """
    lattice = LevelLattice.of(levels)
    directed = pair_counts(lattice, force_2d=force_2d)
    values = dict.fromkeys(_NAMES, float("nan"))
    scales = _LevelPairs(lattice.present)
    found = [scales.features(counts + counts.T, with_mcc="MCC" in wanted) for counts in directed if counts.any()]
    if found:
        values.update({name: float(np.mean([of_direction[name] for of_direction in found])) for name in found[0]})
    elif lattice.present.size == 1:
        values["MCC"] = 1.0
        if len(directed) == 1:
            values["InverseVariance"] = 0.0
    return {name: value for name, value in values.items() if name in wanted}


def pair_counts(lattice: LevelLattice, *, force_2d: bool) -> np.ndarray:
    """Pairs, int array (directions, level of a voxel, level of its neighbour), of the levels that occur.

    Each pair is counted once, from the voxel where the direction starts.
    """
    steps = lattice.steps(directions(lattice.shape, force_2d=force_2d))
    width = lattice.present.size + 1
    kernels = compiled_kernels()
    if kernels is None:
        counts = np.empty((len(steps), width, width), dtype=np.int64)
        row = lattice.neighbours(0) * np.int64(width)
        for table, step in zip(counts, steps):
            table.ravel()[:] = np.bincount(row + lattice.neighbours(step), minlength=width * width)
    else:
        counts = kernels.pair_counts(lattice.ranks, lattice.voxels, steps, width - 1)
    return counts[:, 1:, 1:]


class _LevelPairs:
    """Sums and differences of all pairs of the levels that occur, and the features of one direction."""

    def __init__(self, present: np.ndarray) -> None:
        self._levels = present.astype(np.float64)
        self._level_count = int(present[-1])
        self._sums = np.add.outer(present, present).ravel()
        self._differences = np.abs(np.subtract.outer(present, present)).ravel()

    def features(self, counts: np.ndarray, *, with_mcc: bool) -> dict[str, float]:
        """Features of a symmetrical matrix of counts, not all 0."""
        levels, level_count = self._levels, self._level_count
        total = int(counts.sum())
        joint = counts / total
        # The matrix is symmetrical: rows and columns have the same marginal distribution.
        marginal = counts.sum(axis=1) / total
        mean = float(marginal @ levels)
        centred = levels - mean
        variance = float(marginal @ centred**2)
        of_difference = np.bincount(self._differences, weights=counts.ravel(), minlength=level_count) / total
        of_sum = np.bincount(self._sums, weights=counts.ravel()) / total
        difference = np.arange(of_difference.size, dtype=np.float64)
        sums = np.arange(of_sum.size, dtype=np.float64)
        around = sums - 2.0 * mean
        relative = difference / level_count
        difference_average = float(of_difference @ difference)
        values = {
            "Autocorrelation": float(levels @ joint @ levels),  # QWB0
            "ClusterProminence": float(of_sum @ around**4),  # AE86
            "ClusterShade": float(of_sum @ around**3),  # 7NFM
            "ClusterTendency": float(of_sum @ around**2),  # DG8W
            "Contrast": float(of_difference @ difference**2),  # ACUI
            # NI2N; 1 along a direction with a single level
            "Correlation": float(centred @ joint @ centred) / (variance + EPSILON) if variance else 1.0,
            "DifferenceAverage": difference_average,  # TF7R
            "DifferenceEntropy": _entropy(of_difference),  # NTRS
            "DifferenceVariance": float(of_difference @ (difference - difference_average) ** 2),  # D3YU
            "Id": float(of_difference @ (1.0 / (1.0 + difference))),  # IB1Z
            "Idm": float(of_difference @ (1.0 / (1.0 + difference**2))),  # WF0Z
            "Idmn": float(of_difference @ (1.0 / (1.0 + relative**2))),  # 1QCO
            "Idn": float(of_difference @ (1.0 / (1.0 + relative))),  # NDRX
            "InverseVariance": float(of_difference[1:] @ (1.0 / difference[1:] ** 2)),  # E8JP
            "JointAverage": mean,  # 60VM
            "JointEnergy": float((joint**2).sum()),  # 8ZQL
            "JointEntropy": _entropy(joint.ravel()),  # TU9B
            "MaximumProbability": float(joint.max()),  # GYBY
            "SumAverage": float(of_sum @ sums),  # ZGXS
            "SumEntropy": _entropy(of_sum),  # P6QZ
            "SumSquares": variance,  # UR99
        }
        values["Imc1"], values["Imc2"] = _information_correlations(joint, marginal, values["JointEntropy"])
        if with_mcc:
            values["MCC"] = _maximal_correlation(joint, marginal)
        return values


def _entropy(probabilities: np.ndarray) -> float:
    occurring = probabilities[probabilities > 0]
    return -float(occurring @ np.log2(occurring + EPSILON))


def _information_correlations(joint: np.ndarray, marginal: np.ndarray, joint_entropy: float) -> tuple[float, float]:
    """R8DG and JN9H."""
    independent = np.outer(marginal, marginal)
    bits = np.log2(independent + EPSILON)
    marginal_entropy = _entropy(marginal)
    first = joint_entropy + float((joint * bits).sum())
    information = -float((independent * bits).sum()) - joint_entropy
    second = float(np.sqrt(-np.expm1(-2.0 * max(information, 0.0))))
    return first / marginal_entropy if marginal_entropy else 0.0, second


def _maximal_correlation(joint: np.ndarray, marginal: np.ndarray) -> float:
    """Root of the second largest eigenvalue of Haralick's Q; not an IBSI feature."""
    if marginal.size == 1:
        return 1.0
    # A level without pairs along this direction only adds an eigenvalue of 0.
    occurring = np.flatnonzero(marginal)
    if occurring.size == 1:
        return 0.0
    joint, marginal = joint[np.ix_(occurring, occurring)], marginal[occurring]
    independent = np.outer(marginal, marginal)
    scaled = joint / np.sqrt(independent)
    # Q is similar to this matrix times itself but for the epsilon in its denominator, which is felt by rare levels.
    damped = scaled * (independent / (independent + EPSILON))
    loss = scaled - damped
    roots, vectors = np.linalg.eigh(scaled)
    order = np.argsort(-(roots**2))
    roots, vectors = roots[order], vectors[:, order]
    gaps = np.delete(roots[1] ** 2 - roots**2, 1)
    if np.abs(gaps).min() > 4.0 * np.linalg.norm(loss):
        # Perturbation theory: the epsilon's effect to first order, if the second cannot be seen.
        felt = vectors.T @ (loss @ vectors[:, 1])
        eigenvalue = roots[1] * (roots[1] - felt[1])
        if np.sum(np.delete(felt, 1) ** 2 / np.abs(gaps)) < 1e-12 * eigenvalue:
            return float(np.sqrt(eigenvalue))
    # Real but for rounding, as the matrix is all but symmetrical.
    general = np.sort(np.linalg.eigvals(damped @ scaled).real)
    return float(np.sqrt(max(general[-2], 0.0)))
