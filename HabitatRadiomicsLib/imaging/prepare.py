"""The steps of a protocol's preprocessing, in their order."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage, title_of
from HabitatRadiomicsLib.imaging.intensity import correct_bias, cut_to_window, normalise
from HabitatRadiomicsLib.imaging.resample import resample_image, resample_labels, resample_mask
from HabitatRadiomicsLib.protocol import Preprocessing


@dataclass(frozen=True)
class PreparedImage:
    """An image ready to be measured, and the mask of its lesion (UInt8, 0 or 1) on the same grid."""

    name: str
    image: sitk.Image
    mask: sitk.Image

    @property
    def title(self) -> str:
        """The name for use in a sentence: ``follow-up CT``."""
        return title_of(self.name)


@dataclass(frozen=True)
class PreparedSequence(PreparedImage):
    """A prepared image with the image that it was made from."""

    source: SequenceImage
    warnings: tuple[str, ...] = ()
    others: sitk.Image | None = None
    """UInt8, 0 or 1: other labels of the mask's file; None: there are none."""


def prepare(sequence: SequenceImage, settings: Preprocessing) -> PreparedSequence:
    """Bias correction, resampling, window and normalisation, as the settings ask.

    Without any step the image keeps its pixel type and every bit.

    Raises:
        MaskError: the lesion is too thin for the new spacing and vanishes.
        ImageError: the image cannot be normalised because it is constant.
    """
    image, mask, others = sequence.image, sequence.mask, sequence.others
    if settings.bias_correction is not None:
        image = correct_bias(image, settings.bias_correction)
    if settings.resampling is not None:
        mask = resample_mask(mask, settings.resampling, where=sequence.title)
        image = resample_image(image, settings.resampling)
        others = None if others is None else resample_labels(others, settings.resampling)
    # After resampling, because the spline overshoots at edges.
    if settings.window is not None:
        image = cut_to_window(image, mask, settings.window, where=sequence.title)
    if settings.normalisation is not None:
        image = normalise(image, mask, settings.normalisation, where=sequence.title)
    return PreparedSequence(sequence.name, image, mask, sequence, sequence.warnings, others)
