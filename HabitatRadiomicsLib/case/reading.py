"""Reads images from files and refuses, in sentences, what cannot be measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.case.case import SequenceImage
from HabitatRadiomicsLib.case.geometry import check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.case.mask import binary_mask, check_roi_size, mask_on_image_grid
from HabitatRadiomicsLib.errors import GeometryError, ImageError


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
    image = read_image(image_path, where=f"{name} image {image_path}")
    labels = read_image(mask_path, where=f"{name} mask {mask_path}")
    return checked_sequence(
        name,
        image,
        labels,
        label=label,
        resample_mask=resample_mask,
        where_image=f"{name} image {image_path}",
        where_mask=f"{name} mask {mask_path}",
    )


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
    where_image, where_mask = where_image or f"{name} image", where_mask or f"{name} mask"
    check_proper_grid(image, where=where_image)
    check_proper_grid(labels, where=where_mask)
    warnings: tuple[str, ...] = ()
    if not resample_mask:
        check_same_grid(image, labels, where=where_mask)
    mask = binary_mask(labels, label, where=where_mask)
    if grid_difference(image, mask):
        mask, warning = mask_on_image_grid(mask, image, where=where_mask)
        warnings = (warning,)
    mask.CopyInformation(image)
    check_roi_size(mask, where=where_mask)
    _check_intensities(image, mask, where=where_image)
    return SequenceImage(name, image, mask, warnings)


def read_image(path: Path, *, where: str) -> sitk.Image:
    """A scalar 3D image with a proper grid.

    Raises:
        ImageError: missing, unreadable, truncated, not 3D, in colour or of complex numbers.
        GeometryError: a spacing that is not positive, or axes that are not at right angles.
    """
    if not path.exists():
        raise ImageError("There is no such file.", where=where)
    reader: sitk.ImageFileReader | sitk.ImageSeriesReader
    with _quiet_reader():
        if path.is_dir():
            reader = _dicom_series(path, where)
        else:
            reader = sitk.ImageFileReader()
            reader.SetFileName(str(path))
            _check_header(reader, where)
        try:
            image = reader.Execute()
        except RuntimeError as error:
            raise _unreadable(error, where) from error
    if image.GetDimension() == 4:  # a single time point, as checked in the header
        image = image[..., 0]
    check_proper_grid(image, where=where)
    return image


def _check_header(reader: sitk.ImageFileReader, where: str) -> None:
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(error, where) from error
    size = reader.GetSize()
    if len(size) == 2:
        raise ImageError("The image is 2D; a volume is needed.", where=where)
    if len(size) > 4 or (len(size) == 4 and size[3] != 1):
        raise ImageError(
            f"The image is {len(size)}D ({' x '.join(map(str, size))}); one 3D volume is needed.",
            where=where,
            remedy="Export a single time point or map.",
        )
    if reader.GetNumberOfComponents() != 1:
        raise ImageError(
            f"The image has {reader.GetNumberOfComponents()} values per voxel (colour or vectors); one is needed.",
            where=where,
            remedy="Export it as a scalar volume; of a segmentation with overlapping segments, export one segment.",
        )
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise ImageError("The image holds complex numbers.", where=where, remedy="Export the magnitude.")
    # NIfTI: the reader replaces a spacing of 0 by 1, so the raw header is asked.
    for axis in range(1, 4):
        key = f"pixdim[{axis}]"
        if reader.HasMetaDataKey(key) and float(reader.GetMetaData(key)) == 0:
            raise GeometryError(
                f"The voxel spacing along axis {axis} is 0 mm in the file's header.",
                where=where,
                remedy="Correct the header, or export the image again.",
            )


def _dicom_series(folder: Path, where: str) -> sitk.ImageSeriesReader:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        found = "no DICOM series" if not series else f"{len(series)} DICOM series"
        raise ImageError(f"The folder holds {found}; exactly one is needed.", where=where)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0]))
    return reader


def _check_intensities(image: sitk.Image, mask: sitk.Image, *, where: str) -> None:
    voxels = sitk.GetArrayViewFromImage(image)
    inside = sitk.GetArrayViewFromImage(mask) == 1
    if voxels.dtype.kind == "f":
        bad = ~np.isfinite(voxels)
        if bad.any():
            raise ImageError(
                f"{int(bad.sum())} voxels are NaN or infinite, {int((bad & inside).sum())} of them inside the mask.",
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


def _unreadable(error: RuntimeError, where: str) -> ImageError | GeometryError:
    reason = _itk_reason(str(error))
    if "orthonormal" in str(error):
        return GeometryError(
            "The image axes are not at right angles (a sheared image).",
            where=where,
            remedy="Resample it to an orthogonal grid first.",
        )
    if "spacing" in str(error).lower():
        return GeometryError(f"The header's voxel spacing is refused: {reason}.", where=where)
    return ImageError(
        f"The file cannot be read: {reason}.",
        where=where,
        remedy="It may be truncated or of a format that is not an image (NIfTI, NRRD, MetaImage and DICOM are).",
    )


def _itk_reason(message: str) -> str:
    """The last line of an ITK message, without addresses and file names of ITK's own sources."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reason = lines[-1] if lines else "unknown reason"
    if "): " in reason:
        reason = reason.split("): ", 1)[1]
    return reason.rstrip(".")


@contextmanager
def _quiet_reader() -> Iterator[None]:
    # ITK prints warnings about headers that the checks here turn into sentences.
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
