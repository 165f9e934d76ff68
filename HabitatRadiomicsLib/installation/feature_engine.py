"""The optional feature engine, pyradiomics: whether it is there, and how to get it."""

from __future__ import annotations

import importlib.util
import platform
import sys
from dataclasses import dataclass

from HabitatRadiomicsLib.dependencies import PYRADIOMICS


@dataclass(frozen=True)
class FeatureEngineState:
    """Whether features can be measured.

    Attributes:
        installed: pyradiomics is there.
        advice: what is missing without it, and how to get it, in sentences; empty when it is there.
    """

    installed: bool
    advice: str = ""


def feature_engine_state() -> FeatureEngineState:
    """State of pyradiomics in the running Python; nothing is imported."""
    if importlib.util.find_spec(PYRADIOMICS.module) is not None:
        return FeatureEngineState(installed=True)
    in_slicer = hasattr(sys.modules.get("slicer"), "app")
    return FeatureEngineState(installed=False, advice=engine_advice(platform.system(), in_slicer=in_slicer))


def engine_advice(system: str, *, in_slicer: bool) -> str:
    """How to get pyradiomics on a system, as ``platform.system()`` calls it."""
    compiler = {
        "Darwin": "Apple's command line tools (in a terminal: xcode-select --install)",
        "Windows": "Microsoft's C++ Build Tools",
    }.get(system, "a C compiler (gcc)")
    missing = "Maps work, but features and scores need pyradiomics, which is not installed."
    if not in_slicer:
        return f'{missing} With {compiler}: pip install "{PYRADIOMICS.specifier}".'
    compiled = f'type in the Python console: slicer.util.pip_install("{PYRADIOMICS.specifier}")'
    if system == "Darwin":  # SlicerRadiomics is not built for it
        return f"{missing} Install {compiler}, then {compiled}."
    return (
        f"{missing} Install the extension SlicerRadiomics with the Extensions Manager and restart 3D Slicer. "
        f"Or, with {compiler}, {compiled}."
    )
