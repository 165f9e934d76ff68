"""Superpixels: groups of voxels of one lesion with similar intensity and local entropy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.habitats.scale import LesionScale
from HabitatRadiomicsLib.protocol import HabitatSettings
from HabitatRadiomicsLib.system.tasks import one_thread

#: Number of K-means starts, of which the best is kept.
_STARTS = 2


@dataclass(frozen=True)
class Superpixels:
    """The superpixels of one lesion.

    Attributes:
        labels: superpixel of each ROI voxel, 0-based, shape (voxels,).
        means: mean z intensity and z entropy of each, shape (superpixels, 2).
        sizes: voxels of each, shape (superpixels,).
        asked: number that the protocol asks for; a small ROI has fewer.
    """

    labels: np.ndarray
    means: np.ndarray
    sizes: np.ndarray
    asked: int


def cluster_superpixels(
    intensity: np.ndarray, entropy: np.ndarray, settings: HabitatSettings, scale: LesionScale, *, seed: int
) -> Superpixels:
    """K-means on (z intensity, z entropy) of the ROI voxels, both clipped at ``settings.clip`` SD.

    The voxels are sorted by their values first: the superpixels do not depend on how the file stores its axes.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    order = np.lexsort((entropy, intensity))
    points = scale.z_scores(intensity[order], entropy[order], settings.clip)
    count = max(2, min(settings.superpixels, len(points) // settings.minimum_superpixel_voxels))
    with one_thread(), warnings.catch_warnings():
        # Fewer distinct points than clusters: the empty ones are dropped below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        raw = KMeans(count, n_init=_STARTS, max_iter=200, random_state=seed).fit_predict(points)
    _, sorted_labels = np.unique(raw, return_inverse=True)
    sizes = np.bincount(sorted_labels)
    means = np.column_stack([np.bincount(sorted_labels, weights=column) / sizes for column in points.T])
    labels = np.empty_like(sorted_labels)
    labels[order] = sorted_labels
    return Superpixels(labels, means, sizes, settings.superpixels)
