"""The commands with a protocol of two time points: tables, training, and one patient's images by time point."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.protocol import protocol_text

from .. import two_time_points

#: Enough to tell the changes, and none of the tests of stability.
_LEARNING = {
    "folds": 3, "repeats": 1, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0, "learning_curve": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    two_time_points.write_cohort(folder / "cohort", 16)
    whole = two_time_points.protocol(learning=_LEARNING)
    habitats = two_time_points.protocol(regions=["whole", "habitats"])
    for name, protocol in (("whole", whole), ("habitats", habitats)):
        (folder / f"{name}.yaml").write_text(protocol_text(protocol), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path, sketches_in_module: None) -> Path:
    out = folder / "trained"
    protocol = ["--protocol", str(folder / "whole.yaml")]
    assert main(["train", *_tables(folder), *protocol, "--out", str(out), "--name", "changes"]) == 0
    return out


def _tables(folder: Path) -> list[str]:
    return ["--cohort", str(folder / "cohort" / "images.csv"), "--clinical", str(folder / "cohort" / "clinical.csv")]


def _patient(folder: Path, number: int, *moments: str) -> list[str]:
    place = folder / "cohort"
    return [
        text
        for moment in moments
        for option, kind in (("--image", ""), ("--mask", "-mask"))
        for text in (option, f"{moment}_CT={place / f'P{number:02}-{moment}{kind}.nrrd'}")
    ]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_extract_writes_features_changes_and_volumes(folder: Path, tmp_path: Path) -> None:
    few = tmp_path / "cohort"
    two_time_points.write_cohort(few, 3)
    tables = ["--cohort", str(few / "images.csv"), "--clinical", str(few / "clinical.csv")]
    assert main(["extract", *tables, "--protocol", str(folder / "habitats.yaml"), "--out", str(tmp_path / "out")]) == 0
    [first, *_] = _rows(tmp_path / "out" / "features.csv")
    name = "CT_S1_original_firstorder_Mean"
    before, after, change = (float(first[f"{moment}_{name}"]) for moment in ("baseline", "follow-up", "delta"))
    assert change == after - before
    columns = json.loads((tmp_path / "out" / "features.json").read_text(encoding="utf-8"))["columns"]
    assert columns[f"delta_{name}"]["timepoint"] == "delta"
    assert columns[f"delta_{name}"]["sequence"] == "CT"
    changes = _rows(tmp_path / "out" / "habitat_changes.csv")
    assert {row["case_id"] for row in changes} == {"P00", "P01", "P02"}
    assert list(changes[0]) == [
        "case_id", "sequence", "habitat", "baseline_ml", "followup_ml", "change_ml", "change_percent", "scale",
    ]  # fmt: skip
    assert "population:\n  CT:" in (tmp_path / "out" / "protocol.yaml").read_text(encoding="utf-8")


def test_changes_win_where_they_tell_the_outcome(trained: Path) -> None:
    model = load_model(trained / "model.json")
    assert {name.timepoint for name in (feature.parsed for feature in model.features)} == {"delta"}
    assert model.sequences == ("baseline_CT", "follow-up_CT")
    study = json.loads((trained / "study.json").read_text(encoding="utf-8"))
    assert {row["name"] for row in study["validation"]["candidates"]} >= {"baseline CT whole", "delta CT whole"}
    assert study["validation"]["chosen"]["name"] == "delta CT whole"


def test_one_patient_and_a_cohort_have_the_same_score(folder: Path, trained: Path, tmp_path: Path) -> None:
    model = ["--model", str(trained / "model.json")]
    patient = _patient(folder, 5, "follow-up", "baseline")
    assert main(["score", *model, *patient, "--out", str(tmp_path / "one")]) == 0
    score = json.loads((tmp_path / "one" / "score.json").read_text(encoding="utf-8"))
    assert set(score["habitats"]) == {"baseline_CT", "follow-up_CT"}
    assert (tmp_path / "one" / "CT_timeline.png").exists()
    assert main(["score-cohort", *model, *_tables(folder), "--out", str(tmp_path / "all")]) == 0
    rows = {row["case_id"]: row for row in _rows(tmp_path / "all" / "scores.csv")}
    assert len(rows) == 16
    assert float(rows["P05"]["score"]) == score["score"]


def test_a_model_of_changes_is_evaluated(folder: Path, trained: Path, tmp_path: Path) -> None:
    model = ["--model", str(trained / "model.json")]
    assert main(["evaluate", *model, *_tables(folder), "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))


def test_maps_of_both_time_points_have_their_volumes_compared(folder: Path, tmp_path: Path) -> None:
    patient = _patient(folder, 1, "baseline", "follow-up")
    protocol = ["--protocol", str(folder / "habitats.yaml")]
    assert main(["maps", *patient, *protocol, "--out", str(tmp_path / "out")]) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"baseline_CT_maps.png", "follow-up_CT_maps.png", "CT_timeline.png", "habitat_changes.csv"} <= names
    whole = _rows(tmp_path / "out" / "habitat_changes.csv")[-1]
    assert (whole["habitat"], float(whole["change_ml"]) < 0) == ("whole", True)
    assert whole["scale"] == "baseline"
    document = json.loads((tmp_path / "out" / "habitats.json").read_text(encoding="utf-8"))
    scales = [document["sequences"][f"{moment}_CT"]["scale"] for moment in ("baseline", "follow-up")]
    assert scales[0] == scales[1]
    assert scales[0]["lesion"] == "baseline_CT"


def test_maps_of_a_follow_up_alone_want_the_baseline(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*_patient(folder, 1, "follow-up"), "--protocol", str(folder / "habitats.yaml")]
    assert main(["maps", *options, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "Habitats of follow-up CT are found on the scale of baseline CT, which is missing." in told
    assert "Give baseline_CT, or let the protocol say timepoints: {habitat_scale: own}." in told
    assert not (tmp_path / "out").exists()
    own = two_time_points.protocol(regions=["whole", "habitats"], timepoints={"habitat_scale": "own"})
    (tmp_path / "own.yaml").write_text(protocol_text(own), encoding="utf-8")
    options[-1] = str(tmp_path / "own.yaml")
    assert main(["maps", *options, "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("command", ["extract", "train", "score-cohort", "evaluate"])
def test_choosing_one_of_the_time_points_that_are_compared_is_refused(
    folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    protocol, model = ["--protocol", str(folder / "whole.yaml")], ["--model", str(trained / "model.json")]
    settings = protocol if command in ("extract", "train") else model
    options = [*_tables(folder), *settings, "--timepoint", "baseline", "--out", str(tmp_path / "out")]
    assert main([command, *options]) == 2
    assert "The protocol compares baseline and follow-up, but one time point is chosen" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("week9_CT", "'week9_CT' is not a sequence name"),
        ("baseline_C T", "'C T' is not a sequence name"),
        ("baseline_", "'' is not a sequence name"),
        ("_CT", "'_CT' is not a sequence name"),
        ("delta_CT", "'delta_CT' is not a sequence name"),
    ],
)
def test_a_name_that_is_no_image_of_the_protocol_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    options = ["--protocol", str(folder / "whole.yaml"), "--image", f"{name}=a.nrrd", "--mask", f"{name}=m.nrrd"]
    assert main(["maps", *options, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert sentence in told
    assert "write baseline_SEQ=FILE or follow-up_SEQ=FILE" in told


def test_a_patient_without_follow_up_is_told_what_is_missing(
    folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(trained / "model.json"), *_patient(folder, 5, "baseline"), "--out", str(tmp_path / "out")]
    assert main(["score", *options]) == 2
    assert "follow-up CT is missing" in capsys.readouterr().err


def _words(report: Path) -> str:
    """The text of a report, pictures and marks aside."""
    return re.sub(r"<[^>]*>", " ", report.read_text(encoding="utf-8"))


def test_what_people_read_names_time_points_in_words(
    folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    patient = _patient(folder, 1, "baseline", "follow-up")
    options = ["--protocol", str(folder / "habitats.yaml"), "--note", "follow-up_CT=It was turned round."]
    assert main(["maps", *patient, *options, "--out", str(tmp_path / "maps")]) == 0
    said = capsys.readouterr().out
    assert "baseline CT: S1" in said
    assert "follow-up CT: S1" in said
    document = json.loads((tmp_path / "maps" / "habitats.json").read_text(encoding="utf-8"))
    assert "follow-up CT: It was turned round." in document["warnings"]
    assert any(text.startswith("baseline CT: no population habitats") for text in document["warnings"])
    options = ["--model", str(trained / "model.json"), "--note", "follow-up_CT=It was turned round."]
    assert main(["score", *patient, *options, "--out", str(tmp_path / "score")]) == 0
    said += capsys.readouterr().out
    warnings = json.loads((tmp_path / "score" / "score.json").read_text(encoding="utf-8"))["warnings"]
    assert "follow-up CT: It was turned round." in warnings
    texts = [said, *document["warnings"], *warnings, _words(tmp_path / "score" / "report.html")]
    # Names of columns and files are no words.
    assert not [text for text in texts if re.search(r"(baseline|follow-up)_CT(?![_\w.])", text)]


@pytest.mark.parametrize(("option", "kind"), [("--image", "image"), ("--mask", "mask")])
def test_a_file_that_cannot_be_read_is_told_with_its_time_point_in_words(
    folder: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, kind: str
) -> None:
    patient = _patient(folder, 1, "baseline", "follow-up")
    place = max(number for number, text in enumerate(patient) if text == option) + 1
    patient[place] = f"follow-up_CT={tmp_path / 'nothing.nrrd'}"
    assert main(["score", "--model", str(trained / "model.json"), *patient, "--out", str(tmp_path / "out")]) == 2
    assert f"follow-up CT {kind} " in capsys.readouterr().err


def test_an_excluded_feature_that_there_is_not_is_told_before_anything_is_measured(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "whole.yaml").read_text(encoding="utf-8").replace("glcm_MCC", "glcm_Haralick")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    for command in ("extract", "train"):
        options = [*_tables(folder), "--protocol", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "out")]
        assert main([command, *options]) == 2
        assert "There is no feature Haralick in the class glcm" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()
