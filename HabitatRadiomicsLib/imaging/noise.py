"""Estimates the noise level of an image, and adds noise to it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

#: Margin around the lesion's box in voxels of a slice: enough for the estimate where the lesion is small.
_MARGIN_VOXELS = 10
#: The median of the absolute value of a normal variable with SD 1.
_MEDIAN_OF_NORMAL = 0.6744897501960817


def noise_level(image: sitk.Image, mask: sitk.Image) -> float:
    """SD of white noise in and around the lesion, in units of the image.

    The median absolute diagonal detail of a stationary wavelet transform of each slice (coif1, HH band), over 0.6745
    (Donoho and Johnstone 1994, doi 10.1093/biomet/81.3.425; for noisy images Chang 2000, doi 10.1109/83.862633).
    Only the lesion's box and a margin, in the slices of the lesion, are used: the air around a patient is less noisy
    than the patient (or, in MRI, empty). Fine texture is counted as noise; noise that a scanner has smoothed is
    underestimated.
    """
    import pywt
    from scipy.ndimage import convolve1d

    # Of unit length, so that white noise keeps its SD.
    high_pass = pywt.Wavelet("coif1").dec_hi
    places = np.nonzero(sitk.GetArrayViewFromImage(mask))
    box = (
        slice(places[0].min(), places[0].max() + 1),
        *(slice(max(0, axis.min() - _MARGIN_VOXELS), axis.max() + _MARGIN_VOXELS + 1) for axis in places[1:]),
    )
    detail = sitk.GetArrayViewFromImage(image)[box].astype(np.float64)
    for axis in (1, 2):
        detail = convolve1d(detail, high_pass, axis=axis, mode="mirror")
        # Where the image was padded, mirroring reduces the noise.
        edge = len(high_pass) // 2
        if detail.shape[axis] > 4 * edge:
            detail = np.take(detail, range(edge, detail.shape[axis] - edge), axis=axis)
    return float(np.median(np.abs(detail)) / _MEDIAN_OF_NORMAL)


def with_noise(image: sitk.Image, deviation: float, generator: np.random.Generator) -> sitk.Image:
    """The image with added white Gaussian noise of this SD, Float64."""
    array = sitk.GetArrayFromImage(image).astype(np.float64)
    array += deviation * generator.standard_normal(array.shape)
    noisy = sitk.GetImageFromArray(array)
    noisy.CopyInformation(image)
    return noisy
