"""Whatever is wrong with the input: status 2, a sentence that names it and says what to do, and nothing written."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.case import write_case
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.protocol import bundled_protocols
from HabitatRadiomicsLib.provenance import document_digest
from HabitatRadiomicsLib.synthetic import SyntheticPatient

MODEL = "t790m-spine-demo"
RESAMPLED = "was not drawn on this image's grid and was resampled"


@dataclass(frozen=True)
class Desk:
    """A good case of one sequence in a folder, and the tools to spoil it."""

    folder: Path
    image: sitk.Image
    mask: sitk.Image
    nrrd: Callable[..., Path]
    nifti: Callable[..., Path]

    def save(self, image: sitk.Image, name: str = "spoiled.nrrd") -> Path:
        sitk.WriteImage(image, str(self.folder / name))
        return self.folder / name

    def text(self, text: str, name: str) -> Path:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.folder / name

    def shortened(self, name: str, keep: float = 0.5) -> Path:
        path = self.save(self.image, name)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        return path

    def voxels(self) -> np.ndarray:
        return sitk.GetArrayFromImage(self.image)

    def image_with(self, value: float, place: tuple[int, int, int]) -> sitk.Image:
        image = sitk.Cast(self.image, sitk.sitkFloat32)
        image[place] = value
        return image

    def empty_mask(self) -> sitk.Image:
        return self.mask * 0

    def moved_mask(self, *voxels: float) -> sitk.Image:
        mask = sitk.Image(self.mask)
        mask.SetOrigin(mask.TransformContinuousIndexToPhysicalPoint(voxels))
        return mask

    def stretched_mask(self) -> sitk.Image:
        mask = sitk.Image(self.mask)
        mask.SetSpacing((1.0, 1.0, 3.3))
        return mask

    def flipped_mask(self) -> sitk.Image:
        """Its axes i and j run the other way through the same box."""
        mask = sitk.Image(self.mask)
        mask.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
        mask.SetOrigin((23.0, 23.0, 0.0))
        return mask

    def mask_of(self, *boxes: tuple[slice, slice, slice]) -> sitk.Image:
        """Each box of voxels (i, j, k) with a label of its own."""
        mask = self.empty_mask()
        for label, box in enumerate(boxes, start=1):
            mask[box] = label
        return mask

    def arguments(
        self, command: str = "maps", *, image: Path | None = None, mask: Path | None = None, **sequences: Path
    ) -> list[str]:
        """A call without --out; ``score`` gets the good case as T2FS, too."""
        good = self.folder / "t1.nrrd", self.folder / "t1-mask.nrrd"
        found = {"T1W": (image or good[0], mask or good[1])}
        if command == "score":
            found["T2FS"] = good
        arguments = [command] if command == "maps" else [command, "--model", MODEL]
        for name, paths in found.items():
            arguments += ["--image", f"{name}={paths[0]}", "--mask", f"{name}={paths[1]}"]
        return arguments


@pytest.fixture
def desk(
    tmp_path: Path,
    tiny_image: sitk.Image,
    tiny_mask: sitk.Image,
    nrrd_by_hand: Callable[..., Path],
    nifti_by_hand: Callable[..., Path],
) -> Desk:
    folder = tmp_path / "case"
    folder.mkdir()
    desk = Desk(folder, tiny_image, tiny_mask, nrrd_by_hand, nifti_by_hand)
    desk.save(tiny_image, "t1.nrrd")
    desk.save(tiny_mask, "t1-mask.nrrd")
    return desk


Refused = Callable[..., str]
Spoil = Callable[[Desk], Path]


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refused:
    """Runs the program, which must refuse and leave every file as it was; returns its sentence."""

    def run(*arguments: str, says: Sequence[str], out: Path | None = None) -> str:
        before = tree(tmp_path)
        status = main([*arguments, "--out", str(out or tmp_path / "new" / "out")])
        told = capsys.readouterr()
        assert status == 2, told
        assert told.out == ""
        sentence = told.err.partition("habitat-radiomics: ")[2]
        for fragment in says:
            assert fragment in sentence
        assert "Traceback" not in told.err
        assert "::" not in sentence  # no words of C++
        assert sentence.endswith(".\n") or "\n  - " in sentence  # a list of problems has no full stop
        assert tree(tmp_path) == before
        return sentence

    return run


def tree(folder: Path) -> dict[Path, bytes | None]:
    """Every folder (None) and file below, with what the files hold."""
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


GRID = "does not lie on the image's grid"
OFFER = "resample it with --resample-mask"
BOX = (slice(6, 18), slice(6, 18), slice(1, 5))

ELSEWHERE: dict[str, tuple[Callable[[Desk], sitk.Image], str]] = {
    "another size": (lambda desk: desk.mask[:, :, :5], "24 x 24 x 6 voxels, the mask 24 x 24 x 5"),
    "half a voxel": (lambda desk: desk.moved_mask(0.5, 0, 0), "the origin shifted by 0.5 x 0 x 0 mm"),
    "half a slice": (lambda desk: desk.moved_mask(0, 0, 0.5), "the origin shifted by 0 x 0 x 1.5 mm"),
    "one voxel": (lambda desk: desk.moved_mask(0, 1, 0), "the origin shifted by 0 x 1 x 0 mm"),
    "another spacing": (lambda desk: desk.stretched_mask(), "spacing 1 x 1 x 3 mm against 1 x 1 x 3.3 mm"),
    "flipped": (lambda desk: desk.flipped_mask(), "another direction of the axes"),
}

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


COMMANDS = pytest.mark.parametrize("command", ["maps", "score"])


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
@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_mask_on_another_grid_is_refused(desk: Desk, refused: Refused, what: str, command: str) -> None:
    change, difference = ELSEWHERE[what]
    path = desk.save(change(desk))
    refused(*desk.arguments(command, mask=path), says=(f"T1W mask {path}: ", GRID, difference, OFFER))


@pytest.mark.parametrize("what", ELSEWHERE)
def test_a_mask_on_another_grid_is_resampled_when_asked(desk: Desk, tmp_path: Path, what: str) -> None:
    path = desk.save(ELSEWHERE[what][0](desk))
    out = tmp_path / "out"
    assert main([*desk.arguments(mask=path), "--resample-mask", "--out", str(out)]) == 0
    warnings = json.loads((out / "habitats.json").read_text(encoding="utf-8"))["warnings"]
    assert [text.startswith("T1W: The mask") for text in warnings if RESAMPLED in text] == [True]
    labels = sitk.ReadImage(str(out / "T1W_habitats.nrrd"))
    assert (labels.GetSize(), labels.GetOrigin()) == (desk.image.GetSize(), desk.image.GetOrigin())


def test_a_mask_on_the_image_grid_is_left_alone_by_resample_mask(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([*desk.arguments(), "--resample-mask", "--out", str(out)]) == 0
    assert RESAMPLED not in (out / "habitats.json").read_text(encoding="utf-8")


@COMMANDS
def test_a_mask_off_the_image_is_refused(desk: Desk, refused: Refused, command: str) -> None:
    path = desk.save(desk.moved_mask(100, 0, 0))
    arguments = [*desk.arguments(command, mask=path), "--resample-mask"]
    refused(*arguments, says=(f"T1W mask {path}: ", "lies outside the image", "same patient"))


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


def test_another_name_for_a_sequence_than_the_model_has_is_refused(desk: Desk, refused: Refused) -> None:
    arguments = [argument.replace("T2FS=", "STIR=") for argument in desk.arguments("score")]
    says = (MODEL, "T2FS is missing", "STIR is not a sequence of this model", "--image T2FS=FILE")
    refused(*arguments, says=says)


def test_a_sequence_that_the_model_needs_and_lacks_is_named(desk: Desk, refused: Refused) -> None:
    arguments = ["score", "--model", MODEL, *desk.arguments("maps")[1:]]
    refused(*arguments, says=(MODEL, "it needs", "T2FS is missing", "--image T2FS=FILE"))


@pytest.mark.parametrize("option", ["--image", "--mask"])
def test_an_image_without_mask_and_a_mask_without_image_are_refused(desk: Desk, refused: Refused, option: str) -> None:
    more = [option, f"T2FS={desk.folder / 't1.nrrd'}"]
    refused(*desk.arguments(), *more, says=("--image and --mask", "needs an image and a mask", "T2FS"))


BAD_ARGUMENTS: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "no sequence": (["--image", "t1.nrrd"], ("--image", "'t1.nrrd' is not SEQ=FILE", "T1W=file.nii.gz")),
    "no file": (["--mask", "T2FS="], ("--mask", "'T2FS=' is not SEQ=FILE", "--mask T1W=file.nii.gz")),
    "no name": (["--image", "=t1.nrrd"], ("--image", "'=t1.nrrd' is not SEQ=FILE")),
    "image twice": (["--image", "T1W=t1.nrrd"], ("--image", "T1W is given twice")),
    "mask twice": (["--mask", "T1W=t1.nrrd"], ("--mask", "T1W is given twice")),
    "underscore": (["--image", "T2_FS=t2.nrrd"], ("--image", "'T2_FS'", "letters, digits and hyphens")),
    "path as name": (["--image", "../T2=t2.nrrd"], ("--image", "'../T2'", "letters, digits and hyphens")),
    "label in words": (["--mask-label", "one"], ("--mask-label", "'one' is neither a label nor")),
    "negative label": (["--mask-label=-1"], ("--mask-label", "'-1' is neither a label nor")),
    "fraction as label": (["--mask-label", "T1W=1.5"], ("--mask-label", "'T1W=1.5' is neither a label nor")),
    "label of another sequence": (["--mask-label", "STIR=1"], ("--mask-label", "'STIR=1'", "a sequence that is given")),
    "label of nothing": (["--mask-label", "=1"], ("--mask-label", "'=1' is neither a label nor")),
    "label 0": (["--mask-label", "0"], ("T1W mask", "Label 0 is not in the mask", "Labels present: 1")),
}


@COMMANDS
@pytest.mark.parametrize("what", BAD_ARGUMENTS)
def test_a_bad_argument_is_refused(desk: Desk, refused: Refused, what: str, command: str) -> None:
    more, says = BAD_ARGUMENTS[what]
    refused(*desk.arguments(command), *more, says=says)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["habitats"],
        ["maps"],
        ["maps", "--image", "T1W=a.nrrd", "--out", "out"],
        ["maps", "--image", "T1W=a.nrrd", "--mask", "T1W=b.nrrd"],
        ["maps", "--image", "T1W=a.nrrd", "--mask", "T1W=b.nrrd", "--out", "out", "--protocol", "p", "--model", "m"],
        ["score", "--image", "T1W=a.nrrd", "--mask", "T1W=b.nrrd", "--out", "out"],
        ["extract", "--cohort", "images.csv", "--protocol", "general-mri", "--out", "out", "--jobs", "0"],
        ["train", "--cohort", "images.csv", "--protocol", "general-mri", "--out", "out"],
    ],
    ids=" ".join,
)
def test_arguments_that_lack_something_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: habitat-radiomics" in capsys.readouterr().err
    assert tree(tmp_path) == {}


def edited_digit(text: str) -> str:
    edited, count = re.subn(
        r'("intercept": -?\d\.\d)(\d)', lambda hit: hit[1] + str((int(hit[2]) + 1) % 10), text, count=1
    )
    assert count == 1
    return edited


def with_number(text: str, number: str) -> str:
    edited, count = re.subn(r'("intercept": )[-\d.e]+', rf"\g<1>{number}", text, count=1)
    assert count == 1
    return edited


def with_digest(text: str, **changes: object) -> str:
    """Parts replaced, and a digest that fits."""
    document = {**json.loads(text), **changes}
    document.pop("sha256")
    return json.dumps({**document, "sha256": document_digest(document)})


MODELS: dict[str, tuple[Callable[[str], str], tuple[str, ...]]] = {
    "truncated": (lambda text: text[: len(text) // 2], ("cannot be read as JSON", "truncated", "Copy it again")),
    "edited": (edited_digit, ("edited or damaged", "original file")),
    "without digest": (lambda text: with_digest(text).replace("sha256", "sha512"), ("edited or damaged",)),
    "of a newer format": (
        lambda text: with_digest(text, format_version=2),
        ("The model has format 2", "reads up to 1", "Update"),
    ),
    "with NaN": (lambda text: with_number(text, "NaN"), ("NaN is not a number that a model may hold",)),
    "with Infinity": (lambda text: with_number(text, "-Infinity"), ("-Infinity is not a number",)),
    "with 1e999": (lambda text: with_number(text, "1e999"), ("edited or damaged",)),
    "with 1e999 and no digest": (
        lambda text: re.sub('"sha256": "[0-9a-f]*"', '"sha256": ""', with_number(text, "1e999")),
        ("edited or damaged",),
    ),
    "with half a character": (lambda text: text.replace('"title": "', '"title": "\\ud800'), ("edited or damaged",)),
    "with too few coefficients": (
        lambda text: with_digest(text, coefficient_covariance=[[1.0]]),
        ("not a valid model", "coefficient_covariance"),
    ),
    "with an unknown part": (lambda text: with_digest(text, surprise=1), ("not a valid model", "surprise")),
    "another JSON file": (lambda text: '{"warnings": []}\n', ("not a model file", "format_version")),
    "a list": (lambda text: "[1, 2]\n", ("not a model file",)),
    "nested without end": (lambda text: "[" * 200_000, ("cannot be read as JSON",)),
    "an image": (lambda text: "NRRD0004\ntype: short\n", ("cannot be read as JSON",)),
    "empty": (lambda text: "", ("cannot be read as JSON",)),
}


@pytest.fixture(scope="module")
def good_model() -> str:
    return model_text(load_model(MODEL))


@COMMANDS
@pytest.mark.parametrize("what", MODELS)
def test_a_bad_model_file_is_refused(desk: Desk, refused: Refused, good_model: str, what: str, command: str) -> None:
    spoil, says = MODELS[what]
    spoiled = spoil(good_model)
    assert spoiled != good_model
    path = desk.text(spoiled, "model.json")
    arguments = [command, "--model", str(path), *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{path}: ", *says))


def test_a_model_file_that_is_not_text_is_refused(desk: Desk, refused: Refused) -> None:
    path = desk.folder / "t1.nrrd"
    arguments = ["score", "--model", str(path), *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{path}: ", "cannot be read as JSON"))


@pytest.mark.parametrize("name", ["none.json", ".", "x" * 300])
def test_a_model_that_is_not_there_is_refused(desk: Desk, refused: Refused, name: str) -> None:
    arguments = ["score", "--model", name, *desk.arguments("maps")[1:]]
    refused(*arguments, says=(f"{name}: ", "no model of this name", "Bundled models: ", MODEL))


PROTOCOLS: dict[str, tuple[str, tuple[str, ...]]] = {
    "impossible date": ("name: 2024-99-99\n", ("cannot be read as YAML",)),
    "nested without end": ("[" * 20_000, ("cannot be read as YAML",)),
    "no mapping": ("- a\n- b\n", ("mapping of settings",)),
    "empty": ("", ("mapping of settings",)),
    "bad YAML": ("name: [a\ntitle: b\n", ("cannot be read as YAML", "line 2")),
    "tab": ("name:\n\t- a\n", ("cannot be read as YAML",)),
    "newer format": ("format_version: 2\nname: a\ntitle: b\n", ("has format 2", "reads up to 1", "Update")),
    "many wrong settings": (
        "name: my_own\nregions: [whole, S0]\nsurprise: 1\nring_mm: -1\n"
        "habitats: {superpixels: 1, entropy: {window: 8}}\nfeatures: {discretisation: {}, clases: [glcm]}\n"
        "preprocessing: {window: {lower: 5, upper: 5}, resampling: {spacing: [1, 1]}}\n",
        (
            "name: use letters, digits and hyphens",
            "title: Field required",
            "regions: 'S0' is not a region",
            "surprise: Extra",
            "ring_mm: ",
            "habitats.superpixels: ",
            "habitats.entropy: 'window' must be odd",
            "features.clases: ",
            "features.discretisation: give either",
            "preprocessing.window: 'lower' must be below",
            "preprocessing.resampling.spacing",
        ),
    ),
}


@pytest.mark.parametrize("what", PROTOCOLS)
def test_a_bad_protocol_is_refused(desk: Desk, refused: Refused, what: str) -> None:
    text, says = PROTOCOLS[what]
    path = desk.text(text, "protocol.yaml")
    refused(*desk.arguments(), "--protocol", str(path), says=(f"{path}: ", *says))


def test_a_protocol_that_is_not_there_is_refused(desk: Desk, refused: Refused) -> None:
    says = ("my-protocol: ", "no protocol of this name", *bundled_protocols())
    refused(*desk.arguments(), "--protocol", "my-protocol", says=says)


@COMMANDS
def test_an_output_place_that_cannot_be_written_is_refused(desk: Desk, refused: Refused, command: str) -> None:
    file = desk.text("precious\n", "notes.txt")
    good = desk.arguments(command)
    refused(*good, out=file, says=(f"{file}: ", "a file, not a folder", "Choose another --out"))
    refused(*good, "--overwrite", out=file, says=(f"{file}: ", "a file, not a folder", "Choose another --out"))
    refused(*good, out=file / "out", says=(f"{file / 'out'}: ", "cannot be written", "Choose a place"))
    refused(*good, out=file / "deep" / "out", says=("cannot be written", "Choose a place"))
    refused(*good, out=desk.folder / ("x" * 300), says=("cannot be written", "Choose a place"))


@COMMANDS
def test_results_are_replaced_only_when_asked(
    desk: Desk, refused: Refused, tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    out.mkdir()
    (out / "old.txt").write_text("old\n", encoding="utf-8")
    (out / "habitats.json").write_text("{}\n", encoding="utf-8")  # earlier results
    good = desk.arguments(command)
    refused(*good, out=out, says=(f"{out}: ", "not empty", "--overwrite"))
    bad = desk.arguments(command, image=desk.folder / "none.nrrd")
    refused(*bad, "--overwrite", out=out, says=("There is no such file",))
    assert main([*good, "--overwrite", "--out", str(out)]) == 0
    assert not (out / "old.txt").exists()
    assert (out / "habitats.json").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["case", "results"]


@COMMANDS
def test_the_inputs_are_never_replaced_by_the_results(
    desk: Desk, refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    says = ("t1.nrrd lies in the output folder", "Choose another --out")
    for folder in (desk.folder, tmp_path):
        (folder / "habitats.json").write_text("{}\n", encoding="utf-8")  # as if results had been put there
    refused(*desk.arguments(command), "--overwrite", out=desk.folder, says=says)
    refused(*desk.arguments(command), "--overwrite", out=tmp_path, says=says)
    monkeypatch.chdir(desk.folder)
    refused(*desk.arguments(command), "--overwrite", out=Path("."), says=says)


@COMMANDS
def test_the_model_is_never_replaced_by_the_results(
    desk: Desk, refused: Refused, good_model: str, tmp_path: Path, command: str
) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "model.json").write_text(good_model, encoding="utf-8")
    (study / "habitats.json").write_text("{}\n", encoding="utf-8")
    arguments = [command, "--model", str(study / "model.json"), *desk.arguments("maps")[1:]]
    refused(*arguments, "--overwrite", out=study, says=("model.json lies in the output folder",))


@pytest.mark.parametrize("command", ["extract", "train"])
def test_a_bad_cohort_is_refused(desk: Desk, refused: Refused, command: str) -> None:
    rows = ["case_id,sequence,image,mask", "P/1,T1W,t1.nrrd,t1-mask.nrrd", "P2,T1_W,none.nrrd,t1-mask.nrrd"]
    images, clinical = desk.text("\n".join(rows) + "\n", "images.csv"), desk.text("case_id,outcome\n", "clinical.csv")
    arguments = [command, "--cohort", str(images), "--clinical", str(clinical), "--protocol", "general-mri"]
    says = (f"{images}: The table has 3 problems", "row 2: case_id 'P/1'", "row 3: 'T1_W'", "none.nrrd does not exist")
    refused(*arguments, says=says)


def test_a_cohort_of_which_nothing_can_be_measured_is_refused(desk: Desk, refused: Refused) -> None:
    desk.save(desk.moved_mask(0.5, 0, 0), "shifted.nrrd")
    rows = ["case_id,sequence,image,mask", "P1,T1W,t1.nrrd,shifted.nrrd", "P2,T1W,t1.nrrd,shifted.nrrd"]
    images = desk.text("\n".join(rows) + "\n", "images.csv")
    says = ("2 problems", "P1: images.csv row 2, T1W mask", "P2: images.csv row 3", GRID)
    refused("extract", "--cohort", str(images), "--protocol", "general-mri", says=says)


@pytest.fixture(scope="module")
def resampled_score(patient: SyntheticPatient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic patient whose masks lie half a voxel beside the images, scored with --resample-mask."""
    folder = tmp_path_factory.mktemp("resampled")
    arguments = ["score", "--model", MODEL, "--resample-mask", "--out", str(folder / "out")]
    for name, (image, mask) in write_case(folder, patient.case).items():
        shifted = sitk.ReadImage(str(mask))
        shifted.SetOrigin(shifted.TransformContinuousIndexToPhysicalPoint((0.5, 0.5, 0.0)))
        sitk.WriteImage(shifted, str(mask))
        arguments += ["--image", f"{name}={image}", "--mask", f"{name}={mask}"]
    assert main(arguments) == 0
    return folder / "out"


@pytest.mark.parametrize("name", ["score.json", "habitats.json"])
@pytest.mark.parametrize("sequence", ["T1W", "T2FS"])
def test_a_resampled_mask_is_told_in_the_results_of_a_score(resampled_score: Path, name: str, sequence: str) -> None:
    warnings = json.loads((resampled_score / name).read_text(encoding="utf-8"))["warnings"]
    told = [text for text in warnings if text.startswith(f"{sequence}: ") and RESAMPLED in text]
    assert len(told) == 1
    assert re.search(r"\d+\.\d\d ml before, \d+\.\d\d ml after", told[0])


def test_a_resampled_mask_is_told_in_the_report_of_a_score(resampled_score: Path) -> None:
    report = (resampled_score / "report.html").read_text(encoding="utf-8")
    # Jinja writes the apostrophe as a character reference.
    assert report.count(RESAMPLED.replace("'", "&#39;")) == 2
