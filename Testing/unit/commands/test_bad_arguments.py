"""Arguments, tables or a place for results that will not do: status 2, a sentence with the remedy, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from HabitatRadiomicsLib.commands.program import main

from .spoiled_input import COMMANDS, GRID, MODEL, Desk, Refused, tree


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
