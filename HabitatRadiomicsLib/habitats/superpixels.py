"""Superpixels: voxels of one lesion that are alike in intensity and local entropy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.protocol import HabitatSettings


@dataclass(frozen=True)
class Superpixels:
    """The superpixels of one lesion.

    Attributes:
        labels: superpixel of each ROI voxel, 0-based, shape (voxels,).
        means: mean z intensity and z entropy of each, shape (superpixels, 2).
        sizes: voxels of each, shape (superpixels,).
        asked: how many the protocol asks for; a small ROI has fewer.
    """

    labels: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    asked: int


def cluster_superpixels(
    intensity: np.ndarray, entropy: np.ndarray, settings: HabitatSettings, *, seed: int
) -> Superpixels:
    """K-means on (z intensity, z entropy), both z-scored over the lesion.

    Args:
        intensity: of the ROI voxels, shape (voxels,).
        entropy: of the same voxels, bits.
        settings: how many superpixels, and how many voxels each needs on average.
        seed: of the K-means++ start.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    points = np.column_stack([_z_score(intensity), _z_score(entropy)])
    count = max(2, min(settings.superpixels, len(points) // settings.minimum_superpixel_voxels))
    # Sums over threads depend on how many there are; one keeps the bits the same on every machine.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct points than clusters: the empty ones are dropped below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        raw = KMeans(count, n_init=1, max_iter=200, random_state=seed).fit_predict(points)
    _, labels = np.unique(raw, return_inverse=True)
    sizes = np.bincount(labels)
    means = np.column_stack([np.bincount(labels, weights=column) / sizes for column in points.T])
    return Superpixels(labels, means, sizes, settings.superpixels)


def _z_score(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    deviation = values.std()
    return (values - values.mean()) / (deviation if deviation > 0 else 1.0)
