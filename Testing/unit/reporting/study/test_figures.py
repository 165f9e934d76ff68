"""Figures as files: those that can be drawn are, and the others are told, in the study and in the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.drawing import new_figure
from HabitatRadiomicsLib.reporting.study import figures as study_figures
from HabitatRadiomicsLib.reporting.study.figures import StudyFigures
from HabitatRadiomicsLib.reporting.study.report import study_html


def _cannot() -> Any:
    raise EvaluationError("The probabilities separate the outcomes perfectly.", where="calibration", remedy="None.")


def _cannot_somewhere() -> Any:
    raise EvaluationError("There are too few cases.")


def _unasked() -> Any:
    raise AssertionError("a figure without numbers is not drawn")


@pytest.fixture
def drawn(tmp_path: Path) -> StudyFigures:
    drawings = {
        "roc": lambda: new_figure(1, 1), "permutation": lambda: None, "lasso-path": _unasked, "calibration": _cannot,
        "flow": _cannot_somewhere,
    }  # fmt: skip
    known = {"lasso-path": "No column was left."}
    return study_figures._written(tmp_path / "figures", drawings, known)


def test_a_figure_that_cannot_be_drawn_leaves_its_reason_and_no_file(drawn: StudyFigures, tmp_path: Path) -> None:
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {"roc.png", "roc.svg"}
    assert drawn.pictures == {"roc": (tmp_path / "figures" / "roc.png").read_bytes()}
    assert drawn.not_drawn == {
        "lasso-path": "No column was left.",
        "calibration": "calibration: The probabilities separate the outcomes perfectly.",
        "flow": "There are too few cases.",
    }  # and a figure that a study has no use for, as that of permutations that were not asked for, is not missing


def test_the_report_names_the_figures_that_are_not_there(drawn: StudyFigures, study: dict[str, Any]) -> None:
    study["figures_not_drawn"] = [{"figure": name, "problem": text} for name, text in drawn.not_drawn.items()]
    report = study_html(study, drawn.pictures)
    problems = report[report.index('<section id="problems">') :]
    assert "<td>flow</td><td>There are too few cases.</td>" in problems
    assert "<td>calibration</td><td>calibration: The probabilities separate the outcomes perfectly.</td>" in problems
    assert "<td>roc</td>" not in problems


def test_a_report_with_all_its_figures_says_nothing_of_it(study: dict[str, Any]) -> None:
    report = study_html({**study, "figures_not_drawn": []}, {})
    assert report == study_html(study, {})
