"""Starts the command line as a separate process, with the right Python and environment."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.progress import LINES_VARIABLE
from HabitatRadiomicsLib.system.child_process import ChildProcess

#: PythonSlicer sets PYTHONPATH itself, so the folder of the library is passed as an argument.
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from HabitatRadiomicsLib.commands.program import main; sys.exit(main())"
)
#: Precedes every error message that the command line prints.
_PREFIX = "habitat-radiomics: "


def python_program() -> str:
    """The Python that runs the library: PythonSlicer inside Slicer, otherwise this one."""
    return shutil.which("PythonSlicer") or sys.executable


def reason_of(lines: Sequence[str], status: int) -> str:
    """Why a command failed, in its own words, without the output of libraries.

    Args:
        lines: its output without progress lines.
        status: its exit status.
    """
    _, prefix, reason = "\n".join(lines).rpartition(_PREFIX)
    if prefix:
        return reason.strip()
    last = f" Its last output: {lines[-1]}" if lines else ""
    return f"The process ended unexpectedly (status {status}), perhaps for lack of memory.{last}"


def start_command(arguments: Sequence[str]) -> ChildProcess:
    """Start ``habitat-radiomics ARGUMENTS``; it prints its progress as lines.

    Raises:
        OSError: Python cannot be started.
    """
    library = str(Path(__file__).resolve().parents[2])
    command = [python_program(), "-c", _START, library, *arguments]
    return ChildProcess(command, environment={LINES_VARIABLE: "1"})
