"""The tissue around a lesion."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import RegionError


def peritumoral_ring(mask: sitk.Image, thickness_mm: float) -> sitk.Image:
    """Voxels outside the lesion whose centre is at most ``thickness_mm`` from the centre of the lesion's nearest
    voxel.

    Distances are in mm, exact on anisotropic grids (Maurer's Euclidean distance map). UInt8, 0 or 1.

    Raises:
        RegionError: no voxel is that close.
    """
    distance = sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    outside = sitk.GetArrayViewFromImage(mask) == 0
    near = sitk.GetArrayViewFromImage(distance) <= thickness_mm * (1 + 1e-6)
    ring = sitk.GetImageFromArray((outside & near).astype(np.uint8))
    ring.CopyInformation(mask)
    if not (outside & near).any():
        raise RegionError(
            f"A ring of {thickness_mm:g} mm holds no voxel.",
            where="ring",
            remedy="The voxels are larger than the ring is thick: choose a thicker ring.",
        )
    return ring
