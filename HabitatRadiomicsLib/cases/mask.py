"""From a label image to the binary mask of one lesion."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import MaskError


def binary_mask(labels: sitk.Image, label: int | None, *, where: str) -> sitk.Image:
    """The voxels of one label as UInt8 0 and 1.

    Args:
        labels: a label image; whole numbers, which may be stored as floating point.
        label: the label of the lesion; None: the only label there is.

    Raises:
        MaskError: the mask is empty, lacks this label, has several labels and none was chosen, or holds fractions.
    """
    array = sitk.GetArrayViewFromImage(labels)
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        raise MaskError(
            "The mask holds values that are not whole numbers.",
            where=where,
            remedy="Export it as a binary labelmap, not as a fractional or probability map.",
        )
    present = [int(value) for value in np.unique(array) if value != 0]
    if not present:
        raise MaskError("The mask is empty: no voxel is labelled.", where=where)
    if label is None and len(present) > 1:
        raise MaskError(
            f"The mask has several labels ({_listed(present)}).",
            where=where,
            remedy="Say which one is the lesion, with --mask-label.",
        )
    chosen = present[0] if label is None else label
    if chosen not in present:
        raise MaskError(
            f"Label {chosen} is not in the mask.", where=where, remedy=f"Labels present: {_listed(present)}."
        )
    mask = sitk.GetImageFromArray((array == chosen).astype(np.uint8))
    mask.CopyInformation(labels)
    return mask


def other_labels(labels: sitk.Image, mask: sitk.Image) -> sitk.Image | None:
    """The voxels with another label than the lesion's as UInt8 0 and 1; None: there are none."""
    others = (sitk.GetArrayViewFromImage(labels) != 0) & (sitk.GetArrayViewFromImage(mask) != 1)
    if not others.any():
        return None
    image = sitk.GetImageFromArray(others.astype(np.uint8))
    image.CopyInformation(labels)
    return image


def mask_on_image_grid(mask: sitk.Image, image: sitk.Image, *, where: str) -> tuple[sitk.Image, str]:
    """A binary mask resampled (nearest neighbour) to the image's grid, and a warning that says so.

    Raises:
        MaskError: the mask lies wholly outside the image.
    """
    resampled = to_grid(mask, image)
    before, after = volume_ml(mask), volume_ml(resampled)
    if after == 0:
        raise MaskError(
            "The mask lies outside the image: it has no labelled voxel inside the image.",
            where=where,
            remedy="Check that image and mask belong to the same patient and study.",
        )
    return resampled, (
        f"The mask was not drawn on this image's grid and was resampled (nearest neighbour): "
        f"{before:.2f} ml before, {after:.2f} ml after."
    )


def to_grid(mask: sitk.Image, image: sitk.Image) -> sitk.Image:
    """A binary mask resampled to an image's grid by nearest neighbour; 0 outside the mask's own grid."""
    return sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)


def volume_ml(mask: sitk.Image) -> float:
    """The volume of a binary mask in ml."""
    return int(sitk.GetArrayViewFromImage(mask).sum()) * float(np.prod(mask.GetSpacing())) / 1000


def _listed(labels: list[int]) -> str:
    return ", ".join(map(str, labels[:20])) + (", ..." if len(labels) > 20 else "")
