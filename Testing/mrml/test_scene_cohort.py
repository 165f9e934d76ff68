"""A cohort scored or evaluated beside Slicer: the numbers of each patient alone, or of all of them, in a table node."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest
from mrml_nodes import column_values, contents
from sklearn.metrics import accuracy_score, roc_auc_score

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.errors import Cancelled, HabitatRadiomicsError
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.scene import cohort
from HabitatRadiomicsLib.scene.cohort import run_task
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.system.child_process import ChildProcess

pytest.importorskip("radiomics")

MODEL = "t790m-spine-demo"
_QUICK = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole"],
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "learning": {
        "folds": 2, "repeats": 1, "significance": 0.8, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
        "learning_curve": False, "regions": ["whole"],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """images.csv and clinical.csv of two synthetic patients."""
    return write_synthetic_cohort(tmp_path_factory.mktemp("cohort"), 2, seed=9)


def test_scores_are_those_of_each_patient_alone(scene: object, tables: tuple[Path, Path], tmp_path: Path) -> None:
    told: list[float] = []
    images, clinical = tables
    node = run_task(
        scene,
        "score-cohort",
        images,
        tmp_path / "out",
        MODEL,
        clinical=clinical,
        progress=lambda part, words: told.append(part),
    )
    assert node.IsA("vtkMRMLTableNode")
    assert scene.IsNodePresent(node)
    alone = [score_case(synthetic_patient(number, seed=9).case, load_model(MODEL)) for number in (0, 1)]
    assert column_values(node, "case_id") == ["synthetic-000", "synthetic-001"]
    assert column_values(node, "score") == [result.score for result in alone]
    assert column_values(node, "score_low") == [result.interval.low for result in alone]
    assert column_values(node, "probability") == [result.probability for result in alone]
    assert column_values(node, "call") == [result.call for result in alone]
    assert column_values(node, "model") == [MODEL, MODEL]
    assert all("Research use only" in notice for notice in column_values(node, "notice"))
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_case_that_cannot_be_scored_is_left_out(scene: object, tables: tuple[Path, Path], tmp_path: Path) -> None:
    text = tables[0].read_text(encoding="utf-8")
    images = tables[0].with_name("one-bad.csv")
    images.write_text(text.replace("synthetic-001/T1W-mask.nrrd,1", "synthetic-001/T1W-mask.nrrd,5"), encoding="utf-8")
    assert images.read_text(encoding="utf-8") != text
    node = run_task(scene, "score-cohort", images, tmp_path / "out", MODEL)
    assert column_values(node, "case_id") == ["synthetic-000"]
    assert "Label 5 is not in the mask" in (tmp_path / "out" / "errors.csv").read_text(encoding="utf-8")


def test_a_bad_table_is_refused_in_the_commands_words(scene: object, tmp_path: Path) -> None:
    images = tmp_path / "images.csv"
    images.write_text("case_id,sequence,image\na,T1W,a.nrrd\n", encoding="utf-8")
    before = contents(scene)
    with pytest.raises(HabitatRadiomicsError) as error:
        run_task(scene, "score-cohort", images, tmp_path / "out", MODEL)
    assert "mask" in str(error.value)
    assert str(images) in str(error.value)
    assert not str(error.value).startswith("habitat-radiomics:")
    assert contents(scene) == before
    assert not (tmp_path / "out" / "scores.csv").exists()


def test_what_libraries_print_is_no_part_of_the_reason(
    scene: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("a library: DeprecationWarning", "habitat-radiomics: The table has 2 problems:", "  - one", "  - two")
    program = f"print({chr(10).join(lines)!r}); raise SystemExit(2)"
    monkeypatch.setattr(cohort, "start_command", lambda arguments: ChildProcess([sys.executable, "-c", program]))
    with pytest.raises(HabitatRadiomicsError) as error:
        run_task(scene, "score-cohort", "images.csv", tmp_path / "out", MODEL)
    assert str(error.value) == "The table has 2 problems:\n  - one\n  - two"


@pytest.mark.parametrize(
    ("images", "model", "told"),
    [("no-such.csv", MODEL, "no-such.csv"), (None, "no-such-model", "no-such-model")],
)
def test_what_is_not_there_is_named(
    scene: object, tables: tuple[Path, Path], tmp_path: Path, images: str | None, model: str, told: str
) -> None:
    with pytest.raises(HabitatRadiomicsError, match=told):
        run_task(scene, "score-cohort", tmp_path / images if images else tables[0], tmp_path / "out", model)


def test_a_run_that_is_cancelled_is_stopped(
    scene: object, tables: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = cohort.start_command
    monkeypatch.setattr(cohort, "start_command", lambda arguments: started.append(start(arguments)) or started[-1])

    def stop(part: float, words: str) -> None:
        raise Cancelled

    before = contents(scene)
    with pytest.raises(Cancelled):
        run_task(scene, "score-cohort", tables[0], tmp_path / "out", MODEL, progress=stop)
    assert started[0].status not in (None, 0)
    assert contents(scene) == before
    assert not (tmp_path / "out" / "scores.csv").exists()


def test_evaluation_is_a_table_of_measures(scene: object, tmp_path: Path) -> None:
    told: list[float] = []
    images, clinical = write_synthetic_cohort(tmp_path, 5, seed=9)
    node = run_task(
        scene, "evaluate", images, tmp_path / "out", MODEL, clinical=clinical, jobs=2,
        progress=lambda part, words: told.append(part),
    )  # fmt: skip
    assert node.IsA("vtkMRMLTableNode")
    assert scene.IsNodePresent(node)
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    outcome = [synthetic_patient(number, seed=9).outcome for number in range(5)]
    found = dict(zip(column_values(node, "Measure"), column_values(node, "Value")))
    assert found["AUC"] == pytest.approx(roc_auc_score(outcome, [float(row["score"]) for row in rows]))
    called = [int(row["call"] == "T790M-positive") for row in rows]
    assert found["Accuracy"] == pytest.approx(accuracy_score(outcome, called))
    for low, value, high in zip(*(column_values(node, title) for title in ("Low", "Value", "High"))):
        assert low <= value <= high
    assert (tmp_path / "out" / "report.html").is_file()
    assert told == sorted(told)


def test_what_was_measured_is_taken_over_by_the_training(scene: object, tmp_path: Path) -> None:
    images, clinical = write_synthetic_cohort(tmp_path, 12, seed=5)
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(json.dumps(_QUICK), encoding="utf-8")
    out = tmp_path / "out"
    features = run_task(scene, "extract", images, out, str(protocol), clinical=clinical, jobs=2)
    with (out / "features.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert column_values(features, "case_id") == [f"synthetic-{number:03d}" for number in range(12)]
    assert column_values(features, "site")[:4] == ["Alpha", "Alpha", "Beta", "Beta"]
    for name in list(rows[0])[3:]:
        assert column_values(features, name) == [float(row[name]) for row in rows]
    measured = {path: path.stat().st_mtime_ns for path in (out / "work").rglob("*.json")}
    assert measured
    performance = run_task(
        scene, "train", images, out, str(protocol), clinical=clinical, jobs=2, options=["--name", "few"]
    )
    model = load_model(out / "model.json")
    assert model.name == "few"
    assert column_values(performance, "Measure")[0] == "AUC"
    assert column_values(performance, "Value")[0] == model.evidence.performance.auc
    assert {path: path.stat().st_mtime_ns for path in measured} == measured


def test_of_several_scores_the_models_own_is_shown(
    scene: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nomogram's report compares it with its rad-score, which has no cut-off."""
    measures = ("auc", "sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "auprc")
    own = {name + suffix: 0.8 for name in measures for suffix in ("", "_low", "_high")}
    other = {"name": "rad-score alone", "auc": 0.6, "auc_low": 0.5, "auc_high": 0.7}
    study = {"validation": {"candidates": [{"name": "nomogram", **own}, other]}}
    (tmp_path / "study.json").write_text(json.dumps(study), encoding="utf-8")
    monkeypatch.setattr(cohort, "start_command", lambda arguments: ChildProcess([sys.executable, "-c", ""]))
    node = run_task(scene, "evaluate", "images.csv", tmp_path, MODEL, clinical="clinical.csv")
    assert set(column_values(node, "Value")) == {0.8}


def test_cohort_of_one_outcome_cannot_be_evaluated(scene: object, tables: tuple[Path, Path], tmp_path: Path) -> None:
    before = contents(scene)
    with pytest.raises(HabitatRadiomicsError, match="at least 2 of each"):
        run_task(scene, "evaluate", tables[0], tmp_path / "out", MODEL, clinical=tables[1])
    assert contents(scene) == before
    assert not (tmp_path / "out" / "report.html").exists()
