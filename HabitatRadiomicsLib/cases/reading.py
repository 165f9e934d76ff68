"""A patient's images and masks from files or from memory, checked: what cannot be measured is refused in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.case import Case, SequenceImage, title_of
from HabitatRadiomicsLib.cases.geometry import canonical_grid, check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.cases.image_files import read_image
from HabitatRadiomicsLib.cases.mask import binary_mask, mask_on_image_grid, other_labels, to_grid
from HabitatRadiomicsLib.errors import ImageError, MaskError


def read_sequence(
    name: str, image_path: Path, mask_path: Path, *, label: int | None = None, resample_mask: bool = False
) -> SequenceImage:
    """One sequence of a patient from an image and a mask file.

    Args:
        name: of the sequence, e.g. ``T1W``.
        image_path: any file that SimpleITK reads, or a folder with one DICOM series.
        mask_path: a label image.
        label: the label of the lesion; None: the only label there is.
        resample_mask: accept a mask on another grid and resample it, with a warning.

    Raises:
        ImageError, MaskError, GeometryError: with the sequence and file named.
    """
    where_image, where_mask = f"{title_of(name)} image {image_path}", f"{title_of(name)} mask {mask_path}"
    image = read_image(image_path, where=where_image)
    labels = read_image(mask_path, where=where_mask)
    return checked_sequence(
        name, image, labels, label=label, resample_mask=resample_mask, where_image=where_image, where_mask=where_mask
    )


def read_case(
    sequences: Mapping[str, tuple[str | Path, str | Path] | tuple[str | Path, str | Path, int]],
    *,
    case_id: str = "case",
    resample_mask: bool = False,
) -> Case:
    """A patient from image and mask files.

    Args:
        sequences: by the name of the sequence (``T1W``; with two time points ``baseline_CT`` and ``follow-up_CT``):
            the image file or a folder with one DICOM series, the mask file and, if the mask has several labels, the
            label of the lesion.
        case_id: the patient's name in tables and messages.
        resample_mask: accept masks on another grid and resample them, with a warning.

    Raises:
        ImageError, MaskError, GeometryError: with the sequence and file named.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> case = hr.read_case({"T1W": ("images/synthetic-000/T1W.nrrd", "images/synthetic-000/T1W-mask.nrrd")})
        >>> case.sequences["T1W"].image.GetSize()
        (72, 80, 18)
    """
    images = {
        name: read_sequence(name, Path(image), Path(mask), label=next(iter(label), None), resample_mask=resample_mask)
        for name, (image, mask, *label) in sequences.items()
    }
    return Case(case_id, images)


def checked_sequence(
    name: str,
    image: sitk.Image,
    labels: sitk.Image,
    *,
    label: int | None = None,
    resample_mask: bool = False,
    where_image: str = "",
    where_mask: str = "",
) -> SequenceImage:
    """One sequence from an image and a label image in memory, checked as :func:`read_sequence` does."""
    where_image, where_mask = where_image or f"{title_of(name)} image", where_mask or f"{title_of(name)} mask"
    check_proper_grid(image, where=where_image)
    check_proper_grid(labels, where=where_mask)
    image, labels = canonical_grid(image), canonical_grid(labels)
    warnings: tuple[str, ...] = ()
    if not resample_mask:
        check_same_grid(image, labels, where=where_mask)
    mask = binary_mask(labels, label, where=where_mask)
    others = other_labels(labels, mask)
    if grid_difference(image, mask):
        mask, warning = mask_on_image_grid(mask, image, where=where_mask)
        warnings = (warning,)
        others = None if others is None else to_grid(others, image)
    mask.CopyInformation(image)
    if others is not None:
        others.CopyInformation(image)
    if int(sitk.GetArrayViewFromImage(mask).sum()) == 1:
        raise MaskError(
            "The mask has a single voxel; a lesion needs more to be measured.",
            where=where_mask,
            remedy="Check that the right segment or label was exported.",
        )
    _check_intensities(image, mask, where=where_image)
    return SequenceImage(name, image, mask, warnings, others)


def _check_intensities(image: sitk.Image, mask: sitk.Image, *, where: str) -> None:
    voxels = sitk.GetArrayViewFromImage(image)
    inside = sitk.GetArrayViewFromImage(mask) == 1
    bad = ~np.isfinite(voxels)
    if bad.any():
        raise ImageError(
            f"The image holds NaN or infinite values: {int(bad.sum())} in all, {int((bad & inside).sum())} of them "
            "inside the mask.",
            where=where,
            remedy="Replace them (e.g. by the background value) or export the image again.",
        )
    lesion = voxels[inside]
    if lesion.min() == lesion.max():
        raise ImageError(
            f"The image has the same intensity ({lesion[0]:g}) everywhere inside the mask.",
            where=where,
            remedy="Check that image and mask belong together.",
        )
