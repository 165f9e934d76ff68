"""The scale of a lesion's intensities and entropies: its own, or that of an earlier scan of the same lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.habitats.entropy import grey_limits, local_entropy
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.protocol import HabitatSettings


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


def lesion_scale(prepared: PreparedSequence, settings: HabitatSettings) -> LesionScale:
    """The scale of a prepared lesion.

    Raises:
        RegionError: the lesion has fewer voxels than the entropy window.
    """
    image = sitk.GetArrayViewFromImage(prepared.image)
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    entropy = local_entropy(image, roi, settings.entropy, where=prepared.title)
    return LesionScale.of(prepared.name, grey_limits(image, roi, settings.entropy), image[roi], entropy)


def _moments(values: np.ndarray) -> tuple[float, float]:
    values = values.astype(np.float64)
    return float(values.mean()), float(values.std())
