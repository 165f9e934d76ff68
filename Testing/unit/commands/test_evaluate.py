"""``evaluate`` as its user meets it: a frozen model on new patients, and a log of who has seen what."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.synthetic import synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.statistics import auc_with_interval


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_synthetic_cohort(tmp_path_factory.mktemp("cohort"), 4, seed=77)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "demo.json"
    path.write_text(model_text(load_model("t790m-spine-demo")), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def evaluated(tables: tuple[Path, Path], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation") / "out"
    assert main(_command(tables, model, out)) == 0
    return out


def _command(tables: tuple[Path, Path], model: Path | str, out: Path, *more: str) -> list[str]:
    options = ["--cohort", str(tables[0]), "--clinical", str(tables[1]), "--out", str(out)]
    return ["evaluate", "--model", str(model), *options, *more]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_everything_is_written(evaluated: Path) -> None:
    assert {path.name for path in evaluated.iterdir()} >= {
        "scores.csv", "report.html", "study.json", "errors.csv", "tables", "figures", "work",
    }  # fmt: skip
    for path in (evaluated / "figures").iterdir():
        assert path.stat().st_size > 1000
    assert {path.suffix for path in (evaluated / "figures").iterdir()} == {".png", ".svg"}
    assert "External validation" in (evaluated / "report.html").read_text(encoding="utf-8")
    table_1 = _rows(evaluated / "tables" / "characteristics.csv")
    sites = {row["group"]: row for row in table_1 if (row["characteristic"], row["level"]) == ("site", "Alpha")}
    assert int(sites["all"]["count"]) == int(sites["negative"]["count"]) + int(sites["positive"]["count"]) > 0


def test_the_scores_are_those_of_the_model_and_the_performance_is_theirs(
    evaluated: Path, tables: tuple[Path, Path], model: Path
) -> None:
    scores = {row["case_id"]: float(row["score"]) for row in _rows(evaluated / "scores.csv")}
    alone = score_case(synthetic_patient(1, seed=77).case, load_model(model), site="Alpha")
    assert scores["synthetic-001"] == alone.score
    outcome = {row["case_id"]: int(row["outcome"]) for row in _rows(tables[1])}
    area = auc_with_interval(np.array([outcome[name] for name in scores]), np.array(list(scores.values())))
    study = json.loads((evaluated / "study.json").read_text(encoding="utf-8"))
    assert study["validation"]["candidates"][0]["auc"] == pytest.approx(area.auc)
    assert study["flow"]["analysed"] == 4


@pytest.mark.usefixtures("sketches")
def test_a_second_look_is_told_and_nothing_is_scored_again(
    evaluated: Path, tables: tuple[Path, Path], model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = model.with_suffix(".openings.jsonl")
    before = log.read_text(encoding="utf-8").splitlines()
    scores = (evaluated / "scores.csv").read_bytes()
    assert main(_command(tables, model, evaluated)) == 0
    assert "had seen this cohort before" in capsys.readouterr().out
    assert log.read_text(encoding="utf-8").splitlines()[: len(before)] == before
    assert len(log.read_text(encoding="utf-8").splitlines()) == len(before) + 1
    assert (evaluated / "scores.csv").read_bytes() == scores
    assert "had seen this cohort before" in (evaluated / "study.json").read_text(encoding="utf-8")


def test_a_log_that_cannot_be_read_is_told_before_anything_is_scored(
    tables: tuple[Path, Path], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "model.json"
    own.write_bytes(model.read_bytes())
    (tmp_path / "model.openings.jsonl").write_text("torn\n", encoding="utf-8")
    assert main(_command(tables, own, tmp_path / "out")) == 2
    assert "log of this model's test sets cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("clinical", "told"),
    [
        ("case_id,outcome\n" + "".join(f"synthetic-{n:03d},1\n" for n in range(4)), "4 cases with outcome 1 and 0"),
        ("case_id,outcome\nsynthetic-000,1\n", "synthetic-001 of the image table has no row here"),
        ("case_id,outcome\n" + "".join(f"synthetic-{n:03d},{n}\n" for n in range(4)), "it must be 0 or 1"),
        ("case_id,site\n" + "".join(f"synthetic-{n:03d},A\n" for n in range(4)), "column 'outcome' is missing"),
    ],
    ids=["one outcome", "a case without", "no 0 or 1", "no outcomes"],
)
def test_a_cohort_that_cannot_be_evaluated_is_refused_and_nothing_is_written(
    clinical: str,
    told: str,
    tables: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "clinical.csv").write_text(clinical, encoding="utf-8")
    status = main(_command((tables[0], tmp_path / "clinical.csv"), "t790m-spine-demo", tmp_path / "out"))
    assert status == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("sketches")
def test_a_case_that_cannot_be_scored_gives_status_3_and_a_bundled_models_log_lies_in_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, clinical = write_synthetic_cohort(tmp_path / "cohort", 5, seed=78)
    lines = [
        line for line in images.read_text(encoding="utf-8").splitlines() if "synthetic-004,baseline,T2FS" not in line
    ]
    images.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    assert main(_command((images, clinical), "t790m-spine-demo", out)) == 3
    assert "4 of 5 new cases, 2 with the outcome" in capsys.readouterr().out
    (row,) = _rows(out / "errors.csv")
    assert (row["case_id"], row["problem"]) == ("synthetic-004", "The case has no T2FS image.")
    assert (out / "t790m-spine-demo.openings.jsonl").is_file()
    assert json.loads((out / "study.json").read_text(encoding="utf-8"))["flow"]["excluded"] == [
        {"reason": "The case has no T2FS image.", "cases": 1}
    ]


def test_the_model_in_the_output_folder_is_refused(
    tables: tuple[Path, Path], model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.json").write_bytes(model.read_bytes())
    assert main(_command(tables, tmp_path / "model.json", tmp_path)) == 2
    assert "lies in the output folder" in capsys.readouterr().err


def test_a_patient_of_the_cohort_is_written_as_it_was(tables: tuple[Path, Path], tmp_path: Path) -> None:
    """The scores above are compared with a patient made again: its voxels must be those on disk."""
    paths = write_case(tmp_path, synthetic_patient(1, seed=77).case)
    stored = {row["sequence"]: row["image"] for row in _rows(tables[0]) if row["case_id"] == "synthetic-001"}
    for name, (image, _) in paths.items():
        assert (tables[0].parent / stored[name]).read_bytes() == image.read_bytes()


@pytest.mark.usefixtures("sketches")
def test_patients_of_several_cases_have_one_score_and_outcome(
    evaluated: Path, tables: tuple[Path, Path], model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_command(tables, model, evaluated, "--per-patient", "maximum")) == 0
    said = capsys.readouterr().out
    rows = _rows(evaluated / "patients.csv")
    # Each case is a patient here, so that nothing changes.
    assert [float(row["score"]) for row in rows] == [float(row["score"]) for row in _rows(evaluated / "scores.csv")]
    outcome, scores = np.array([int(row["outcome"]) for row in rows]), np.array([float(row["score"]) for row in rows])
    area = auc_with_interval(outcome, scores)
    assert f"4 patients, 2 with the outcome, each with the highest score of the lesions: AUC {area.auc:.2f}" in said
    clinical = tables[1].parent / "two-patients.csv"
    lines = tables[1].read_text(encoding="utf-8").splitlines()
    patients = ["patient", "A", "A", "B", "B"]
    clinical.write_text(
        "\n".join(f"{line},{patient}" for line, patient in zip(lines, patients)) + "\n", encoding="utf-8"
    )
    assert main(_command((tables[0], clinical), model, evaluated, "--per-patient", "mean")) == 0
    assert "2 patients, 2 with the outcome, each with the mean score of the lesions: too few" in capsys.readouterr().out
    rows = _rows(evaluated / "patients.csv")
    assert [(row["patient"], row["outcome"], row["cases_scored"]) for row in rows] == [("A", "1", "2"), ("B", "1", "2")]
    np.testing.assert_allclose([float(row["score"]) for row in rows], scores.reshape(2, 2).mean(axis=1), rtol=1e-12)
