"""Figures as files: those that can be drawn are, and the others are told, in the study and in the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.writing import new_figure
from HabitatRadiomicsLib.reporting.study import figures as study_figures
from HabitatRadiomicsLib.reporting.study import files as study_files
from HabitatRadiomicsLib.reporting.study.figures import StudyFigures, write_external_figures


def _cannot() -> Any:
    raise EvaluationError("The probabilities separate the outcomes perfectly.", where="calibration", remedy="None.")


def _cannot_somewhere() -> Any:
    raise EvaluationError("There are too few cases.")


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFigures:
    drawings = {
        "roc": lambda: new_figure(1, 1), "permutation": lambda: None, "calibration": _cannot, "flow": _cannot_somewhere
    }  # fmt: skip
    monkeypatch.setattr(study_figures, "_of_external", lambda found, study: drawings)
    return write_external_figures(tmp_path / "figures", object(), {})  # type: ignore[arg-type]


def test_a_figure_that_cannot_be_drawn_leaves_its_reason_and_no_file(drawn: StudyFigures, tmp_path: Path) -> None:
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"roc.png", "roc.svg"}
    assert drawn.pictures == {"roc": (tmp_path / "figures" / "roc.png").read_bytes()}
    assert drawn.not_drawn == {
        "calibration": "calibration: The probabilities separate the outcomes perfectly.",
        "flow": "There are too few cases.",
    }  # and a figure that a study has no use for, as that of permutations that were not asked for, is not missing


def test_the_report_names_the_figures_that_are_not_there(
    drawn: StudyFigures, study: dict[str, Any], tmp_path: Path
) -> None:
    study_files._write_report(tmp_path, study, drawn, None)
    written = json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))
    assert written["figures_not_drawn"] == [
        {"figure": "calibration", "problem": "calibration: The probabilities separate the outcomes perfectly."},
        {"figure": "flow", "problem": "There are too few cases."},
    ]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    problems = report[report.index('<section id="problems">') :]
    assert "<td>flow</td><td>There are too few cases.</td>" in problems
    assert "<td>calibration</td><td>calibration: The probabilities separate the outcomes perfectly.</td>" in problems
    assert "<td>roc</td>" not in problems


def test_a_report_with_all_its_figures_says_nothing_of_it(study: dict[str, Any], tmp_path: Path) -> None:
    study_files._write_report(tmp_path, study, StudyFigures({}, {}), None)
    assert "could not be drawn" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["figures_not_drawn"] == []
