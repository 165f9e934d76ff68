"""``train`` with lesions that were outlined again: by a second reader, by the same one, and by both."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from HabitatRadiomicsLib.cases.synthetic import write_spine_clinical
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model

_PROTOCOL: dict[str, Any] = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole"],
    "features": {
        "classes": ["shape", "firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "robustness": {"icc": "2,1", "threshold": 0.85},
    "learning": {
        "folds": 2, "repeats": 1, "significance": 1.0, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
        "learning_curve": False,
    },
}  # fmt: skip
_OPTIONS = ("second-reader", "repeat-reading")
_READ = {"second-reader": 9, "repeat-reading": 7}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve patients; of nine a second reader's outlines, of seven the first reader's second ones."""
    folder = tmp_path_factory.mktemp("cohort")
    write_spine_clinical(folder, 12, seed=2, effect=1.5, read_twice=9)
    table = folder / "repeat-reading.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[: 1 + 2 * 7]), encoding="utf-8")
    return folder


def _run(folder: Path, out: Path, readings: dict[str, Path], **changes: Any) -> int:
    protocol = out.parent / "protocol.yaml"
    protocol.write_text(yaml.safe_dump({**_PROTOCOL, **changes}), encoding="utf-8")
    tables = ["--cohort", str(folder / "images.csv"), "--clinical", str(folder / "clinical.csv")]
    given = [text for name, table in readings.items() for text in (f"--{name}", str(table))]
    return main(["train", *tables, "--protocol", str(protocol), "--out", str(out), *given])


def _tables(folder: Path, options: Sequence[str] = _OPTIONS) -> dict[str, Path]:
    return {name: folder / f"{name}.csv" for name in options}


@pytest.fixture(scope="module")
def runs(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, sketches_in_module: None
) -> dict[tuple[str, ...], Path]:
    """What came of each reading alone, and of both."""
    found = {}
    for options in (_OPTIONS[:1], _OPTIONS[1:], _OPTIONS):
        out = tmp_path_factory.mktemp("run") / "out"
        assert _run(folder, out, _tables(folder, options)) == 0
        found[options] = out
    return found


def _reliability(out: Path) -> list[dict[str, str]]:
    with (out / "tables" / "reliability.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _kept(out: Path) -> set[str]:
    return {row["feature"] for row in _reliability(out) if row["kept"] == "yes"}


def test_both_keep_exactly_what_each_keeps(runs: dict[tuple[str, ...], Path]) -> None:
    second, repeat, both = (_kept(out) for out in runs.values())
    assert both == second & repeat
    assert 0 < len(both) < min(len(second), len(repeat))
    model = load_model(str(runs[_OPTIONS] / "model.json"))
    assert {feature.name for feature in model.features} <= both


def test_the_table_of_both_has_the_rows_of_each(runs: dict[tuple[str, ...], Path]) -> None:
    table = _reliability(runs[_OPTIONS])
    names = list(dict.fromkeys(row["feature"] for row in table))
    kinds = ["inter-observer", "intra-observer"]
    assert [(row["feature"], row["kind"]) for row in table] == [(name, kind) for name in names for kind in kinds]
    for option, kind in zip(_OPTIONS, kinds):
        alone = _reliability(runs[option,])
        assert {row["kind"] for row in alone} == {kind}
        numbers = ("feature", "icc", "low", "high", "cases")
        assert [[row[name] for name in numbers] for row in alone] == [
            [row[name] for name in numbers] for row in table if row["kind"] == kind
        ]
        assert {row["cases"] for row in alone} == {str(_READ[option])}
        assert all((float(row["icc"]) >= 0.85) == (row["kept"] == "yes") for row in alone)


def test_the_study_tells_both_with_their_cases(runs: dict[tuple[str, ...], Path]) -> None:
    second, repeat, both = (_kept(out) for out in runs.values())
    documents = {options: json.loads((out / "study.json").read_text(encoding="utf-8")) for options, out in runs.items()}
    found = documents[_OPTIONS]["robustness"]
    assert found["repeated"] == [
        {"kind": "inter-observer", "cases": 9, "kept": len(second)},
        {"kind": "intra-observer", "cases": 7, "kept": len(repeat)},
    ]
    assert found["kept"] == len(both)
    assert found["method"] == "ICC(2,1) between two readings, inter-observer in 9 cases and intra-observer in 7 cases"
    assert documents[_OPTIONS[:1]]["robustness"]["method"] == (
        "ICC(2,1) between two readings, inter-observer in 9 cases"
    )
    assert len({document["inputs"]["cohort_sha256"] for document in documents.values()}) == 3


def test_the_report_tells_both_in_methods_and_checklists(runs: dict[tuple[str, ...], Path]) -> None:
    text = (runs[_OPTIONS] / "report.html").read_text(encoding="utf-8")
    assert "of 9 cases by a second reader and of 7 cases by the same reader" in text
    assert "(inter-observer, 9 cases; intra-observer, 7 cases)" in text
    assert "perturbed" not in text


def test_another_run_gives_the_same_bytes(folder: Path, runs: dict[tuple[str, ...], Path], tmp_path: Path) -> None:
    assert _run(folder, tmp_path / "out", _tables(folder)) == 0
    for name in ("model.json", "study.json", "tables/reliability.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (runs[_OPTIONS] / name).read_bytes()


@pytest.mark.parametrize("option", _OPTIONS)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("stranger", "stranger is not a case of the cohort"),
        ("two", "2 cases are too few to assess reliability; at least 3 are needed"),
        ("no T2FS", "synthetic-000 has no second reading of T2FS"),
        ("no mask", "does not exist"),
        ("no table", "There is no such table."),
    ],
)
def test_a_bad_table_is_named_and_nothing_is_written(
    option: str, change: str, told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = folder / f"bad-{option}.csv"
    text = (folder / f"{option}.csv").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    written = {
        "stranger": text.replace("synthetic-001,", "stranger,"), "two": "".join(lines[:5]),
        "no T2FS": "".join([lines[0], *lines[1::2]]), "no mask": text.replace(f"-{option}.nrrd", "-gone.nrrd"),
    }  # fmt: skip
    if change == "no table":
        bad.unlink(missing_ok=True)
    else:
        bad.write_text(written[change], encoding="utf-8")
    assert _run(folder, tmp_path / "out", {**_tables(folder), option: bad}) == 2
    error = capsys.readouterr().err
    assert told in error
    assert str(bad) in error
    assert not (tmp_path / "out").exists()


def test_one_table_for_both_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = folder / "second-reader.csv"
    assert _run(folder, tmp_path / "out", dict.fromkeys(_OPTIONS, table)) == 2
    assert "the T1W mask of synthetic-000 is that of its inter-observer reading" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", _OPTIONS)
def test_a_protocol_that_asks_for_no_robust_features_is_told(
    option: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(folder, tmp_path / "out", _tables(folder, [option]), robustness=None) == 2
    error = capsys.readouterr().err
    assert f"--{option}: Repeated segmentations are given" in error
    assert "robustness: {icc: '2,1', threshold: 0.8}" in error
    assert not (tmp_path / "out").exists()
