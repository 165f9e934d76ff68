"""Scores of a cohort: the patient's own, resumable, a failing case told and left out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.scoring.patient import score_case


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    images, clinical = write_synthetic_cohort(tmp_path_factory.mktemp("cohort"), 3, seed=21)
    # The third patient has no T2FS.
    lines = [
        line for line in images.read_text(encoding="utf-8").splitlines() if "synthetic-002,baseline,T2FS" not in line
    ]
    images.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return images, clinical


@pytest.fixture(scope="module")
def out(tables: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scores") / "out"
    assert main(_command(tables, out)) == 3
    return out


def test_scores_are_those_of_each_patient_alone(tables: tuple[Path, Path], out: Path) -> None:
    rows = {row["case_id"]: row for row in _rows(out / "scores.csv")}
    cohort, model = load_cohort(*tables), load_model("t790m-spine-demo")
    assert list(rows) == ["synthetic-000", "synthetic-001"]
    for case in cohort.cases[:2]:
        alone = score_case(case.read(model.sequences), model, site=cohort.sites[case.case_id])
        row = rows[case.case_id]
        assert float(row["score"]) == alone.score
        assert float(row["score_low"]) == alone.interval.low
        assert float(row["probability"]) == alone.probability
        assert row["call"] == alone.call
        assert row["warnings"] == " ".join(alone.warnings)
        assert "Demonstration model" in row["notice"]


def test_a_case_that_cannot_be_scored_is_named(out: Path) -> None:
    (row,) = _rows(out / "errors.csv")
    assert row["case_id"] == "synthetic-002"
    assert row["problem"] == "The case has no T2FS image."


def test_a_second_run_takes_over_what_is_done(
    tables: tuple[Path, Path], out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (out / "scores.csv").read_bytes()
    assert main(_command(tables, out)) == 3
    assert "2 cases were done before and taken over." in capsys.readouterr().out
    assert (out / "scores.csv").read_bytes() == before


def test_no_case_that_can_be_scored_is_an_error(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = tables[0].parent / "only-t1w.csv"
    lines = tables[0].read_text(encoding="utf-8").splitlines()
    images.write_text("\n".join([lines[0], *(line for line in lines if ",T1W," in line)]) + "\n", encoding="utf-8")
    assert main(_command((images, tables[1]), tmp_path / "out")) == 2
    assert "no case of which could be measured" in capsys.readouterr().err
    assert not (tmp_path / "out" / "scores.csv").exists()


def test_an_output_folder_that_holds_the_model_is_refused(tables: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    assert main([*_command(tables, tmp_path)[:2], str(tmp_path / "model.json"), *_command(tables, tmp_path)[3:]]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["model.json"]


def test_a_cohort_table_error_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("case_id,sequence\nA,T1W\n", encoding="utf-8")
    with pytest.raises(CohortError, match="column 'image' is missing"):
        load_cohort(tmp_path / "images.csv")


@pytest.mark.parametrize("how", ["maximum", "mean", "largest"])
def test_patients_have_one_score_each(tables: tuple[Path, Path], out: Path, how: str) -> None:
    """The two cases that can be scored, and the one that cannot, as three lesions of one patient."""
    images = tables[0].parent / "lesions.csv"
    header, *lines = tables[0].read_text(encoding="utf-8").splitlines()
    rows = [line.split(",", 1) for line in lines]
    images.write_text(
        "\n".join(
            ["case_id,lesion," + header.split(",", 1)[1], *(f"one,{case_id[-1]},{rest}" for case_id, rest in rows)]
        )
        + "\n",
        encoding="utf-8",
    )
    clinical = tables[0].parent / "patients-clinical.csv"
    clinical.write_text("case_id,outcome\none,1\n", encoding="utf-8")
    folder = out.parent / how
    assert main([*_command((images, clinical), folder), "--per-patient", how]) == 3
    scores = {row["case_id"]: float(row["score"]) for row in _rows(folder / "scores.csv")}
    assert list(scores) == ["one-0", "one-1"]
    volumes = {}
    for case in load_cohort(images).cases[:2]:
        mask = sitk.ReadImage(str(case.images[0].mask))
        volumes[case.case_id] = int(sitk.GetArrayFromImage(mask).sum()) * float(np.prod(mask.GetSpacing()))
    (row,) = _rows(folder / "patients.csv")
    expected = {
        "maximum": max(scores.values()),
        "mean": sum(scores.values()) / 2,
        "largest": scores[max(volumes, key=lambda name: volumes[name])],
    }[how]
    assert (row["patient"], float(row["score"]), row["how"]) == ("one", expected, how)
    assert (row["cases_scored"], row["cases_not_scored"]) == ("2", "1")
    assert row["case_id"] == ("" if how == "mean" else next(name for name in scores if scores[name] == expected))
    model = load_model("t790m-spine-demo")
    positive = expected >= model.cutoff.value
    assert row["call"] == (model.endpoint.positive if positive else model.endpoint.negative)
    assert "Demonstration model" in row["notice"]
    # What an earlier run said of patients does not stay beside new scores.
    assert main(_command((images, clinical), folder)) == 3
    assert not (folder / "patients.csv").exists()


def _command(tables: tuple[Path, Path], out: Path) -> list[str]:
    images, clinical = tables
    options = ["--cohort", str(images), "--clinical", str(clinical), "--out", str(out)]
    return ["score-cohort", "--model", "t790m-spine-demo", *options]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))
