"""Bias field correction of MRI, CT window, and intensity normalisation."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import image_like
from HabitatRadiomicsLib.errors import ImageError
from HabitatRadiomicsLib.protocol import BiasCorrection, IntensityWindow, Normalisation


def correct_bias(image: sitk.Image, settings: BiasCorrection) -> sitk.Image:
    """N4 (Tustison 2010): the field is estimated on a shrunken copy and divided out at full resolution.

    Args:
        image: 3D, any real pixel type; MRI intensities, not negative.

    Returns:
        Float32 image on the same grid.
    """
    whole = sitk.Cast(image, sitk.sitkFloat32)
    # An axis keeps at least four voxels, which the B-spline fit needs.
    factors = [min(settings.shrink_factor, max(1, size // 4)) for size in image.GetSize()]
    small = sitk.Shrink(whole, factors)
    foreground = sitk.OtsuThreshold(small, 0, 1)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(settings.iterations))
    # Sums over threads depend on how many there are; one keeps the bits the same on every machine.
    n4.SetNumberOfThreads(1)
    n4.SetNumberOfWorkUnits(1)
    n4.Execute(small, foreground)
    field = sitk.Exp(n4.GetLogBiasFieldAsImage(whole))
    return sitk.Divide(whole, sitk.Cast(field, sitk.sitkFloat32))


def cut_to_window(image: sitk.Image, mask: sitk.Image, window: IntensityWindow, *, where: str) -> sitk.Image:
    """Sets intensities outside the window to its nearest bound; the image's floating-point type, or Int32 of whole
    numbers with whole bounds, else Float64.

    Raises:
        ImageError: nothing of the lesion lies inside the window.
    """
    array = sitk.GetArrayFromImage(image)
    if array.dtype.kind != "f":
        whole_bounds = window.lower.is_integer() and window.upper.is_integer()
        array = array.astype(np.int32 if whole_bounds else np.float64)
    cut = np.clip(array, window.lower, window.upper).astype(array.dtype)
    inside = cut[sitk.GetArrayViewFromImage(mask) == 1]
    if inside.min() == inside.max():
        raise ImageError(
            f"After the window {window.lower:g} to {window.upper:g} the lesion has a single intensity.",
            where=where,
            remedy="Check that the window fits this kind of image.",
        )
    return image_like(cut, image)


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
    return image_like(array, image)
