"""Clinical values of one patient at the command line, and of a cohort from its table."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient, write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.panel.model_card import read_card
from HabitatRadiomicsLib.scoring.patient import score_case

sys.path.append(str(Path(__file__).resolve().parents[2]))

from made_up_models import CLINICAL, CLINICAL_EFFECT, DEMONSTRATION, nomogram_model


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "nomogram.json"
    file.write_text(model_text(nomogram_model()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def command(model_file: Path, patient: SyntheticPatient, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    files = write_case(tmp_path_factory.mktemp("patient"), patient.case)
    images = [
        text for name, (image, mask) in files.items() for text in (f"--image={name}={image}", f"--mask={name}={mask}")
    ]
    return ["score", "--model", str(model_file), *images]


def test_the_score_is_the_nomogram_of_the_rad_score(
    command: list[str], patient: SyntheticPatient, tmp_path: Path
) -> None:
    values = [f"--clinical={name}={text}" for name, text in CLINICAL.items()]
    assert main([*command, *values, "--out", str(tmp_path / "out")]) == 0
    score = json.loads((tmp_path / "out" / "score.json").read_text(encoding="utf-8"))
    rad_score = score_case(patient.case, load_model(DEMONSTRATION)).score
    assert score["score"] == pytest.approx(2.5 + 0.8 * rad_score + CLINICAL_EFFECT, abs=1e-10)
    assert score["values"]["clinical:age"] == 61
    assert score["values"]["clinical:visceral=yes"] == 1


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([], "'age' is missing; a number is needed, 38 to 81 years in training. 'visceral' is missing;"),
        (["age=61"], "'visceral' is missing; allowed are no, yes."),
        (["age=old", "visceral=yes"], "'old' is not a valid value of 'age'"),
        (["age=61", "visceral=maybe"], "'maybe' is not a valid value of 'visceral'"),
        (["age"], "'age' is not NAME=VALUE."),
        (["age=", "visceral=no"], "'age=' is not NAME=VALUE."),
        (["=61"], "'=61' is not NAME=VALUE."),
        (["age=61", "age=62"], "'age' is given twice."),
        (["aeg=61"], "The model does not ask for 'aeg'. It asks for: age, visceral."),
    ],
)
def test_values_that_cannot_be_used_are_told(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], values: list[str], told: str
) -> None:
    out = tmp_path / "out"
    assert main([*command, *[f"--clinical={text}" for text in values], "--out", str(out)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_a_model_without_a_nomogram_takes_no_clinical_values(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [DEMONSTRATION if text.endswith("nomogram.json") else text for text in command]
    assert main([*other, "--clinical=age=61", "--out", str(tmp_path / "out")]) == 2
    assert "It asks for: nothing." in capsys.readouterr().err


def test_a_cohorts_values_come_from_its_table_and_a_changed_one_is_scored_again(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, clinical = write_synthetic_cohort(tmp_path / "cohort", 2, seed=21)

    def run(*cells: str) -> list[dict[str, str]]:
        people = list(csv.reader(clinical.open(encoding="utf-8")))
        header = people[0] if "age" in people[0] else [*people[0], "age", "visceral"]
        rows = [[*row[: len(header) - 2], age, "no"] for row, age in zip(people[1:], cells)]
        with clinical.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        out = tmp_path / "out"
        arguments = ["--model", str(model_file), "--cohort", str(images), "--clinical", str(clinical)]
        assert main(["score-cohort", *arguments, "--out", str(out)]) == (3 if "" in cells else 0)
        return [*csv.DictReader((out / "scores.csv").open(encoding="utf-8"))]

    first = run("50", "61")
    again = run("50", "61")
    assert again == first
    assert "2 cases were done before" in capsys.readouterr().out
    older = run("60", "61")
    assert float(older[0]["score"]) == pytest.approx(float(first[0]["score"]) - 0.4, abs=1e-10)
    assert older[1] == first[1]
    (only,) = run("60", "")
    assert only == older[0]
    (problem,) = csv.DictReader((tmp_path / "out" / "errors.csv").open(encoding="utf-8"))
    assert "'age' is missing" in problem["problem"]


def test_the_card_tells_what_is_asked_for(model_file: Path) -> None:
    card = read_card(model_file)
    assert card.sequences == load_model(str(model_file)).sequences == ("T1W", "T2FS")
    age, visceral = card.clinical
    assert (age.name, age.unit, age.minimum, age.maximum, age.choices) == ("age", "years", 38, 81, {})
    assert visceral.choices == {"no": "none", "yes": "liver or lung"}
    assert all(
        one.document in json.loads(model_file.read_text(encoding="utf-8"))["nomogram"]["inputs"]
        for one in card.clinical
    )
