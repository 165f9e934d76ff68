"""Reads images from files and refuses, in sentences, what cannot be measured."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.case import Case, SequenceImage, title_of
from HabitatRadiomicsLib.cases.geometry import canonical_grid, check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.cases.mask import binary_mask, check_roi_size, mask_on_image_grid, other_labels, to_grid
from HabitatRadiomicsLib.cases.nifti import check_nifti
from HabitatRadiomicsLib.errors import GeometryError, ImageError

#: Largest difference between two gaps of a DICOM series, as a fraction of the mean gap. Rounded positions stay far
#: below; a missing or duplicated slice makes it about 1.
_UNEVEN_GAPS = 0.1

#: What ITK's messages mean, where their last line is not clear.
_REASONS = {
    "Unable to determine ImageIO reader": "no reader knows its format",
    "File cannot be read": "its voxels cannot be read",
}


def read_sequence(
    name: str,
    image_path: Path,
    mask_path: Path,
    *,
    label: int | None = None,
    resample_mask: bool = False,
) -> SequenceImage:
    """One sequence of a patient from an image and a mask file.

    Args:
        name: the sequence, e.g. ``T1W``.
        image_path: anything that SimpleITK reads, or a folder with one DICOM series.
        mask_path: a label image.
        label: which label is the lesion; None takes the only one there is.
        resample_mask: accept a mask on another grid and resample it, with a warning.

    Raises:
        ImageError, MaskError, GeometryError: with the sequence and file named.
    """
    where_image, where_mask = f"{title_of(name)} image {image_path}", f"{title_of(name)} mask {mask_path}"
    image = read_image(image_path, where=where_image)
    labels = read_image(mask_path, where=where_mask)
    return checked_sequence(
        name,
        image,
        labels,
        label=label,
        resample_mask=resample_mask,
        where_image=where_image,
        where_mask=where_mask,
    )


def read_case(
    sequences: Mapping[str, tuple[str | Path, str | Path] | tuple[str | Path, str | Path, int]],
    *,
    case_id: str = "case",
    resample_mask: bool = False,
) -> Case:
    """A patient from image and mask files.

    Args:
        sequences: image file (or folder with one DICOM series), mask file and, where the mask has several labels, the
            lesion's, by the name of the sequence, such as ``T1W``; with two time points by ``baseline_CT`` and
            ``follow-up_CT``.
        case_id: the patient in tables and messages.
        resample_mask: accept masks on another grid and resample them, with a warning.

    Raises:
        ImageError, MaskError, GeometryError: with the sequence and file named.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> case = hr.read_case({"T1W": ("images/synthetic-000/T1W.nrrd", "images/synthetic-000/T1W-mask.nrrd")})
        >>> case.sequences["T1W"].image.GetSize()
        (72, 80, 18)
    """
    images = {}
    for name, (image, mask, *label) in sequences.items():
        images[name] = read_sequence(
            name, Path(image), Path(mask), label=label[0] if label else None, resample_mask=resample_mask
        )
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
    check_roi_size(mask, where=where_mask)
    _check_intensities(image, mask, where=where_image)
    return SequenceImage(name, image, mask, warnings, others)


def read_image(path: Path, *, where: str) -> sitk.Image:
    """A scalar 3D image with a proper grid.

    Raises:
        ImageError: missing, unreadable, truncated, not 3D, in colour, of complex numbers, or a NIfTI file with voxels
            that are not finite.
        GeometryError: a spacing that is not positive, or axes that are not at right angles.
    """
    if not os.path.exists(path):  # unlike Path.exists, this is False also for a name that cannot be one
        raise ImageError("There is no such file.", where=where, remedy="Check its name and folder.")
    with _quiet_reader():
        image = _read_dicom_folder(path, where) if path.is_dir() else _read_file(path, where)
    if image.GetDimension() == 4:  # a single time point, as checked in the header
        image = image[..., 0]
    check_proper_grid(image, where=where)
    return image


def read_volumes(path: Path, *, where: str) -> sitk.Image:
    """A scalar 4D image, such as a diffusion series: volumes on one proper grid along the fourth axis.

    Raises:
        ImageError, GeometryError: as :func:`read_image`, and an image that is not 4D.
    """
    if not os.path.isfile(path):
        raise ImageError("There is no such file.", where=where, remedy="Check its name and folder.")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    with _quiet_reader():
        _read_header(reader, path, where)
        size = reader.GetSize()
        if len(size) != 4:
            raise ImageError(
                f"The image is {len(size)}D ({' x '.join(map(str, size))}); a 4D series of volumes is needed.",
                where=where,
                remedy="Give the 4D NIfTI file of the whole series, as dcm2niix writes it.",
            )
        _check_values(reader, where)
        check_nifti(path, where=where)
        image = _executed(reader, path, where)
    check_proper_grid(image[..., 0], where=where)
    return image


def _read_file(path: Path, where: str) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    _check_header(reader, path, where)
    check_nifti(path, where=where)
    return _executed(reader, path, where)


def _read_dicom_folder(folder: Path, where: str) -> sitk.Image:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        found = "no DICOM series" if not series else f"{len(series)} DICOM series"
        raise ImageError(
            f"The folder holds {found}; exactly one is needed.",
            where=where,
            remedy="Put the files of one series into a folder of their own.",
        )
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    first = sitk.ImageFileReader()
    first.SetFileName(files[0])
    _check_header(first, Path(files[0]), where)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(files)
    image = _executed(reader, folder, where)
    # The reader uses the mean gap as spacing, and records when the gaps differ at all.
    if image.HasMetaDataKey("ITK_non_uniform_sampling_deviation"):
        _check_even_gaps(files, image, where)
    return image


def _check_even_gaps(files: tuple[str, ...], image: sitk.Image, where: str) -> None:
    origins = []
    for file in files:
        reader = sitk.ImageFileReader()
        reader.SetFileName(file)
        reader.ReadImageInformation()
        origins.append(reader.GetOrigin())
    normal = np.array(image.GetDirection()).reshape(3, 3)[:, 2]
    gaps = np.diff(np.array(origins) @ normal)
    if gaps.max() - gaps.min() > _UNEVEN_GAPS * abs(gaps.mean()):
        raise GeometryError(
            f"The slices of the DICOM series are not evenly spaced: {gaps.min():.4g} to {gaps.max():.4g} mm apart.",
            where=where,
            remedy="Check whether slices are missing or duplicated.",
        )


def _executed(reader: sitk.ImageFileReader | sitk.ImageSeriesReader, path: Path, where: str) -> sitk.Image:
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise _unreadable(error, path, where) from error


def _read_header(reader: sitk.ImageFileReader, path: Path, where: str) -> None:
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(error, path, where) from error


def _check_header(reader: sitk.ImageFileReader, path: Path, where: str) -> None:
    _read_header(reader, path, where)
    size = reader.GetSize()
    if len(size) == 2:
        raise ImageError("The image is 2D; a volume is needed.", where=where)
    if len(size) > 4 or (len(size) == 4 and size[3] != 1):
        raise ImageError(
            f"The image is {len(size)}D ({' x '.join(map(str, size))}); one 3D volume is needed.",
            where=where,
            remedy="Export a single time point or map.",
        )
    _check_values(reader, where)


def _check_values(reader: sitk.ImageFileReader, where: str) -> None:
    if reader.GetNumberOfComponents() != 1:
        raise ImageError(
            f"The image has {reader.GetNumberOfComponents()} values per voxel (colour or vectors); one is needed.",
            where=where,
            remedy="Export it as a scalar volume; of a segmentation with overlapping segments, export one segment.",
        )
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise ImageError("The image holds complex numbers.", where=where, remedy="Export the magnitude.")


def _check_intensities(image: sitk.Image, mask: sitk.Image, *, where: str) -> None:
    voxels = sitk.GetArrayViewFromImage(image)
    inside = sitk.GetArrayViewFromImage(mask) == 1
    if voxels.dtype.kind == "f":
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


def _unreadable(error: RuntimeError, path: Path, where: str) -> ImageError | GeometryError:
    message = str(error).replace(str(path), "the file")  # its name may hold any word
    if "orthonormal" in message or "determinant is 0" in message:
        return GeometryError(
            "The image axes are not at right angles (a sheared image).",
            where=where,
            remedy="Resample it to an orthogonal grid first.",
        )
    reason = _itk_reason(message)
    if "spacing" in reason.lower():
        return GeometryError(
            f"The header's voxel spacing is refused: {reason}.",
            where=where,
            remedy="Correct the header, or export the image again.",
        )
    return ImageError(
        f"The file cannot be read: {reason}.",
        where=where,
        remedy="It may be truncated or of a format that is not an image (NIfTI, NRRD, MetaImage and DICOM are).",
    )


def _itk_reason(message: str) -> str:
    """The last line of an ITK message, without addresses and file names of ITK's own sources."""
    for theirs, ours in _REASONS.items():
        if theirs in message:
            return ours
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reason = lines[-1] if lines else "unknown reason"
    if "): " in reason:
        reason = reason.split("): ", 1)[1]
    return reason.rstrip(".")


@contextmanager
def _quiet_reader() -> Iterator[None]:
    # ITK prints warnings about headers; the checks here report them as sentences.
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
