"""The reference feature engine, pyradiomics: optional, and how to get it where a protocol asks for it."""

from __future__ import annotations

import os
import platform
import sys

from HabitatRadiomicsLib.system.installation.dependencies import PYRADIOMICS


def reference_engine_advice() -> str:
    """How to get pyradiomics in the running Python, in sentences."""
    # The programs that 3D Slicer starts are not the application, but have its environment.
    in_slicer = hasattr(sys.modules.get("slicer"), "app") or "SLICER_HOME" in os.environ
    return engine_advice(platform.system(), in_slicer=in_slicer)


def engine_advice(system: str, *, in_slicer: bool) -> str:
    """How to get pyradiomics on a system, as ``platform.system()`` calls it."""
    compiler = {
        "Darwin": "Apple's command line tools (in a terminal: xcode-select --install)",
        "Windows": "Microsoft's C++ Build Tools",
    }.get(system, "a C compiler (gcc)")
    optional = "The built-in engine computes the same features: set the protocol's features: engine: auto."
    if not in_slicer:
        return f'{optional} Or, with {compiler}: pip install "{PYRADIOMICS.specifier}".'
    compiled = f'type in the Python console: slicer.util.pip_install("{PYRADIOMICS.specifier}")'
    if system == "Darwin":  # SlicerRadiomics is not built for it
        return f"{optional} Or install {compiler}, then {compiled}."
    return (
        f"{optional} Or install the extension SlicerRadiomics with the Extensions Manager and restart 3D Slicer, "
        f"or, with {compiler}, {compiled}."
    )
