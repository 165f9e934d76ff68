"""The preset ``delta-ct-egfr-tki`` the whole way, and the published scores of the same study."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.commands.program import build_parser, main
from HabitatRadiomicsLib.model import load_model

from .tiny_presets import Run, column, evaluated_auc, images_of, learned_nothing, rows, tables, train, write

NAME = "delta-ct-egfr-tki"
DELTA, CLASSIC = "egfr-tki-delta-ct", "egfr-tki-classic-ct"
CASES = 11
COMMAND = "take-reference"
#: The classic score is of one CT; a table with two says which.
MOMENT = {DELTA: [], CLASSIC: ["--timepoint", "baseline"]}


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(NAME, tmp_path_factory.mktemp("strong"), seed=1)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a reference cohort and the two published models with their means from it."""
    folder = tmp_path_factory.mktemp("reference")
    cohort = write(NAME, folder / "cohort", seed=5, effect=1.0, patients=CASES)
    for name in (DELTA, CLASSIC):
        options = ["--model", name, "--description", "eleven made-up nodules", "--out", str(folder / name)]
        options += MOMENT[name]
        assert main([COMMAND, *options, *cohort]) == 0
    return folder


def test_a_strong_change_is_learned(strong: Run) -> None:
    # Seeds 1 and 2 were tried: AUC 1.00 and 0.99.
    assert strong.status == 0
    assert strong.performance.auc > 0.9
    assert all(feature.name.startswith("delta_CT_") for feature in strong.model.features)


def test_classic_and_delta_candidates_compete_with_378_features_each(strong: Run) -> None:
    named = list(rows(strong.out / "features.csv")[0])
    for kind in ("baseline_CT_", "follow-up_CT_", "delta_CT_"):
        assert sum(name.startswith(kind) for name in named) == 378
    candidates = {row["candidate"] for row in rows(strong.out / "tables" / "folds.csv")}
    assert candidates == {"baseline CT whole", "delta CT whole"}


def test_a_new_patient_is_scored_from_both_time_points(strong: Run, tmp_path: Path) -> None:
    write(NAME, tmp_path / "new", seed=98, patients=2)
    options = ["score", "--model", str(strong.out / "model.json")]
    scores = []
    for case_id in ("lung-000", "lung-001"):  # without the outcome, and with it
        assert main([*options, *images_of(tmp_path / "new", case_id), "--out", str(tmp_path / case_id)]) == 0
        document = json.loads((tmp_path / case_id / "score.json").read_text(encoding="utf-8"))
        assert set(document["provenance"]["inputs"]) == {"baseline_CT", "follow-up_CT"}
        scores.append(document["score"])
    assert scores[0] < scores[1]


def test_a_new_patient_without_a_follow_up_is_refused(
    strong: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(NAME, tmp_path / "new", seed=98, patients=1)
    first = images_of(tmp_path / "new", "lung-000")[:6]
    assert main(["score", "--model", str(strong.out / "model.json"), *first, "--out", str(tmp_path / "out")]) == 2
    assert "follow-up" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("sketches")
def test_it_holds_on_fresh_patients(strong: Run, tmp_path: Path) -> None:
    assert evaluated_auc(NAME, strong.out / "model.json", tmp_path) > 0.8


@pytest.mark.usefixtures("sketches")
def test_without_an_effect_nothing_is_claimed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Of seeds 1 to 6 the AUCs were 0.79, 0.60, 0.30, 0.59, 0.23 and 0.60, on average 0.52, and all intervals include
    # 0.5. Held-out scores of 24 patients once divided scatter more than DeLong's own interval allows: of seed 1 it
    # leaves 0.5 out.
    run = train(NAME, tmp_path, seed=1, effect=0.0)
    assert learned_nothing(run, capsys.readouterr().err)
    if run.status == 0:
        assert run.performance.auc_low <= 0.5 <= run.performance.auc_high


@pytest.mark.parametrize("name", [DELTA, CLASSIC])
def test_published_coefficients_do_not_score_before_they_have_a_reference(
    name: str, reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = images_of(reference / "cohort", "lung-000")
    if name == CLASSIC:
        case = [text.replace("baseline_CT=", "CT=") for text in case[:6]]
    assert main(["score", "--model", name, *case, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert "habitat-radiomics take-reference" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [DELTA, CLASSIC])
def test_a_score_with_a_reference_is_the_published_formula(name: str, reference: Path, tmp_path: Path) -> None:
    published = json.loads(_published(name))
    table = reference / name / "features.csv"
    expected = np.full(CASES, published["intercept"])
    for feature in published["features"]:
        values = column(table, feature["name"])
        assert len(values) == CASES
        expected += feature["coefficient"] * (values - values.mean()) / values.std(ddof=1)
    options = ["--model", str(reference / name / "model.json"), "--out", str(tmp_path / "scores")]
    assert main(["score-cohort", *options, *MOMENT[name], *tables(reference / "cohort")]) == 0
    assert column(tmp_path / "scores" / "scores.csv", "score") == pytest.approx(expected, rel=1e-6)


def test_every_output_names_the_reference_cohort(reference: Path, tmp_path: Path) -> None:
    model = str(reference / DELTA / "model.json")
    case = images_of(reference / "cohort", "lung-003")
    assert main(["score", "--model", model, *case, "--out", str(tmp_path / "one")]) == 0
    assert main(["score-cohort", "--model", model, *tables(reference / "cohort"), "--out", str(tmp_path / "all")]) == 0
    written = ["one/score.json", "one/report.html", "all/scores.csv"]
    for path in [reference / DELTA / "model.json", *(tmp_path / name for name in written)]:
        assert "eleven made-up nodules" in path.read_text(encoding="utf-8"), path
    stands = load_model(model).reference
    assert stands is not None
    assert (stands.cases, stands.excluded) == (CASES, 0)


def test_an_evaluation_names_the_reference_cohort_and_tells_when_it_is_the_evaluated_one(
    reference: Path, tmp_path: Path
) -> None:
    options = ["evaluate", "--model", str(reference / DELTA / "model.json"), "--out", str(tmp_path / "out")]
    assert main([*options, *tables(reference / "cohort")]) == 0
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "those of a reference cohort: eleven made-up nodules, 11 cases." in report
    assert "were taken from these very cases" in report


def test_the_former_name_of_the_command_does_the_same_and_names_the_new_one(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(reference / CLASSIC, tmp_path / "out")
    options = ["--model", CLASSIC, "--description", "eleven made-up nodules", *MOMENT[CLASSIC]]
    assert main(["calibrate", *options, *tables(reference / "cohort"), "--out", str(out)]) == 0
    assert "'calibrate' is now called 'take-reference'" in capsys.readouterr().err
    before, after = load_model(str(reference / CLASSIC / "model.json")), load_model(str(out / "model.json"))
    assert (before.name, after.name) == (f"{CLASSIC}-referenced", f"{CLASSIC}-calibrated")
    assert after == before.model_copy(update={"name": after.name})
    assert "calibrate" not in build_parser().format_help()


def test_a_model_with_means_of_its_own_takes_no_others(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    referenced = str(reference / DELTA / "model.json")
    assert main([COMMAND, "--model", referenced, *tables(reference / "cohort"), "--out", str(tmp_path / "o")]) == 2
    assert "means and standard deviations of its own" in capsys.readouterr().err


def test_nine_cases_are_too_few_for_a_reference(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = _some_rows(reference / "cohort", tmp_path, lambda row: row["case_id"] < "lung-009")
    assert (
        main([COMMAND, "--model", CLASSIC, *MOMENT[CLASSIC], "--cohort", cohort, "--out", str(tmp_path / "out")]) == 2
    )
    assert "9 cases could be measured" in capsys.readouterr().err
    assert not (tmp_path / "out" / "model.json").exists()


def test_the_same_lesion_again_and_again_has_no_standard_deviation(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = [row for row in rows(reference / "cohort" / "images.csv") if row["case_id"] == "lung-000"]
    copies = [{**row, "case_id": f"copy-{number}"} for number in range(10) for row in first]
    cohort = _table(copies, reference / "cohort", tmp_path)
    assert (
        main([COMMAND, "--model", CLASSIC, *MOMENT[CLASSIC], "--cohort", cohort, "--out", str(tmp_path / "out")]) == 2
    )
    assert "has the same value in all cases" in capsys.readouterr().err


def test_a_case_without_a_follow_up_is_left_out_and_named(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = _some_rows(
        reference / "cohort", tmp_path, lambda row: (row["case_id"], row["timepoint"]) != ("lung-004", "follow-up")
    )
    assert main([COMMAND, "--model", DELTA, "--cohort", cohort, "--out", str(tmp_path / "out")]) == 3
    (problem,) = rows(tmp_path / "out" / "errors.csv")
    assert problem["case_id"] == "lung-004"
    assert "follow-up" in " ".join(problem.values())
    stands = load_model(str(tmp_path / "out" / "model.json")).reference
    assert stands is not None
    assert (stands.cases, stands.excluded) == (CASES - 1, 1)


def test_a_table_without_follow_ups_is_refused(
    reference: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = _some_rows(reference / "cohort", tmp_path, lambda row: row["timepoint"] == "baseline")
    assert main([COMMAND, "--model", DELTA, "--cohort", cohort, "--out", str(tmp_path / "out")]) == 2
    assert "follow-up" in capsys.readouterr().err


def _published(name: str) -> str:
    from HabitatRadiomicsLib.system.resources import resources_folder

    return (resources_folder() / "Models" / f"{name}.json").read_text(encoding="utf-8")


def _some_rows(cohort: Path, folder: Path, wanted) -> str:  # type: ignore[no-untyped-def]
    return _table([row for row in rows(cohort / "images.csv") if wanted(row)], cohort, folder)


def _table(found: list[dict[str, str]], cohort: Path, folder: Path) -> str:
    """An image table whose files lie in another folder."""
    lines = [",".join(found[0])]
    for row in found:
        absolute = {**row, "image": str(cohort / row["image"]), "mask": str(cohort / row["mask"])}
        lines.append(",".join(absolute.values()))
    path = folder / "images.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)
