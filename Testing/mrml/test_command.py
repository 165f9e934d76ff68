"""The command line as a process beside Slicer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from HabitatRadiomicsLib import __version__
from HabitatRadiomicsLib.progress import progress_of
from HabitatRadiomicsLib.scene.command import python_program, start_command
from HabitatRadiomicsLib.system.child_process import ChildProcess


def all_lines(process: ChildProcess) -> list[str]:
    lines = []
    for _ in range(600):
        process.wait(0.1)
        ended = process.status is not None
        lines += process.lines()
        if ended:
            break
    process.stop()
    return lines


def test_the_python_is_slicers_inside_slicer_and_this_one_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert python_program() == sys.executable
    program = tmp_path / ("PythonSlicer.bat" if os.name == "nt" else "PythonSlicer")
    program.write_text("", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert Path(python_program()) == program


def test_the_command_answers(tmp_path: Path) -> None:
    process = start_command(["--version"])
    assert all_lines(process) == [f"habitat-radiomics {__version__}"]
    assert process.status == 0


def test_the_process_finds_this_library_wherever_it_runs(
    tmp_path: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, where another version can be imported, and with a PYTHONPATH that is not ours to set."""
    other = tmp_path / "HabitatRadiomicsLib"
    other.mkdir()
    (other / "__init__.py").write_text("raise ImportError('the other version')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = start_command(["doctor"])
    lines = all_lines(process)
    assert process.status == 0, lines
    assert any(str(checkout / "Resources") in line for line in lines), lines


def test_progress_comes_as_lines_and_not_as_a_bar(case_arguments: list[str], tmp_path: Path) -> None:
    process = start_command(["maps", *case_arguments, "--out", str(tmp_path / "maps")])
    lines = all_lines(process)
    assert process.status == 0, lines
    told = [found for line in lines if (found := progress_of(line)) is not None]
    assert len(told) > 3
    assert [part for part, _ in told] == sorted(part for part, _ in told)
    assert not any("%|" in line for line in lines)
    assert (tmp_path / "maps" / "habitats.json").is_file()


def test_a_refusal_is_a_status_and_a_sentence(tmp_path: Path) -> None:
    process = start_command(["maps", "--image", "T1W=no.nrrd", "--mask", "T1W=no.nrrd", "--out", str(tmp_path / "o")])
    lines = all_lines(process)
    assert process.status == 2
    assert lines[-1].startswith("habitat-radiomics: T1W image no.nrrd: There is no such file.")
