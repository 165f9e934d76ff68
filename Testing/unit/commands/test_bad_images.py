"""An image or a mask that will not do: status 2, a sentence with the remedy, and nothing written."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model, model_text

from .spoiled_input import COMMANDS, MODEL, Desk, Refused, Spoil

BOX = (slice(6, 18), slice(6, 18), slice(1, 5))


MASKS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "empty": (lambda desk: desk.save(desk.empty_mask()), ("The mask is empty",)),
    "one voxel": (
        lambda desk: desk.save(desk.mask_of((slice(9, 10), slice(9, 10), slice(2, 3)))),
        ("single voxel", "right segment"),
    ),
    "several labels": (
        lambda desk: desk.save(desk.mask_of(BOX, (slice(0, 2),) * 3)),
        ("several labels (1, 2)", "--mask-label"),
    ),
    "fractions": (
        lambda desk: desk.save(sitk.Cast(desk.mask, sitk.sitkFloat32) * 0.5),
        ("not whole numbers", "binary labelmap"),
    ),
    "NaN": (
        lambda desk: desk.save(sitk.Cast(desk.mask, sitk.sitkFloat32) * np.nan),
        ("not whole numbers", "binary labelmap"),
    ),
    "2D": (lambda desk: desk.save(desk.mask[:, :, 2]), ("2D", "volume")),
    "overlapping segments": (
        lambda desk: desk.save(sitk.Compose([desk.mask, desk.mask])),
        ("2 values per voxel", "export one segment"),
    ),
    "text": (lambda desk: desk.text("not an image\n", "spoiled.nii.gz"), ("cannot be read", "not an image")),
    "truncated .nii.gz": (lambda desk: desk.shortened("spoiled.nii.gz"), ("truncated", "Copy or export")),
    "missing": (lambda desk: desk.folder / "none.nrrd", ("There is no such file", "Check its name")),
}


IMAGES: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "constant": (lambda desk: desk.save(desk.image * 0 + 7), ("same intensity (7)", "belong together")),
    "constant in the mask": (
        lambda desk: desk.save(sitk.Mask(desk.image, 1 - desk.mask, outsideValue=7)),
        ("same intensity (7)", "inside the mask"),
    ),
    "NaN in the mask": (
        lambda desk: desk.save(desk.image_with(np.nan, (9, 9, 2))),
        ("NaN or infinite values: 1 in all, 1 of them inside the mask", "Replace them"),
    ),
    "NaN beyond the mask": (
        lambda desk: desk.save(desk.image_with(np.nan, (0, 0, 0))),
        ("NaN or infinite values: 1 in all, 0 of them inside the mask", "Replace them"),
    ),
    "infinite": (
        lambda desk: desk.save(desk.image_with(-np.inf, (9, 9, 2))),
        ("NaN or infinite values: 1 in all, 1 of them inside the mask", "Replace them"),
    ),
    "NaN in NIfTI": (
        lambda desk: desk.save(desk.image_with(np.nan, (9, 9, 2)), "spoiled.nii.gz"),
        ("NaN or infinite values: 1 in all", "Replace them"),
    ),
    "infinite in NIfTI": (
        lambda desk: desk.save(desk.image_with(np.inf, (0, 0, 0)), "spoiled.nii"),
        ("NaN or infinite values: 1 in all", "Replace them"),
    ),
    "2D": (lambda desk: desk.save(desk.image[:, :, 2]), ("The image is 2D", "a volume is needed")),
    "2D picture": (
        lambda desk: desk.save(sitk.Cast(desk.image[:, :, 2], sitk.sitkUInt8), "spoiled.png"),
        ("The image is 2D", "a volume is needed"),
    ),
    "4D": (
        lambda desk: desk.save(sitk.JoinSeries([desk.image, desk.image])),
        ("4D (24 x 24 x 6 x 2)", "single time point"),
    ),
    "4D in NIfTI": (
        lambda desk: desk.save(sitk.JoinSeries([desk.image, desk.image]), "spoiled.nii.gz"),
        ("4D (24 x 24 x 6 x 2)", "single time point"),
    ),
    "RGB": (
        lambda desk: desk.save(sitk.Compose([sitk.Cast(desk.image, sitk.sitkUInt8)] * 3)),
        ("3 values per voxel (colour", "scalar volume"),
    ),
    "RGB in NIfTI": (
        lambda desk: desk.save(sitk.Compose([sitk.Cast(desk.image, sitk.sitkUInt8)] * 3), "spoiled.nii.gz"),
        ("3 values per voxel (colour", "scalar volume"),
    ),
    "sheared NRRD": (
        lambda desk: desk.nrrd(desk.folder / "spoiled.nrrd", desk.voxels(), *placed("(1,0,0) (0.2,1,0) (0,0,3)")),
        ("not at right angles", "Resample it to an orthogonal grid"),
    ),
    "NRRD with two axes that are one": (
        lambda desk: desk.nrrd(desk.folder / "spoiled.nrrd", desk.voxels(), *placed("(1,0,0) (1,0,0) (0,0,3)")),
        ("not at right angles", "Resample it to an orthogonal grid"),
    ),
    "sheared NIfTI": (
        lambda desk: desk.nifti(
            desk.folder / "spoiled.nii", desk.voxels(), rows=[(1, 0.2, 0, 0), (0, 1, 0, 0), (0, 0, 3, 0)]
        ),
        ("not at right angles", "Resample it to an orthogonal grid"),
    ),
    "spacing 0 in NRRD": (
        lambda desk: desk.nrrd(desk.folder / "spoiled.nrrd", desk.voxels(), "spacings: 1 0 3"),
        ("voxel spacing is refused", "Correct the header"),
    ),
    "direction 0 in NRRD": (
        lambda desk: desk.nrrd(desk.folder / "spoiled.nrrd", desk.voxels(), *placed("(1,0,0) (0,0,0) (0,0,3)")),
        ("voxel spacing is refused", "[1, 0, 3]", "Correct the header"),
    ),
    "spacing 0 in NIfTI": (
        lambda desk: patched(desk.save(desk.image, "spoiled.nii"), 76 + 2 * 4, 0.0),
        ("spacing along axis 2 is 0 mm", "Correct the header"),
    ),
    "spacing NaN in NIfTI": (
        lambda desk: patched(desk.save(desk.image, "spoiled.nii"), 76 + 3 * 4, np.nan),
        ("spacing along axis 3 is nan mm", "Correct the header"),
    ),
    "text": (
        lambda desk: desk.text("not an image\n", "spoiled.nii.gz"),
        ("cannot be read", "truncated or of a format that is not an image"),
    ),
    "empty": (
        lambda desk: desk.text("", "spoiled.nrrd"),
        ("cannot be read", "truncated or of a format that is not an image"),
    ),
    "truncated .nii.gz": (lambda desk: desk.shortened("spoiled.nii.gz"), ("truncated or damaged", "Copy or export")),
    "truncated .nii": (lambda desk: desk.shortened("spoiled.nii"), ("bytes of its voxels are missing", "Copy")),
    "truncated .nrrd": (lambda desk: desk.shortened("spoiled.nrrd"), ("cannot be read", "may be truncated")),
    "truncated .mha": (
        lambda desk: desk.shortened("spoiled.mha"),
        ("its voxels cannot be read", "may be truncated"),
    ),
    "missing": (lambda desk: desk.folder / "none.nrrd", ("There is no such file", "Check its name")),
    "no name of a file": (lambda desk: desk.folder / ("x" * 300), ("There is no such file", "Check its name")),
    "folder without DICOM": (lambda desk: desk.folder, ("no DICOM series", "folder of their own")),
}


def placed(directions: str) -> tuple[str, ...]:
    return "space: left-posterior-superior", f"space directions: {directions}", "space origin: (0,0,0)"


def patched(path: Path, place: int, value: float) -> Path:
    """A single-precision number of the header replaced."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<f", content, place, value)
    path.write_bytes(bytes(content))
    return path


@COMMANDS
def test_the_good_case_is_not_refused(
    desk: Desk, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Without this the refusals below would prove nothing.
    out = tmp_path / "new" / "out"
    assert main([*desk.arguments(command), "--out", str(out)]) == 0
    assert (out / "habitats.json").is_file()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]


@COMMANDS
@pytest.mark.parametrize("what", MASKS)
def test_a_bad_mask_is_refused(desk: Desk, refused: Refused, what: str, command: str) -> None:
    spoil, says = MASKS[what]
    path = spoil(desk)
    refused(*desk.arguments(command, mask=path), says=(f"T1W mask {path}: ", *says))


@COMMANDS
@pytest.mark.parametrize("what", IMAGES)
def test_a_bad_image_is_refused(desk: Desk, refused: Refused, what: str, command: str) -> None:
    spoil, says = IMAGES[what]
    path = spoil(desk)
    refused(*desk.arguments(command, image=path), says=(f"T1W image {path}: ", *says))


@pytest.mark.parametrize("label", ["3", "T1W=3"])
def test_a_label_that_is_not_there_is_refused_and_those_that_are_listed(
    desk: Desk, refused: Refused, label: str
) -> None:
    path = desk.save(desk.mask_of(BOX, (slice(0, 2),) * 3))
    says = (f"T1W mask {path}: ", "Label 3 is not in the mask", "Labels present: 1, 2")
    refused(*desk.arguments(mask=path), "--mask-label", label, says=says)


@pytest.mark.parametrize("label", ["1", "T1W=1"])
def test_the_label_that_is_named_is_taken(desk: Desk, tmp_path: Path, label: str) -> None:
    path = desk.save(desk.mask_of(BOX, (slice(0, 2),) * 3))
    out = tmp_path / "out"
    assert main([*desk.arguments(mask=path), "--mask-label", label, "--out", str(out)]) == 0
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "T1W_habitats.nrrd")))
    np.testing.assert_array_equal(labels > 0, sitk.GetArrayFromImage(desk.mask) == 1)


@COMMANDS
def test_a_lesion_smaller_than_the_entropy_window_is_refused(desk: Desk, refused: Refused, command: str) -> None:
    path = desk.save(desk.mask_of((slice(9, 13), slice(9, 13), slice(1, 6))))
    says = ("T1W: ", "The lesion has 80 voxels", "9 x 9 needs at least 81", "smaller window")
    refused(*desk.arguments(command, mask=path), says=says)


def test_a_habitat_too_small_for_texture_is_refused(desk: Desk, refused: Refused) -> None:
    model = load_model(MODEL)
    features = model.protocol.features.model_copy(update={"minimum_region_voxels": 577})
    protocol = model.protocol.model_copy(update={"features": features})
    path = desk.text(model_text(model.model_copy(update={"protocol": protocol})), "model.json")
    arguments = [str(path) if argument == MODEL else argument for argument in desk.arguments("score")]
    sentence = refused(*arguments, says=("texture needs at least 577", "minimum_region_voxels"))
    assert re.match(r"(T1W|T2FS) S\d: The region has \d+ voxels", sentence)
