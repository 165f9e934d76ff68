"""A mask that was not drawn on the image's grid: refused, or resampled when asked, and then told everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.commands.program import main

from .spoiled_input import COMMANDS, GRID, MODEL, RESAMPLED, Desk, Refused

OFFER = "resample it with --resample-mask"


ELSEWHERE: dict[str, tuple[Callable[[Desk], sitk.Image], str]] = {
    "another size": (lambda desk: desk.mask[:, :, :5], "24 x 24 x 6 voxels, the mask 24 x 24 x 5"),
    "half a voxel": (lambda desk: desk.moved_mask(0.5, 0, 0), "the origin shifted by 0.5 x 0 x 0 mm"),
    "half a slice": (lambda desk: desk.moved_mask(0, 0, 0.5), "the origin shifted by 0 x 0 x 1.5 mm"),
    "one voxel": (lambda desk: desk.moved_mask(0, 1, 0), "the origin shifted by 0 x 1 x 0 mm"),
    "another spacing": (lambda desk: desk.stretched_mask(), "spacing 1 x 1 x 3 mm against 1 x 1 x 3.3 mm"),
    "flipped": (lambda desk: desk.flipped_mask(), "a different orientation of the axes"),
}


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
