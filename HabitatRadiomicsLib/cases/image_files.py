"""Reads image files with SimpleITK and refuses, in sentences, what is not a scalar image with a proper grid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import check_proper_grid
from HabitatRadiomicsLib.cases.nifti import check_nifti
from HabitatRadiomicsLib.errors import GeometryError, ImageError

#: Largest difference between two gaps of a DICOM series, as a fraction of the mean gap. Rounded positions differ by
#: far less; with a missing or duplicated slice, the difference is about 1.
_UNEVEN_GAPS = 0.1

#: The meaning of ITK's messages whose last line is not clear.
_REASONS = {
    "Unable to determine ImageIO reader": "no reader knows its format",
    "File cannot be read": "its voxels cannot be read",
}


def read_image(path: Path, *, where: str) -> sitk.Image:
    """A scalar 3D image with a proper grid.

    Raises:
        ImageError: missing, unreadable, truncated, not 3D, in colour, of complex numbers, or a NIfTI file with voxels
            that are not finite.
        GeometryError: a spacing that is not positive, or axes that are not at right angles.
    """
    if not os.path.exists(path):  # Path.exists raises an error for a name that no file can have
        raise ImageError("There is no such file.", where=where, remedy="Check its name and folder.")
    with _quiet_reader():
        image = _read_dicom_folder(path, where) if path.is_dir() else _read_file(path, where)
    if image.GetDimension() == 4:  # with a single time point: the header was checked
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
    with _quiet_reader():
        image = _read_file(path, where, dimensions=4)
    check_proper_grid(image[..., 0], where=where)
    return image


def _read_file(path: Path, where: str, *, dimensions: int = 3) -> sitk.Image:
    reader = _checked_reader(path, where, dimensions)
    check_nifti(path, where=where)
    return _executed(reader, path, where)


def _read_dicom_folder(folder: Path, where: str) -> sitk.Image:
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        count = len(series) or "no"
        raise ImageError(
            f"The folder holds {count} DICOM series; exactly one is needed.",
            where=where,
            remedy="Put the files of one series into a folder of their own.",
        )
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    _checked_reader(Path(files[0]), where)
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


def _checked_reader(path: Path, where: str, dimensions: int = 3) -> sitk.ImageFileReader:
    """The reader of a file whose header says that it is a scalar image with 3 or 4 dimensions."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(error, path, where) from error
    size = reader.GetSize()
    described = f"The image is {len(size)}D ({' x '.join(map(str, size))})"
    if dimensions == 4 and len(size) != 4:
        raise ImageError(
            f"{described}; a 4D series of volumes is needed.",
            where=where,
            remedy="Give the 4D NIfTI file of the whole series, as dcm2niix writes it.",
        )
    if dimensions == 3 and len(size) == 2:
        raise ImageError("The image is 2D; a volume is needed.", where=where)
    if dimensions == 3 and (len(size) > 4 or (len(size) == 4 and size[3] != 1)):
        raise ImageError(
            f"{described}; one 3D volume is needed.", where=where, remedy="Export a single time point or map."
        )
    if reader.GetNumberOfComponents() != 1:
        raise ImageError(
            f"The image has {reader.GetNumberOfComponents()} values per voxel (colour or vectors); one is needed.",
            where=where,
            remedy="Export it as a scalar volume; of a segmentation with overlapping segments, export one segment.",
        )
    if reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64):
        raise ImageError("The image holds complex numbers.", where=where, remedy="Export the magnitude.")
    return reader


def _executed(reader: sitk.ImageFileReader | sitk.ImageSeriesReader, path: Path, where: str) -> sitk.Image:
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise _unreadable(error, path, where) from error


def _unreadable(error: RuntimeError, path: Path, where: str) -> ImageError | GeometryError:
    message = str(error).replace(str(path), "the file")  # the name may contain the words searched for below
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
    for fragment, meaning in _REASONS.items():
        if fragment in message:
            return meaning
    lines = [line.strip() for line in message.splitlines() if line.strip()] or ["unknown reason"]
    return lines[-1].split("): ", 1)[-1].rstrip(".")


@contextmanager
def _quiet_reader() -> Iterator[None]:
    # ITK prints warnings about headers; the checks above report them as sentences.
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
