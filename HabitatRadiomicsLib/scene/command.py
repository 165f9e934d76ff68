"""The command line as a process beside Slicer: which Python, which arguments, which environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.child_process import ChildProcess
from HabitatRadiomicsLib.progress import LINES_VARIABLE


def python_program() -> str:
    """The Python that runs the library: inside Slicer PythonSlicer, else this one."""
    return shutil.which("PythonSlicer") or sys.executable


def start_command(arguments: Sequence[str]) -> ChildProcess:
    """Start ``habitat-radiomics ARGUMENTS``; its progress comes as lines.

    Raises:
        OSError: Python cannot be started.
    """
    library = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join([library, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {"PYTHONPATH": path, LINES_VARIABLE: "1"}
    return ChildProcess([python_program(), "-m", "HabitatRadiomicsLib", *arguments], environment=environment)
