"""``train`` as its user meets it: files, exit status, and what is refused before an image is read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.synthetic import synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.model.prediction import training_scores

_PROTOCOL: dict[str, Any] = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole"],
    "habitats": {"k_max": 3, "superpixels": 12},
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "learning": {
        "folds": 2, "repeats": 1, "significance": 0.8, "bootstraps": 50, "permutations": 2, "optimism_bootstraps": 2,
        "learning_curve": True, "regions": ["whole"],
    },
}  # fmt: skip

Train = Callable[..., tuple[int, Path]]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_synthetic_cohort(tmp_path_factory.mktemp("cohort"), 12, seed=5)


@pytest.fixture(scope="module")
def new_tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_synthetic_cohort(tmp_path_factory.mktemp("new"), 4, seed=77)


def _protocol(folder: Path, **more: Any) -> Path:
    path = folder / "protocol.yaml"
    path.write_text(yaml.safe_dump({**_PROTOCOL, **more}), encoding="utf-8")
    return path


def _command(tables: tuple[Path, Path], protocol: Path, out: Path, *more: str) -> list[str]:
    options = ["--cohort", str(tables[0]), "--clinical", str(tables[1]), "--protocol", str(protocol)]
    return ["train", *options, "--out", str(out), *more]


@pytest.fixture(scope="module")
def trained(tables: tuple[Path, Path], new_tables: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run: harmonised sites, a test cohort of other patients (whose names would be the same), answers."""
    folder = tmp_path_factory.mktemp("train")
    tests = [_renamed(path, folder) for path in new_tables]
    answers = folder / "mine.yaml"
    answers.write_text("{}\n", encoding="utf-8")
    out = folder / "out"
    options = ["--name", "mine", "--title", "My <score>", "--endpoint", "response", "--answers", str(answers)]
    options += ["--test-cohort", str(tests[0]), "--test-clinical", str(tests[1])]
    assert main(_command(tables, _protocol(folder, harmonisation={}), out, *options)) == 0
    return out


def _renamed(table: Path, folder: Path) -> Path:
    """The table with identifiers of its own and whole paths, elsewhere."""
    with table.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    rows = [[f"new-{row[0]}", *(str(table.parent / cell) if "/" in cell else cell for cell in row[1:])] for row in rows]
    path = folder / f"new-{table.name}"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture
def train(tables: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Runs the command without its figures and report."""
    from HabitatRadiomicsLib.reporting.study import files as study_files

    monkeypatch.setattr(study_files, "write_training", lambda *args, **kwargs: None)

    def run(*more: str, given: tuple[Path, Path] = tables, **protocol: Any) -> tuple[int, Path]:
        out = tmp_path / "out"
        learning = {**_PROTOCOL["learning"], "permutations": 0, "optimism_bootstraps": 0, "learning_curve": False}
        path = _protocol(tmp_path, **{"learning": learning, **protocol})
        return main(_command(given, path, out, *more)), out

    return run


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_everything_is_written(trained: Path) -> None:
    assert {path.name for path in trained.iterdir()} >= {
        "model.json", "report.html", "study.json", "features.csv", "features.json", "protocol.yaml", "errors.csv",
        "warnings.csv", "tables", "figures", "test", "work", "model.openings.jsonl",
    }  # fmt: skip
    names = {path.stem for path in (trained / "figures").iterdir()}
    for name in names:
        for kind in ("png", "svg"):
            assert (trained / "figures" / f"{name}.{kind}").stat().st_size > 1000
    assert len(names) >= 5
    assert len(_rows(trained / "features.csv")) == 12
    assert list(_rows(trained / "features.csv")[0])[:3] == ["case_id", "outcome", "site"]
    assert not _rows(trained / "errors.csv")
    assert not list(trained.rglob(".*"))  # nothing half-made


def test_the_model_is_the_one_of_the_study(trained: Path) -> None:
    model, study = load_model(trained / "model.json"), json.loads((trained / "study.json").read_text(encoding="utf-8"))
    assert (model.name, model.endpoint.name) == ("mine", "response")
    assert [row["name"] for row in study["model"]["features"]] == [feature.name for feature in model.features]
    assert study["flow"] == {"cases": 12, "excluded": [], "analysed": 12, "events": 6}
    assert [row["name"] for row in study["validation"]["candidates"]][:2] == ["chosen score", "T1W whole"]
    assert model.combat is not None
    assert study["harmonisation"]["sites"] == ["Alpha", "Beta"]
    assert study["permutation"]["count"] == 2


def test_tables_hold_what_the_report_shows(trained: Path) -> None:
    tables = {path.stem: _rows(path) for path in (trained / "tables").iterdir()}
    assert {"performance", "comparisons", "held_out", "folds", "fold_features", "selection_frequency", "model"} <= set(
        tables
    )
    names = {row["name"] for row in tables["performance"]}
    assert {(row["case_id"], row["model"]) for row in tables["held_out"]} == {
        (f"synthetic-{number:03d}", name) for number in range(12) for name in names
    }
    chosen = [row for row in tables["held_out"] if row["model"] == "chosen score"]
    scores = np.array([float(row["score"]) for row in chosen])
    outcome = np.array([int(row["outcome"]) for row in chosen])
    pairs = scores[outcome == 1][:, None] - scores[outcome == 0]
    (strategy,) = (row for row in tables["performance"] if row["name"] == "chosen score")
    assert float(strategy["auc"]) == pytest.approx(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    study = json.loads((trained / "study.json").read_text(encoding="utf-8"))
    assert list(dict.fromkeys(row["characteristic"] for row in tables["characteristics"])) == [
        row["name"] for row in study["characteristics"]
    ]
    assert [sum(row["chosen"] == "yes" for row in tables["folds"] if row["fold"] == fold) for fold in "12"] == [1, 1]


def test_the_report_names_nobody_and_escapes_the_users_words(trained: Path) -> None:
    text = (trained / "report.html").read_text(encoding="utf-8")
    assert "My &lt;score&gt;" in text
    assert "My <score>" not in text
    assert "Research use only" in text
    assert "synthetic-0" not in text
    assert "synthetic-0" not in (trained / "study.json").read_text(encoding="utf-8")


def test_the_test_cohort_is_evaluated_and_its_opening_logged(trained: Path) -> None:
    (opening,) = (trained / "model.openings.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(opening)["cases"] == 4
    study = json.loads((trained / "test" / "study.json").read_text(encoding="utf-8"))
    assert study["validation"]["external"] is True
    assert "for the first time" in study["validation"]["method"]
    assert study["flow"]["analysed"] == 4
    assert [row["case_id"] for row in _rows(trained / "test" / "scores.csv")] == [
        f"new-synthetic-{number:03d}" for number in range(4)
    ]
    assert (trained / "test" / "report.html").stat().st_size > 1000


@pytest.mark.parametrize(("site", "told"), [(None, "none is given"), ("Rome", "Rome is none of them")])
def test_a_harmonising_model_scores_no_case_of_an_unknown_site(
    site: str | None, told: str, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_score(trained, tmp_path, *(["--site", site] if site else []))) == 2
    assert f"The model harmonises sites and knows Alpha, Beta; {told}." in capsys.readouterr().err
    assert not (tmp_path / "score").exists()


def test_a_harmonising_model_scores_a_patient_by_the_site(trained: Path, tmp_path: Path) -> None:
    scores = []
    for site in ("Alpha", "Beta"):
        (tmp_path / site).mkdir()
        assert main(_score(trained, tmp_path / site, "--site", site)) == 0
        scores.append(json.loads((tmp_path / site / "score" / "score.json").read_text(encoding="utf-8"))["score"])
    assert scores[0] != scores[1]
    # The first patient of the training, of Alpha: the score that it had there.
    assert scores[0] == pytest.approx(training_scores(load_model(trained / "model.json"))[0], abs=1e-12)


def _score(trained: Path, folder: Path, *more: str) -> list[str]:
    model = load_model(trained / "model.json")
    options = ["score", "--model", str(trained / "model.json"), "--out", str(folder / "score"), *more]
    for name, (image, mask) in write_case(folder / "patient", synthetic_patient(0, seed=5).case).items():
        if name in model.sequences:
            options += ["--image", f"{name}={image}", "--mask", f"{name}={mask}"]
    return options


def test_a_cohort_without_sites_cannot_be_scored_by_a_harmonising_model(
    trained: Path, tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["score-cohort", "--model", str(trained / "model.json"), "--cohort", str(tables[0])]
    assert main([*command, "--out", str(tmp_path / "out")]) == 2
    assert "The model harmonises sites and knows Alpha, Beta; none is given." in capsys.readouterr().err
    assert not (tmp_path / "out" / "scores.csv").exists()


def test_a_second_run_takes_over_what_is_done_and_writes_the_same_model(
    train: Train, capsys: pytest.CaptureFixture[str]
) -> None:
    first, out = train()
    before = (out / "model.json").read_bytes()
    second, _ = train()
    assert (first, second) == (0, 0)
    printed = capsys.readouterr().out
    assert "12 cases were done before and taken over." in printed
    # Each sequence by itself and both together, on all cases and in two inner folds; for the model and two outer folds.
    said = "27 fits: everything is learned 3 times (the model, 2 in the nested cross-validation), each time in up to 9"
    assert printed.index(said) < printed.index("12 cases were done before")
    assert (out / "model.json").read_bytes() == before


def _lacking(tables: tuple[Path, Path], folder: Path) -> tuple[Path, Path]:
    """The fourth case has no T2FS."""
    with tables[0].open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    rows = [[str(tables[0].parent / cell) if "/" in cell else cell for cell in row] for row in rows]
    with (folder / "images.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(row for row in rows if row[0] != "synthetic-003" or row[2] != "T2FS")
    return folder / "images.csv", tables[1]


def test_cases_without_a_sequence_are_refused_or_left_out(
    train: Train, tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = _lacking(tables, tmp_path)
    status, out = train(given=given)
    assert status == 2
    assert "synthetic-003 has no T2FS" in capsys.readouterr().err
    assert not out.exists()
    status, out = train("--complete-cases", given=given)
    assert status == 0
    printed = capsys.readouterr().out
    assert "11 of 12 cases" in printed
    assert "1 cases were left out: no T2FS image." in printed
    evidence = load_model(out / "model.json").evidence
    assert (evidence.cases, evidence.excluded) == (11, 1)


def test_a_case_that_cannot_be_measured_gives_status_3(
    train: Train, tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = _lacking(tables, tmp_path)
    broken = tmp_path / "broken.nrrd"
    broken.write_text("no image", encoding="utf-8")
    with given[0].open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(["synthetic-003", "baseline", "T2FS", broken, broken, 1])
    status, out = train(given=given)
    assert status == 3
    assert "1 cases could not be measured" in capsys.readouterr().out
    assert load_model(out / "model.json").evidence.excluded == 1


def test_frozen_habitats_are_told(train: Train, capsys: pytest.CaptureFixture[str]) -> None:
    learning = {**_PROTOCOL["learning"], "permutations": 0, "optimism_bootstraps": 0, "learning_curve": False}
    habitats = {"regions": ["habitats"], "sequences": ["T1W"], "learning": {**learning, "regions": ["habitats"]}}
    status, out = train("--frozen-habitats", **habitats)
    assert status == 0
    performance = load_model(out / "model.json").evidence.performance
    assert performance is not None
    assert "habitats fitted once on all cases, without their outcomes" in performance.method
    assert "habitats fitted once on all cases" in capsys.readouterr().out


def _with_outcomes(tables: tuple[Path, Path], folder: Path, outcomes: list[int]) -> tuple[Path, Path]:
    rows = [f"synthetic-{place:03d},{value}" for place, value in enumerate(outcomes)]
    (folder / "clinical.csv").write_text("\n".join(["case_id,outcome", *rows]) + "\n", encoding="utf-8")
    return tables[0], folder / "clinical.csv"


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [([1] * 12, "12 cases with outcome 1 and 0 with 0"), ([0] * 9 + [1] * 3, "needs at least 4 of each")],
)
def test_one_outcome_or_too_few_events_are_refused_and_nothing_is_written(
    outcomes: list[int],
    told: str,
    train: Train,
    tables: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out = train(given=_with_outcomes(tables, tmp_path, outcomes))
    assert status == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("no outcomes", "one of the two tables is missing"),
        ("no images", "one of the two tables is missing"),
        ("the same patients", "synthetic-003 is in both"),
        ("one outcome", "an evaluation needs at least 2 of each"),
        ("the same images", "new-synthetic-000 has the image of synthetic-000"),
        ("a new site", "1 test cases come from none of the training cohort's (Alpha, Beta): new-synthetic-003."),
    ],
)
def test_a_bad_test_cohort_is_refused_before_anything_is_measured(
    what: str,
    told: str,
    train: Train,
    tables: tuple[Path, Path],
    new_tables: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    images, clinical = (_renamed(path, tmp_path) for path in new_tables)
    if what == "the same patients":
        images, clinical = tables
    elif what == "the same images":
        images, clinical = (_renamed(path, tmp_path) for path in tables)
    elif what == "one outcome":
        clinical.write_text(clinical.read_text(encoding="utf-8").replace(",1,", ",0,"), encoding="utf-8")
    elif what == "a new site":
        clinical.write_text(
            clinical.read_text(encoding="utf-8").replace("synthetic-003,1,Beta", "synthetic-003,1,Gamma"),
            encoding="utf-8",
        )
    options = [] if what == "no images" else ["--test-cohort", str(images)]
    options += [] if what == "no outcomes" else ["--test-clinical", str(clinical)]
    status, out = train(*options, **({"harmonisation": {}} if what == "a new site" else {}))
    assert status == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("place", ["given", "of an earlier run"])
def test_answers_that_cannot_be_read_are_refused_before_anything_is_measured(
    place: str, train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    path = tmp_path / "mine.yaml" if place == "given" else out / "answers.yaml"
    (out / "work").mkdir(parents=True)
    path.write_text("no such question: yes\n", encoding="utf-8")
    status, _ = train(*(["--answers", str(path)] if place == "given" else []))
    assert status == 2
    assert "no such question" in capsys.readouterr().err
    assert not list((out / "work").iterdir())
