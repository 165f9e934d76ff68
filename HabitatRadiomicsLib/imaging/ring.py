"""The ring of tissue around a lesion, without air, the outside of the body, and other segmented structures."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import image_like
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.imaging.prepare import PreparedSequence
from HabitatRadiomicsLib.imaging.resample import resample_image
from HabitatRadiomicsLib.protocol import Protocol, RingLimits


def ring_of(prepared: PreparedSequence, protocol: Protocol) -> sitk.Image:
    """The ring that a protocol specifies, within its limits; UInt8, 0 or 1, on the prepared image's grid.

    Limits refer to intensities as acquired (Hounsfield units in CT): resampled to the prepared grid where the
    protocol resamples, but before bias correction, window and normalisation.

    Raises:
        RegionError: no voxel is that close, or the limits leave none.
    """
    ring = peritumoral_ring(prepared.mask, protocol.ring_mm)
    limits = protocol.ring_limits
    if limits is None:
        return ring
    intensities, resampling = prepared.source.image, protocol.preprocessing_of(prepared.name).resampling
    if resampling is not None:
        intensities = resample_image(intensities, resampling)
    return limited_ring(ring, intensities, limits, prepared.others)


def peritumoral_ring(mask: sitk.Image, thickness_mm: float) -> sitk.Image:
    """Voxels outside the lesion whose centre is at most ``thickness_mm`` from the centre of the nearest lesion voxel.

    Distances are in mm, exact on anisotropic grids (Maurer's Euclidean distance map). UInt8, 0 or 1.

    Raises:
        RegionError: no voxel is that close.
    """
    distance = sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    near = sitk.GetArrayViewFromImage(distance) <= thickness_mm * (1 + 1e-6)
    ring = near & (sitk.GetArrayViewFromImage(mask) == 0)
    if not ring.any():
        raise RegionError(
            f"A ring of {thickness_mm:g} mm holds no voxel.",
            where="ring",
            remedy="The voxels are larger than the ring is thick: choose a thicker ring.",
        )
    return image_like(ring.astype(np.uint8), mask)


def limited_ring(
    ring: sitk.Image, intensities: sitk.Image, limits: RingLimits, others: sitk.Image | None = None
) -> sitk.Image:
    """The voxels of a ring that lie within its limits.

    Args:
        ring: UInt8, 0 or 1.
        intensities: on the ring's grid, neither windowed nor normalised.
        limits: the voxels to leave out.
        others: UInt8, 0 or 1: other labels of the mask's file; None: there are none.

    Raises:
        RegionError: nothing is left.
    """
    left = sitk.GetArrayViewFromImage(ring) == 1
    count = np.count_nonzero(left)
    voxels = sitk.GetArrayViewFromImage(intensities)
    forbidden: dict[str, np.ndarray] = {}
    if limits.air_below is not None:
        forbidden["air"] = voxels < limits.air_below
    if limits.body:
        forbidden["outside of the body"] = ~body_of(voxels, limits.air_below)
    if limits.other_labels and others is not None:
        forbidden["in another label"] = sitk.GetArrayViewFromImage(others) == 1
    removed = []
    for description, where in forbidden.items():
        removed.append(f"{np.count_nonzero(left & where)} are {description}")
        left = left & ~where
    if not left.any():
        raise RegionError(
            f"Nothing is left of the ring: of its {count} voxels {', '.join(removed)}.",
            where="ring",
            remedy="Choose a thicker ring, or change ring_limits in the protocol (air_below is in the image's units).",
        )
    return image_like(left.astype(np.uint8), ring)


def body_of(voxels: np.ndarray, air_below: float | None) -> np.ndarray:
    """Voxels of the body, shape (k, j, i): the largest part of the tissue that is connected by faces, with its holes.

    Holes are filled within each slice, so that air in the body (lung, bowel) belongs to it; of equal parts, the first
    is taken.

    Args:
        voxels: intensities.
        air_below: intensities below are air; None: those up to Otsu's threshold (doi 10.1109/TSMC.1979.4310076).
    """
    from scipy.ndimage import binary_fill_holes, label

    if air_below is None:
        from skimage.filters import threshold_otsu

        tissue = voxels > threshold_otsu(np.asarray(voxels)) if voxels.min() < voxels.max() else voxels == voxels
    else:
        tissue = voxels >= air_below
    parts, count = label(tissue)
    if count > 1:
        sizes = np.bincount(parts.ravel())
        sizes[0] = 0
        tissue = parts == sizes.argmax()
    return np.stack([binary_fill_holes(plane) for plane in tissue])
