"""Resampling of images and masks."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.protocol import Resampling

INTERPOLATORS = {"bspline": sitk.sitkBSpline, "linear": sitk.sitkLinear}


def resample_image(image: sitk.Image, settings: Resampling) -> sitk.Image:
    """The image on the new spacing, Float64; cubic B-spline or linear."""
    resampler = _resampler(image, settings)
    resampler.SetInterpolator(INTERPOLATORS[settings.interpolator])
    # The new grid may extend half a voxel beyond the old one.
    resampler.SetUseNearestNeighborExtrapolator(True)
    return resampler.Execute(sitk.Cast(image, sitk.sitkFloat64))


def resample_mask(mask: sitk.Image, settings: Resampling, *, where: str) -> sitk.Image:
    """The mask on the new spacing, nearest neighbour.

    Raises:
        MaskError: nothing of it is left.
    """
    resampled = resample_labels(mask, settings)
    if not sitk.GetArrayViewFromImage(resampled).any():
        raise MaskError(
            f"The lesion is too thin: nothing is left of it at {settings.spacing} mm spacing.",
            where=where,
            remedy="Choose a finer spacing in the protocol.",
        )
    return resampled


def resample_labels(labels: sitk.Image, settings: Resampling) -> sitk.Image:
    """Labels on the new spacing, nearest neighbour; the result may be empty."""
    resampler = _resampler(labels, settings)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor)
    return resampler.Execute(labels)


def to_grid_of(image: sitk.Image, reference: sitk.Image, *, labels: bool) -> sitk.Image:
    """An image resampled to another grid: nearest neighbour for labels, linear for values; same pixel type."""
    if image.GetSize() == reference.GetSize() and image.GetSpacing() == reference.GetSpacing():
        return image
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(reference)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if labels else sitk.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(True)
    return resampler.Execute(image)


def _resampler(image: sitk.Image, settings: Resampling) -> sitk.ResampleImageFilter:
    """The new grid covers the old one and shares its centre (IBSI reference manual, image interpolation)."""
    old = np.array(image.GetSpacing())
    new = np.array([chosen or kept for chosen, kept in zip(settings.spacing, old)])
    size = np.array(image.GetSize())
    # Rounded first, so that 10 voxels of 0.3 mm are 3 mm and not 3.0000000000000004.
    new_size = np.array([max(1, math.ceil(round(extent, 6))) for extent in size * old / new])
    direction = np.array(image.GetDirection()).reshape(3, 3)
    origin = np.array(image.GetOrigin()) + direction @ (((size - 1) * old - (new_size - 1) * new) / 2)
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(count) for count in new_size])
    resampler.SetOutputSpacing(new.tolist())
    resampler.SetOutputOrigin(origin.tolist())
    resampler.SetOutputDirection(image.GetDirection())
    return resampler
