"""Builds the stand-in, once per process."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .gui import GuiStandIn
    from .headless import StandIn

# Off screen, whether or not there is a display; read when the first window is made.
_ENVIRONMENT = {"QT_QPA_PLATFORM": "offscreen"}
if sys.platform == "linux":
    _ENVIRONMENT["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
_TESTING = Path(__file__).resolve().parent.parent
_installed: dict[str, Any] = {}


def missing_for(layer: str) -> str:
    """Why a layer of the tests, 'mrml' or 'gui', cannot run in this Python; empty when it can."""
    needed = {"slicer_core": "slicer-core", "vtk": "vtk"}
    if layer == "gui":
        needed["PySide6"] = "PySide6-Essentials"
    missing = [package for name, package in needed.items() if find_spec(name) is None]
    return f"not installed here: {', '.join(missing)} (see Testing/run.py)" if missing else ""


def install_mrml(*, testing: bool = False) -> StandIn:
    """Make ``import slicer`` give the stand-in without Qt."""
    if "mrml" not in _installed:
        os.environ.update(_ENVIRONMENT)
        _import_slicer()
        from .headless import StandIn

        _installed["mrml"] = StandIn(testing=testing)
    return _installed["mrml"]


def install_gui(*, testing: bool = False) -> GuiStandIn:
    """Make ``import slicer, qt, ctk`` give the stand-in, with widgets."""
    if "gui" not in _installed:
        core = install_mrml(testing=testing)
        from .pythonqt.module import build

        build()
        from .gui import GuiStandIn

        _installed["gui"] = GuiStandIn(core, testing=testing)
    return _installed["gui"]


def _import_slicer() -> None:
    # The package takes in the folders called 'slicer' of the whole path; that of these tests is something else.
    path = sys.path.copy()
    sys.path[:] = [folder for folder in path if Path(folder).resolve() != _TESTING]
    try:
        import_module("slicer")
    finally:
        sys.path[:] = path
