"""``report`` as its user meets it: a report again from study.json alone, with new answers, or a refusal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.commands.train import Purpose
from HabitatRadiomicsLib.model import Endpoint, model_text
from HabitatRadiomicsLib.protocol import load_protocol
from HabitatRadiomicsLib.reporting.study.files import load_study, study_text, write_training
from HabitatRadiomicsLib.system.sealed import sealed_text
from HabitatRadiomicsLib.training.train import train_model

#: Small, and with every part that a figure or a table of its own is made of.
_SETTINGS: dict[str, Any] = {
    "name": "tiny", "title": "Tiny", "sequences": ["T1W"], "regions": ["whole", "habitats"],
    "habitats": {"k_max": 3, "superpixels": 12},
    "robustness": {"copies": 2, "icc": "2,1", "threshold": 0.1},
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "learning": {
        "folds": 2, "repeats": 1, "significance": 0.8, "bootstraps": 50, "permutations": 2, "optimism_bootstraps": 2,
        "learning_curve": True,
    },
}  # fmt: skip
_PURPOSE = Purpose(
    name="tiny", title="Tiny model", intended_use="Tests.", cohort="synthetic", evidence="synthetic-demonstration",
    endpoint=Endpoint(name="response", positive="responder", negative="other"), licence="MIT",
)  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What ``train`` and ``evaluate`` wrote."""
    folder = tmp_path_factory.mktemp("studies")
    (folder / "protocol.yaml").write_text(yaml.safe_dump(_SETTINGS), encoding="utf-8")
    cohort = load_cohort(*write_synthetic_cohort(folder / "cohort", 12, seed=4))
    training = train_model(cohort, load_protocol(folder / "protocol.yaml"), _PURPOSE, folder / "work")
    write_training(folder / "trained", training)
    (folder / "trained" / "model.json").write_text(model_text(training.model), encoding="utf-8")
    images, clinical = write_synthetic_cohort(folder / "new", 6, seed=5)
    options = ["--cohort", str(images), "--clinical", str(clinical), "--out", str(folder / "evaluated")]
    assert main(["evaluate", "--model", str(folder / "trained" / "model.json"), *options]) == 0
    return {name: folder / name for name in ("trained", "evaluated")}


def _views(folder: Path) -> dict[str, bytes]:
    """The report and what stands beside it, without the one table that names cases."""
    views = [folder / "report.html", *(folder / "figures").iterdir(), *(folder / "tables").iterdir()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in views if path.name != "held_out.csv"}


@pytest.fixture(scope="module")
def text(folders: dict[str, Path]) -> str:
    return (folders["trained"] / "study.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("kind", "given"), [("trained", "folder"), ("evaluated", "file")])
def test_the_study_alone_gives_the_same_report_figures_and_tables(
    kind: str, given: str, folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folders[kind] / "study.json", tmp_path)
    assert main(["report", str(tmp_path if given == "folder" else tmp_path / "study.json")]) == 0
    assert f"Report: {tmp_path / 'report.html'}" in capsys.readouterr().out
    again, first = _views(tmp_path), _views(folders[kind])
    assert sorted(again) == sorted(first)
    assert [name for name in first if again[name] != first[name]] == []
    assert (tmp_path / "answers.yaml").read_bytes() == (folders[kind] / "answers.yaml").read_bytes()


def test_the_training_has_the_figures_and_tables_that_need_more_than_performance(folders: dict[str, Path]) -> None:
    names = set(_views(folders["trained"]))
    figures = {f"figures/{name}.png" for name in ("roc", "waterfall", "beeswarm", "habitat-boxplots", "permutation")}
    assert names >= figures | {f"tables/{name}.csv" for name in ("reliability", "folds", "fold_features")}


def test_filled_in_answers_show_in_the_report_and_nothing_else_changes(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(folders["trained"], tmp_path / "study")
    answers = tmp_path / "study" / "answers.yaml"
    question = next(line for line in answers.read_text(encoding="utf-8").splitlines() if line.endswith(": null"))
    name = question.partition(":")[0]
    answers.write_text(f"{name}: {{answer: yes, where: 'Methods, page 4'}}\n", encoding="utf-8")
    assert main(["report", str(tmp_path / "study")]) == 0
    before, after = _views(folders["trained"]), _views(tmp_path / "study")
    assert [file for file in before if before[file] != after[file]] == ["report.html"]
    assert b"Methods, page 4" not in before["report.html"]
    assert b"Methods, page 4" in after["report.html"]
    # Other answers may be named, without touching those in the folder.
    other = tmp_path / "other.yaml"
    other.write_text(f"{name}: {{answer: yes, where: 'Supplement 2'}}\n", encoding="utf-8")
    assert main(["report", str(tmp_path / "study"), "--answers", str(other)]) == 0
    report = (tmp_path / "study" / "report.html").read_text(encoding="utf-8")
    assert "Supplement 2" in report
    assert "Methods, page 4" not in report


def test_wrong_answers_are_refused_before_anything_is_written(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(folders["trained"] / "study.json", tmp_path)
    (tmp_path / "answers.yaml").write_text("colour-of-the-scanner: yes\n", encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 2
    assert "there is no question 'colour-of-the-scanner'" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"study.json", "answers.yaml"}


def _older(text: str) -> str:
    return text.replace('"format_version": 2', '"format_version": 1', 1)


def _newer(text: str) -> str:
    return text.replace('"format_version": 2', '"format_version": 3', 1)


def _changed(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    """The study with something changed, and a digest that fits: made by a program, not by a slip."""

    def changed(text: str) -> str:
        document = json.loads(text)
        document.pop("sha256")
        change(document)
        return sealed_text(document)

    return changed


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text[: len(text) // 2], "it may be truncated"),
        (lambda text: text.replace('"analysed": 12', '"analysed": 13'), "was edited or damaged"),
        (lambda text: "[1, 2]", "This is not a study file"),
        (lambda text: '{"title": "x"}', "it has no format_version"),
        (_older, "The study has format 1; this version reads from 2 on."),
        (_newer, "The study has format 3; this version reads up to 2. Update Habitat Radiomics."),
        (_changed(lambda study: study.pop("flow")), "flow: Field required"),
        (_changed(lambda study: study.update(flow="many")), "not a valid study: flow:"),
        (_changed(lambda study: study["flow"].update(events=13)), "more events than cases"),
        (_changed(lambda study: study.update(colour="red")), "colour: Extra inputs"),
        (_changed(lambda study: study.update(validation=[])), "not a valid study: validation:"),
        (_changed(lambda study: study["protocol"].update(seed="x")), "protocol.seed"),
        (_changed(lambda study: study["decision_curve"]["model"].pop()), "all of one length"),
        (_changed(lambda study: study["reliability"]["kept"].pop()), "every feature needs its correlations"),
        (_changed(lambda study: study["figures"]["explanation"]["shap"].pop()), "'shap' needs a row for each case"),
    ],
)
def test_a_study_that_is_not_as_it_was_written_is_refused_with_a_sentence(
    spoil: Callable[[str], str], words: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.json").write_text(spoil(text), encoding="utf-8")
    assert main(["report", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert str(tmp_path / "study.json") in error
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]


def test_a_folder_without_a_study_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert main(["report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("There is no study here.") == 2


@pytest.mark.parametrize("kind", ["trained", "evaluated"])
def test_a_study_that_is_read_is_the_one_that_was_written_and_lists_of_numbers_take_a_line(
    kind: str, folders: dict[str, Path]
) -> None:
    written = (folders[kind] / "study.json").read_text(encoding="utf-8")
    assert study_text(load_study(folders[kind])) == written
    curves = [line for line in written.splitlines() if line.lstrip().startswith('"specificity": [')]
    assert {line.count(", ") for line in curves} == {100}  # of 101 numbers
    assert "synthetic-0" not in written
