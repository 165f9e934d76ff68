"""First-order statistics of the intensities in a region (IBSI: intensity-based statistics and intensity histogram).

Deviations of pyradiomics from the IBSI, which are kept: kurtosis is not the excess kurtosis (IBSI IPH6 plus 3);
entropy and uniformity are taken on the bins of the texture; in the logarithm of the entropy 2.2e-16 is added to each
probability.

In a flat region pyradiomics' skewness and kurtosis are 0 only where the mean of equal numbers is that number to the
last bit, and a ratio of rounding errors elsewhere; here the deviations of a flat region are 0, and so are all of its
moments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

#: What pyradiomics adds to a probability before taking its logarithm.
_EPSILON = np.spacing(1.0)


def first_order_features(
    values: np.ndarray, levels: np.ndarray, voxel_volume: float, wanted: Collection[str] | None = None
) -> dict[str, float]:
    """The 18 features, or those that are wanted.

    Args:
        values: intensities of the region's voxels, finite, at least one; 1D.
        levels: their grey levels.
        voxel_volume: in cubic mm.
    """
    distribution = _Distribution(values, levels, voxel_volume)
    return {
        name: float(feature(distribution)) for name, feature in _FEATURES.items() if wanted is None or name in wanted
    }


class _Distribution:
    """What several features need, computed once."""

    def __init__(self, values: np.ndarray, levels: np.ndarray, voxel_volume: float) -> None:
        self.values = values.astype(np.float64)
        self.voxel_volume = voxel_volume
        self.minimum = self.values.min()
        self.maximum = self.values.max()
        self.mean = self.values.mean()
        flat = self.minimum == self.maximum
        self.deviations = np.zeros_like(self.values) if flat else self.values - self.mean
        self.squares = self.deviations**2
        self.variance = self.squares.mean()
        self.energy = (self.values**2).sum()
        self.percentiles = dict(zip((10, 25, 50, 75, 90), np.percentile(self.values, (10, 25, 50, 75, 90))))
        counts = np.bincount(levels)
        self.probabilities = counts[counts > 0] / len(values)

    def standardised_moment(self, order: int) -> float:
        """Mean power of the deviations over that power of the standard deviation; 0 in a flat region."""
        if self.variance == 0:
            return 0.0
        powers = self.squares * self.deviations if order == 3 else self.squares**2
        return float(powers.mean() / self.variance ** (order / 2))

    def robust_deviation(self) -> float:
        """Mean absolute deviation of the intensities from the 10th to the 90th percentile, both included.

        NaN if there are none, as for two different intensities.
        """
        kept = self.values[(self.values >= self.percentiles[10]) & (self.values <= self.percentiles[90])]
        return float(np.abs(kept - kept.mean()).mean()) if len(kept) else float("nan")


_FEATURES: dict[str, Callable[[_Distribution], float]] = {
    "Energy": lambda x: x.energy,  # sum of squares (N8CA)
    "TotalEnergy": lambda x: x.energy * x.voxel_volume,  # not an IBSI feature
    "Entropy": lambda x: -(x.probabilities * np.log2(x.probabilities + _EPSILON)).sum(),  # of the bins, bits (TLU2)
    "Minimum": lambda x: x.minimum,  # 1GSF
    "10Percentile": lambda x: x.percentiles[10],  # linear between voxels (QG58)
    "90Percentile": lambda x: x.percentiles[90],  # 8DWT
    "Maximum": lambda x: x.maximum,  # 84IY
    "Mean": lambda x: x.mean,  # Q4LE
    "Median": lambda x: x.percentiles[50],  # Y12H
    "InterquartileRange": lambda x: x.percentiles[75] - x.percentiles[25],  # SALO
    "Range": lambda x: x.maximum - x.minimum,  # 2OJQ
    "MeanAbsoluteDeviation": lambda x: np.abs(x.deviations).mean(),  # from the mean (4FUA)
    "RobustMeanAbsoluteDeviation": lambda x: x.robust_deviation(),  # 1128
    "RootMeanSquared": lambda x: np.sqrt(x.energy / len(x.values)),  # 5ZWQ
    "Skewness": lambda x: x.standardised_moment(3),  # KE2A
    "Kurtosis": lambda x: x.standardised_moment(4),  # IPH6, without the IBSI's minus 3
    "Variance": lambda x: x.variance,  # divided by N (ECT3)
    "Uniformity": lambda x: (x.probabilities**2).sum(),  # of the bins (BJ5W)
}
