"""Bias field correction of MRI."""

from __future__ import annotations

import SimpleITK as sitk

from HabitatRadiomicsLib.protocol import BiasCorrection


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
