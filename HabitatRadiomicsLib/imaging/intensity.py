"""CT window and intensity normalisation."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import ImageError
from HabitatRadiomicsLib.protocol import IntensityWindow, Normalisation


def cut_to_window(image: sitk.Image, mask: sitk.Image, window: IntensityWindow, *, where: str) -> sitk.Image:
    """Sets intensities outside the window to its nearest bound; Float64, or the integer type where the bounds allow.

    Raises:
        ImageError: nothing of the lesion lies inside the window.
    """
    array = sitk.GetArrayFromImage(image)
    whole_bounds = window.lower.is_integer() and window.upper.is_integer()
    if array.dtype.kind != "f" and not whole_bounds:
        array = array.astype(np.float64)
    elif array.dtype.kind in "iu":
        array = array.astype(np.int32)
    cut = np.clip(array, window.lower, window.upper).astype(array.dtype)
    inside = cut[sitk.GetArrayViewFromImage(mask) == 1]
    if inside.min() == inside.max():
        raise ImageError(
            f"After the window {window.lower:g} to {window.upper:g} the lesion has a single intensity.",
            where=where,
            remedy="Check that the window fits this kind of image.",
        )
    return _like(cut, image)


def normalise(image: sitk.Image, mask: sitk.Image, settings: Normalisation, *, where: str) -> sitk.Image:
    """``scale * (x - mean) / sd`` with mean and sample sd of the ROI or the whole image, Float64.

    ``clip`` bounds the z-score before scaling, as pyradiomics' ``removeOutliers`` does. Sums are taken in NumPy
    and not in ITK, whose threaded sums depend on the number of cores.

    Raises:
        ImageError: the scope has a single intensity.
    """
    array = sitk.GetArrayFromImage(image).astype(np.float64)
    scope = array[sitk.GetArrayViewFromImage(mask) == 1] if settings.scope == "roi" else array
    deviation = scope.std(ddof=1)
    if deviation == 0:
        raise ImageError("The image is constant and cannot be normalised.", where=where)
    array -= scope.mean()
    array /= deviation
    if settings.clip is not None:
        np.clip(array, -settings.clip, settings.clip, out=array)
    array *= settings.scale
    return _like(array, image)


def _like(array: np.ndarray, reference: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(reference)
    return image
