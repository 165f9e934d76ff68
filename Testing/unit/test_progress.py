"""Progress as lines, for a program that watches."""

from __future__ import annotations

import pytest

from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.progress import LINES_VARIABLE, part, progress_line, progress_of


def test_a_progress_line_reads_back() -> None:
    assert progress_of(progress_line(0.25, "features of T1W")) == (0.25, "features of T1W")


@pytest.mark.parametrize("line", ["", "@", "@ half done", "Report: 0.5", "0.5 @ x"])
def test_other_lines_are_not_progress(line: str) -> None:
    assert progress_of(line) is None


def test_commands_tell_lines_when_they_are_watched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LINES_VARIABLE, "1")
    with progress_bar("score") as progress:
        part(progress, 0.5, 1.0)(0.5, "explaining")
    assert capsys.readouterr().err == "@ 0.750 explaining\n"
