#!/usr/bin/env python3
"""Runs all tests: the one command for developers, with nothing needed but Python and a C compiler.

Four layers: 'unit', the library alone; 'mrml', on the real data model of 3D Slicer, without a window; 'gui', the panel
on a stand-in for the application; 'slicer', the script for the application itself, in the stand-in. The first runs in
`.venv`, the others in `.venv-slicer`; both are made when they are missing or no longer fit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / ".ci" / "requirements.lock"
SLICER_LOCK = ROOT / ".ci" / "requirements-slicer.lock"
APPLICATION_SCRIPT = ROOT / "Testing" / "slicer" / "run_all.py"
LAYERS = ("unit", "mrml", "gui", "slicer")
#: Of PyPI, and only for shap: its name is 3D Slicer's own, and so it lies where 'import slicer' does not look.
PRIVATE_SLICER = "slicer==0.0.8"
SYSTEM_PACKAGES = "libegl1 libgl1 libxkbcommon0 libfontconfig1 libdbus-1-3 libglib2.0-0 fonts-dejavu-core"

#: Renders a picture and makes a widget, as the tests do.
_PROBE = """
import os, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL("libEGL.so.1")
    os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
os.environ["QT_QPA_PLATFORM"] = "offscreen"
import slicer, vtk
window = vtk.vtkRenderWindow()
window.SetOffScreenRendering(True)
window.Render()
from PySide6.QtWidgets import QApplication, QWidget
application = QApplication([])
QWidget().grab()
"""


class StepError(Exception):
    """A step went wrong; the message is for the user."""


def main() -> int:
    """Run the layers asked for, all of them, and tell which failed."""
    options = _options()
    results = {}
    for layer in options.layer or LAYERS:
        try:
            reason = _run_layer(layer, fresh=options.fresh)
        except StepError as error:
            results[layer] = f"failed: {error}"
            continue
        results[layer] = f"not run: {reason}" if reason else "passed"
        if reason and options.layer:
            results[layer] = f"failed, since it cannot run: {reason}"
    _say("Results:")
    for layer, result in results.items():
        _say(f"  {layer}: {result}")
    return int(any(result.startswith("failed") for result in results.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run all tests of Habitat Radiomics.")
    parser.add_argument("--layer", action="append", choices=LAYERS, help="only this layer; may be repeated")
    venvs = parser.add_mutually_exclusive_group()
    venvs.add_argument("--keep", action="store_true", help="use virtual environments that fit again (the default)")
    venvs.add_argument("--fresh", action="store_true", help="make the virtual environments anew")
    return parser.parse_args()


def _run_layer(layer: str, *, fresh: bool) -> str:
    """Run a layer; why it cannot run on this machine, or nothing."""
    if layer == "unit":
        python = _environment(".venv", LOCK, _install_library, fresh=fresh)
        _pytest(python, layer)
        return ""
    if layer == "slicer" and not APPLICATION_SCRIPT.is_file():
        return f"there is no {APPLICATION_SCRIPT.relative_to(ROOT)}"
    if sys.version_info >= (3, 14):
        return "slicer-core has no wheels for this Python; 3.10 to 3.13 will do"
    python = _environment(".venv-slicer", SLICER_LOCK, _install_slicer, fresh=fresh)
    if reason := _cannot_render(python):
        return reason
    if layer == "slicer":
        script = [ROOT / "Testing" / "standin" / "run_script.py", "--no-main-window"]
        module = ["--additional-module-paths", ROOT / "HabitatRadiomics"]
        _run("Running the script for the application", [python, *script, *module, APPLICATION_SCRIPT])
    else:
        _pytest(python, layer)
    return ""


def _pytest(python: Path, layer: str) -> None:
    folder = f"Testing/{layer}"
    # By file: its tests share what takes long to make.
    processes = ["--numprocesses", str(min(os.cpu_count() or 1, 4)), "--dist", "loadscope"]
    _run(f"Running the tests of {folder}", [python, "-m", "pytest", folder, *processes])


@cache
def _environment(name: str, lock: Path, install: Callable[[Path], None], *, fresh: bool) -> Path:
    """The Python of a virtual environment with the locked packages; made if it is missing or does not fit."""
    folder = ROOT / name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = folder / "installed.sha256"
    digest = _digest(lock)
    if not fresh and python.exists() and mark.is_file() and mark.read_text(encoding="utf-8") == digest:
        return python
    _say(f"Making the virtual environment {name}, which takes a minute or two.")
    shutil.rmtree(folder, ignore_errors=True)
    _run(f"Creating {name}", [sys.executable, "-m", "venv", folder])
    install(python)
    mark.write_text(digest, encoding="utf-8")
    return python


def _digest(lock: Path) -> str:
    told = hashlib.sha256(sys.version.encode())
    for path in (lock, ROOT / "pyproject.toml", Path(__file__)):
        told.update(path.read_bytes())
    return told.hexdigest()


def _install_library(python: Path) -> None:
    _pip(python, "the library and the tools of its tests", "--constraint", LOCK, "--editable", ".[pyradiomics,test]")


def _install_slicer(python: Path) -> None:
    # The lock is complete, and without dependencies nobody brings PyPI's 'slicer' in.
    _pip(python, "the locked packages and 3D Slicer's data model", "--no-deps", "--requirement", SLICER_LOCK)
    _pip(python, "the library", "--no-deps", "--editable", ".")
    where = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    purelib = subprocess.run(where, check=True, capture_output=True, encoding="utf-8").stdout.strip()
    private = Path(purelib) / "habitat_radiomics_private"
    _pip(python, "the package that shap calls 'slicer'", "--no-deps", "--target", private, PRIVATE_SLICER)


def _pip(python: Path, what: str, *arguments: str | Path) -> None:
    _run(f"Installing {what}", [python, "-m", "pip", "install", "--quiet", *arguments])


def _cannot_render(python: Path) -> str:
    probe = subprocess.run([python, "-c", _PROBE], check=False, capture_output=True, encoding="utf-8")
    if probe.returncode == 0:
        return ""
    said = (probe.stderr.strip().splitlines() or [f"exit status {probe.returncode}"])[-1]
    mend = f" (on Debian: apt-get install {SYSTEM_PACKAGES})" if sys.platform == "linux" else ""
    return f"nothing can be drawn off screen: {said}{mend}"


def _run(what: str, command: list[str | Path]) -> None:
    _say(f"{what}.")
    status = subprocess.run([str(part) for part in command], check=False, cwd=ROOT).returncode
    if status:
        raise StepError(f"{what[0].lower()}{what[1:]} ended with status {status}")


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    sys.exit(main())
