"""Limits of the ring around a lesion: air, the outside of the body, and other segmented structures."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.imaging.prepare import PreparedSequence
from HabitatRadiomicsLib.imaging.resample import resample_image
from HabitatRadiomicsLib.imaging.ring import peritumoral_ring
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


def limited_ring(
    ring: sitk.Image, intensities: sitk.Image, limits: RingLimits, others: sitk.Image | None = None
) -> sitk.Image:
    """The voxels of a ring that lie within its limits.

    Args:
        ring: UInt8, 0 or 1.
        intensities: on the ring's grid, neither windowed nor normalised.
        limits: what is left out.
        others: UInt8, 0 or 1: other labels of the mask's file; None: there are none.

    Raises:
        RegionError: nothing is left.
    """
    whole = sitk.GetArrayViewFromImage(ring) == 1
    voxels = sitk.GetArrayViewFromImage(intensities)
    left = whole
    lost: list[str] = []
    if limits.air_below is not None:
        left, lost = _without(voxels < limits.air_below, left, lost, "air")
    if limits.body:
        left, lost = _without(~body_of(voxels, limits.air_below), left, lost, "outside of the body")
    if limits.other_labels and others is not None:
        left, lost = _without(sitk.GetArrayViewFromImage(others) == 1, left, lost, "in another label")
    if not left.any():
        raise RegionError(
            f"Nothing is left of the ring: of its {np.count_nonzero(whole)} voxels {', '.join(lost)}.",
            where="ring",
            remedy="Choose a thicker ring, or change ring_limits in the protocol (air_below is in the image's units).",
        )
    limited = sitk.GetImageFromArray(left.astype(np.uint8))
    limited.CopyInformation(ring)
    return limited


def body_of(voxels: np.ndarray, air_below: float | None) -> np.ndarray:
    """Voxels of the body, shape (k, j, i): the largest connected part (by faces; the first of equal ones) of what is
    not air, with the holes that it has within a slice, so that air in the body (lung, bowel) is in the body.

    Args:
        voxels: intensities.
        air_below: air is below; None: at or below Otsu's threshold (doi 10.1109/TSMC.1979.4310076).
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


def _without(forbidden: np.ndarray, left: np.ndarray, lost: list[str], why: str) -> tuple[np.ndarray, list[str]]:
    """The remaining ring, and how many voxels each limit removed."""
    taken = int(np.count_nonzero(left & forbidden))
    return left & ~forbidden, [*lost, f"{taken} are {why}"]
