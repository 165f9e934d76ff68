"""The README's examples for Slicer's Python console do what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.scoring.patient import score_case


def _example(checkout: Path, name: str) -> str:
    text = (checkout / "README.md").read_text(encoding="utf-8")
    _, _, rest = text.partition(f"<!-- example: {name} -->\n```python\n")
    code, _, _ = rest.partition("```")
    assert code, f"README.md has no example '{name}'"
    return code


def test_console_example(habitat_widget: Any, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(_example(checkout, "console"), {})
    first, second = capsys.readouterr().out.strip().splitlines()[-2:]
    assert first.startswith("T1W local entropy T1W habitats [")
    expected = score_case(synthetic_patient(31, seed=4).case, load_model("t790m-spine-demo"))
    assert second == f"{expected.score} {expected.call}"


def test_cohort_example(habitat_widget: Any, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(_example(checkout, "cohort"), {})
    assert capsys.readouterr().out.strip().splitlines()[-1] == "2 synthetic-000"
    scores = slicer.util.getFirstNodeByClassByName("vtkMRMLTableNode", "Scores")
    expected = score_case(synthetic_patient(0, seed=1).case, load_model("t790m-spine-demo"), site="Alpha")
    assert scores.GetTable().GetColumnByName("score").GetValue(0) == expected.score
