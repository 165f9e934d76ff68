"""Superpixels: groups of voxels of one lesion with similar intensity and local entropy, and the scale of both."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.habitats.entropy import grey_limits, local_entropy
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.protocol import HabitatSettings
from HabitatRadiomicsLib.system.tasks import one_thread

#: Number of K-means starts, of which the best is kept.
_STARTS = 2


@dataclass(frozen=True)
class LesionScale:
    """Location and spread of the intensities (of the prepared image) and local entropies of one lesion's voxels.

    Attributes:
        lesion: the image's name, a sequence or a case's key.
        lowest, highest: limits of the grey levels of the entropy.
        intensity_mean, intensity_sd, entropy_mean_bits, entropy_sd_bits: over the lesion's voxels; SD of the
            population (n).
    """

    lesion: str
    lowest: float
    highest: float
    intensity_mean: float
    intensity_sd: float
    entropy_mean_bits: float
    entropy_sd_bits: float

    @classmethod
    def of(cls, lesion: str, limits: tuple[float, float], intensity: np.ndarray, entropy: np.ndarray) -> LesionScale:
        """The scale of a lesion from its voxels, shape (voxels,); it does not depend on their order."""
        order = np.lexsort((entropy, intensity))
        (mean, sd), (bits, spread) = (_moments(values[order]) for values in (intensity, entropy))
        return cls(lesion, *limits, mean, sd, bits, spread)

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest intensity of the grey levels."""
        return self.lowest, self.highest

    def z_scores(self, intensity: np.ndarray, entropy: np.ndarray, clip: float | None) -> np.ndarray:
        """Z-scores of both, clipped at ``clip`` SD, shape (voxels, 2); an SD of 0 counts as 1."""
        columns = (
            (intensity.astype(np.float64) - self.intensity_mean) / (self.intensity_sd or 1.0),
            (entropy.astype(np.float64) - self.entropy_mean_bits) / (self.entropy_sd_bits or 1.0),
        )
        z = np.column_stack(columns)
        return z if clip is None else np.clip(z, -clip, clip)


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


class LesionDescription(NamedTuple):
    """Local entropy (bits, one value per lesion voxel in C order), superpixels, and the scale of both."""

    entropy: np.ndarray
    superpixels: Superpixels
    scale: LesionScale


def describe_lesion(
    prepared: PreparedSequence, settings: HabitatSettings, *, seed: int, scale: LesionScale | None = None
) -> LesionDescription:
    """Local entropy and superpixels of a prepared lesion.

    Args:
        scale: of an earlier scan of the same lesion; None: its own.

    Raises:
        RegionError: the lesion has fewer voxels than the entropy window.
    """
    intensity, entropy, scale = _measured(prepared, settings, scale)
    return LesionDescription(entropy, cluster_superpixels(intensity, entropy, settings, scale, seed=seed), scale)


def lesion_scale(prepared: PreparedSequence, settings: HabitatSettings) -> LesionScale:
    """The scale of a prepared lesion.

    Raises:
        RegionError: the lesion has fewer voxels than the entropy window.
    """
    return _measured(prepared, settings, None)[2]


def _measured(
    prepared: PreparedSequence, settings: HabitatSettings, scale: LesionScale | None
) -> tuple[np.ndarray, np.ndarray, LesionScale]:
    """Intensity and entropy of the lesion's voxels, and their scale, if none is given."""
    image = sitk.GetArrayViewFromImage(prepared.image)
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    limits = scale.limits if scale else grey_limits(image, roi, settings.entropy)
    entropy = local_entropy(image, roi, settings.entropy, limits=limits, where=prepared.title)
    return image[roi], entropy, scale or LesionScale.of(prepared.name, limits, image[roi], entropy)


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


def _moments(values: np.ndarray) -> tuple[float, float]:
    values = values.astype(np.float64)
    return float(values.mean()), float(values.std())
