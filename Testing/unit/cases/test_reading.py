"""Images from files: read to the last bit, or refused with a reason."""

from __future__ import annotations

import gzip
import locale
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import binary_mask, nifti, read_image, read_sequence
from HabitatRadiomicsLib.errors import GeometryError, ImageError, MaskError

Write = Callable[..., Path]


@pytest.fixture
def dicom_series(tiny_image: sitk.Image) -> Callable[..., Path]:
    """Writes the tiny image's slices as a DICOM series into a folder, one at each of the given heights (mm)."""

    def write(folder: Path, heights: Sequence[float], series: str = "1.2.3.5", colour: bool = False) -> Path:
        folder.mkdir(exist_ok=True)
        # Writing DICOM leaves the process in the locale "C", which would change what other tests read.
        before = locale.setlocale(locale.LC_ALL)
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        for number, height in enumerate(heights):
            plane = tiny_image[:, :, number]
            if colour:
                plane = sitk.Compose([sitk.Cast(plane, sitk.sitkUInt8)] * 3)
            tags = {
                "0008|0018": f"{series}.{number + 1}",
                "0008|0060": "MR",
                "0018|0050": "3",
                "0020|000d": "1.2.3",
                "0020|000e": series,
                "0020|0013": str(number + 1),
                "0020|0032": f"-11\\-12\\{height}",
                "0020|0037": "1\\0\\0\\0\\1\\0",
            }
            for tag, value in tags.items():
                plane.SetMetaData(tag, value)
            writer.SetFileName(str(folder / f"{series}-{number}.dcm"))
            writer.Execute(plane)
        locale.setlocale(locale.LC_ALL, before)
        return folder

    return write


EVEN = (0, 3, 6, 9, 12, 15)


@pytest.mark.parametrize("name", ["image.nrrd", "image.nii", "image.nii.gz", "image.mha"])
@pytest.mark.parametrize(
    "kind",
    [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkFloat32, sitk.sitkFloat64],
    ids=sitk.GetPixelIDValueAsString,
)
def test_an_image_keeps_its_pixel_type_and_every_bit(
    tmp_path: Path, tiny_image: sitk.Image, tiny_mask: sitk.Image, name: str, kind: int
) -> None:
    voxels = sitk.GetArrayFromImage(tiny_image) / 7
    image = sitk.Cast(sitk.GetImageFromArray(voxels), kind)
    image.CopyInformation(tiny_image)
    image.SetOrigin((-11.0, 5.0, 130.0))
    tiny_mask.SetOrigin(image.GetOrigin())
    sitk.WriteImage(image, str(tmp_path / name))
    sitk.WriteImage(tiny_mask, str(tmp_path / f"mask-{name}"))
    sequence = read_sequence("T1W", tmp_path / name, tmp_path / f"mask-{name}")
    assert sequence.image.GetPixelID() == kind
    found, expected = sitk.GetArrayFromImage(sequence.image), sitk.GetArrayFromImage(image)
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()
    np.testing.assert_allclose(sequence.image.GetOrigin(), image.GetOrigin())
    assert sequence.mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sequence.mask), sitk.GetArrayFromImage(tiny_mask))


@pytest.mark.parametrize("kind", [sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt32, sitk.sitkFloat32, sitk.sitkFloat64])
def test_a_mask_of_whole_numbers_is_accepted_whatever_their_type(tiny_mask: sitk.Image, kind: int) -> None:
    labels = sitk.Cast(tiny_mask, kind) * 3
    mask = binary_mask(labels, None, where="mask")
    assert mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), sitk.GetArrayFromImage(tiny_mask))


def test_one_label_of_several(tiny_mask: sitk.Image) -> None:
    tiny_mask[0:3, 0:3, 0:2] = 7
    assert int(sitk.GetArrayFromImage(binary_mask(tiny_mask, 7, where="mask")).sum()) == 18
    assert int(sitk.GetArrayFromImage(binary_mask(tiny_mask, 1, where="mask")).sum()) == 576
    with pytest.raises(MaskError, match=r"several labels \(1, 7\)"):
        binary_mask(tiny_mask, None, where="mask")
    with pytest.raises(MaskError, match="Label 0 is not in the mask"):
        binary_mask(tiny_mask, 0, where="mask")


def test_many_labels_are_listed_in_part(tiny_mask: sitk.Image) -> None:
    for label in range(1, 25):
        tiny_mask[label - 1, 0, 0] = label
    with pytest.raises(MaskError, match=r"\(1, 2, .*, 20, \.\.\.\)"):
        binary_mask(tiny_mask, None, where="mask")


@pytest.mark.parametrize("value", [0.5, 1.0001, np.nan, np.inf])
def test_a_mask_with_fractions_or_no_numbers_is_refused(tiny_mask: sitk.Image, value: float) -> None:
    labels = sitk.Cast(tiny_mask, sitk.sitkFloat32)
    labels[0, 0, 0] = value
    with pytest.raises(MaskError, match="not whole numbers"):
        binary_mask(labels, None, where="mask")


@pytest.mark.parametrize("name", ["image.nrrd", "image.nii.gz", "image.mha"])
def test_four_dimensions_with_one_volume_are_a_volume(tmp_path: Path, tiny_image: sitk.Image, name: str) -> None:
    sitk.WriteImage(sitk.JoinSeries([tiny_image]), str(tmp_path / name))
    image = read_image(tmp_path / name, where="image")
    assert (image.GetSize(), image.GetSpacing()) == (tiny_image.GetSize(), tiny_image.GetSpacing())
    assert image.GetDirection() == tiny_image.GetDirection()
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(tiny_image))


def test_images_written_by_hand_are_read_as_they_say(
    tmp_path: Path, tiny_image: sitk.Image, nrrd_by_hand: Write, nifti_by_hand: Write
) -> None:
    # The files by hand are the way into every test of a bad header: good ones must come through.
    voxels = sitk.GetArrayFromImage(tiny_image)
    geometry = ("space: left-posterior-superior", "space directions: (1,0,0) (0,1,0) (0,0,3)", "space origin: (0,0,0)")
    paths = [
        nrrd_by_hand(tmp_path / "image.nrrd", voxels, *geometry),
        nifti_by_hand(tmp_path / "image.nii", voxels),
        nifti_by_hand(tmp_path / "big-endian.nii", voxels, order=">"),
        nifti_by_hand(tmp_path / "extended.nii", voxels, offset=416),
    ]
    for path in paths:
        image = read_image(path, where="image")
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), voxels, err_msg=path.name)
        assert image.GetSpacing() == (1.0, 1.0, 3.0)
        assert image.GetDirection() == tiny_image.GetDirection()


@pytest.mark.parametrize("compress", [False, True], ids=["nii", "nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((0, 1, 3), 1), ((1, 0, 3), 2), ((1, 1, 0), 3), ((1, 1, np.nan), 3), ((np.inf, 1, 1), 1), ((-1, 1, 3), 1)],
)
def test_a_nifti_spacing_that_the_reader_would_mend_is_refused(
    tmp_path: Path, nifti_by_hand: Write, spacing: tuple[float, float, float], axis: int, order: str, compress: bool
) -> None:
    rows = [(-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, 3, 0)]
    path = nifti_by_hand(
        tmp_path / "a.nii", np.zeros((6, 24, 24), dtype=np.int16), spacing=spacing, rows=rows, order=order
    )
    if compress:
        path = compressed(path)
    with pytest.raises(GeometryError, match=f"spacing along axis {axis} is {spacing[axis - 1]:g} mm"):
        read_image(path, where="image")


@pytest.mark.parametrize("keep", [0.5, 0.999])
@pytest.mark.parametrize("block", [64, 1 << 22])
def test_a_truncated_nifti_file_is_refused(
    tmp_path: Path,
    tiny_image: sitk.Image,
    nifti_by_hand: Write,
    monkeypatch: pytest.MonkeyPatch,
    keep: float,
    block: int,
) -> None:
    # ITK fills the missing voxels with 0 and says nothing.
    monkeypatch.setattr(nifti, "_BLOCK_BYTES", block)
    whole = nifti_by_hand(tmp_path / "a.nii", sitk.GetArrayFromImage(tiny_image))
    zipped = compressed(whole)
    for path in (whole, zipped):
        read_image(path, where="image")
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        with pytest.raises(ImageError, match="truncated or damaged"):
            read_image(path, where="image")


def test_a_compressed_nifti_file_with_a_damaged_byte_is_refused(
    tmp_path: Path, tiny_image: sitk.Image, nifti_by_hand: Write
) -> None:
    path = compressed(nifti_by_hand(tmp_path / "a.nii", sitk.GetArrayFromImage(tiny_image)), level=0)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ImageError, match=r"truncated or damaged: .*CRC check failed"):
        nifti.check_nifti(path, where="image")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("block", [64, 1 << 22])
def test_nifti_voxels_that_the_reader_would_mend_are_refused(
    tmp_path: Path,
    tiny_image: sitk.Image,
    nifti_by_hand: Write,
    monkeypatch: pytest.MonkeyPatch,
    value: float,
    kind: str,
    order: str,
    block: int,
) -> None:
    # ITK reads them as 0.
    monkeypatch.setattr(nifti, "_BLOCK_BYTES", block)
    voxels = sitk.GetArrayFromImage(tiny_image).astype(kind)
    nifti_by_hand(tmp_path / "good.nii", voxels, order=order)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read_image(tmp_path / "good.nii", where="image")), voxels)
    voxels[0, 0, 0] = voxels[5, 23, 23] = value
    with pytest.raises(ImageError, match="NaN or infinite values: 2 in all"):
        read_image(nifti_by_hand(tmp_path / "bad.nii", voxels, order=order), where="image")


def test_a_damaged_header_of_another_format_is_not_taken_for_nifti(tmp_path: Path, tiny_image: sitk.Image) -> None:
    sitk.WriteImage(tiny_image, str(tmp_path / "a.nrrd"))
    nifti.check_nifti(tmp_path / "a.nrrd", where="image")


@pytest.mark.parametrize("word", ["spacing", "orthonormal", "determinant is 0"])
def test_words_of_the_file_name_are_not_taken_for_the_reason(tmp_path: Path, word: str) -> None:
    path = tmp_path / f"{word}.nrrd"
    path.write_text("not an image\n", encoding="utf-8")
    with pytest.raises(ImageError, match="no reader knows its format"):
        read_image(path, where="image")


def test_a_dicom_folder_is_a_volume(tmp_path: Path, dicom_series: Write, tiny_image: sitk.Image) -> None:
    image = read_image(dicom_series(tmp_path / "series", EVEN), where="image")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(tiny_image))
    assert image.GetPixelID() == sitk.sitkInt16
    assert image.GetOrigin() == (-11.0, -12.0, 0.0)
    np.testing.assert_allclose(image.GetSpacing(), (1, 1, 3))


def test_dicom_slices_are_put_in_order_by_their_place(
    tmp_path: Path, dicom_series: Write, tiny_image: sitk.Image
) -> None:
    image = read_image(dicom_series(tmp_path / "series", EVEN[::-1]), where="image")
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(tiny_image)[::-1])


def test_rounded_dicom_positions_are_accepted(tmp_path: Path, dicom_series: Write) -> None:
    image = read_image(dicom_series(tmp_path / "series", (0, 3.01, 5.99, 9, 12.01, 15)), where="image")
    np.testing.assert_allclose(image.GetSpacing()[2], 3)


@pytest.mark.parametrize(
    ("heights", "told"),
    [((0, 3, 6, 12, 15, 18), "3 to 6 mm apart"), ((0, 3, 6, 6, 9, 12), "0 to 3 mm apart"),
     ((0, 3, 6, 9, 12, 15.5), "3 to 3.5 mm apart")],
    ids=["missing", "twice", "uneven"],
)  # fmt: skip
def test_dicom_slices_that_are_not_evenly_spaced_are_refused(
    tmp_path: Path, dicom_series: Write, heights: Sequence[float], told: str
) -> None:
    with pytest.raises(GeometryError, match=f"not evenly spaced: {told}"):
        read_image(dicom_series(tmp_path / "series", heights), where="image")


def test_a_folder_without_a_dicom_series_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not an image\n", encoding="utf-8")
    with pytest.raises(ImageError, match="no DICOM series; exactly one") as error:
        read_image(tmp_path, where="T1W image folder")
    assert error.value.where == "T1W image folder"


def test_a_folder_with_two_dicom_series_is_refused(tmp_path: Path, dicom_series: Write) -> None:
    folder = dicom_series(tmp_path / "series", EVEN)
    dicom_series(folder, EVEN, series="1.2.3.6")
    with pytest.raises(ImageError, match="2 DICOM series; exactly one"):
        read_image(folder, where="image")


def test_a_dicom_series_in_colour_is_refused(tmp_path: Path, dicom_series: Write) -> None:
    with pytest.raises(ImageError, match="3 values per voxel"):
        read_image(dicom_series(tmp_path / "series", EVEN, colour=True), where="image")


def test_a_truncated_dicom_slice_is_noticed(tmp_path: Path, dicom_series: Write) -> None:
    folder = dicom_series(tmp_path / "series", EVEN)
    file = sorted(folder.iterdir())[2]
    file.write_bytes(file.read_bytes()[:-500])
    with pytest.raises((GeometryError, ImageError)):
        read_image(folder, where="image")


def compressed(path: Path, level: int = 6) -> Path:
    zipped = path.with_name(path.name + ".gz")
    zipped.write_bytes(gzip.compress(path.read_bytes(), level))
    return zipped
