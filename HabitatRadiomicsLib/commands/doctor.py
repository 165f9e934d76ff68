"""``doctor``: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

import argparse
import platform
import sys
from dataclasses import dataclass

from HabitatRadiomicsLib import __version__
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.model import bundled_models, load_model
from HabitatRadiomicsLib.protocol import bundled_protocols, load_protocol
from HabitatRadiomicsLib.system.installation.dependencies import (
    DIPY,
    NUMBA,
    ONNXRUNTIME,
    PYRADIOMICS,
    REQUIREMENTS,
    Requirement,
)
from HabitatRadiomicsLib.system.resources import resources_folder

_UNKNOWN = "installed, version unknown"
#: Packages that single protocols or commands need, or that only save time, and their purpose.
_OPTIONAL = {
    "numba": (NUMBA, "texture takes longer, with the same values"),
    "pyradiomics": (PYRADIOMICS, "the reference engine, for protocols that ask for it"),
    "dipy": (DIPY, "it fits the diffusion tensor, for the command 'diffusion'"),
    "onnxruntime": (ONNXRUNTIME, "it runs the networks of protocols with deep features"),
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        mend: how to repair what is missing; empty if nothing is wrong.
        optional: how to install what is absent and not needed by everyone.
    """

    what: str
    state: str
    mend: str = ""
    optional: str = ""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("doctor", help="what is installed and what is missing")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 when something is missing."""
    rows = findings()
    width = max(len(row.what) for row in rows)
    for row in rows:
        verdict = "MISSING" if row.mend else "absent" if row.optional else "ok"
        print(f"{verdict:7} {row.what:{width}}  {row.state}")
        if row.mend:
            print(f"        {'':{width}} to fix it: {row.mend}")
        elif row.optional:
            print(f"        {'':{width}} optional; to install it: {row.optional}")
    missing = sum(bool(row.mend) for row in rows)
    print("Everything is there." if not missing else f"{missing} missing.")
    return 0 if not missing else 1


def findings() -> list[Finding]:
    """Everything that the program needs, with its state."""
    from HabitatRadiomicsLib.features.builtin.neighbours import compiled_kernels

    mend = "" if sys.version_info >= (3, 10) else "install Python 3.10 or newer"
    rows = [Finding("Python", platform.python_version(), mend), Finding("Habitat Radiomics", __version__)]
    # shap is imported, because an installed one may still fail; numba is optional.
    rows += [_package(row) for row in REQUIREMENTS if row.applies and row.distribution not in ("shap", "numba")]
    engine = "built-in" + (", with numba" if compiled_kernels() is not None else "")
    return [*rows, _shap(), Finding("feature engine", engine), *map(_optional, _OPTIONAL), *_resources()]


def _package(requirement: Requirement) -> Finding:
    version = requirement.installed()
    if version is None:
        return Finding(requirement.distribution, "not installed", f"pip install {requirement.distribution}")
    if requirement.is_too_old():
        return Finding(requirement.distribution, f"{version}, too old", f'pip install "{requirement.specifier}"')
    return Finding(requirement.distribution, version or _UNKNOWN)


def _optional(name: str) -> Finding:
    requirement, purpose = _OPTIONAL[name]
    version = requirement.installed()
    if version is None:
        note = " (needs a C compiler)" if requirement is PYRADIOMICS else ""
        return Finding(name, f"not installed: {purpose}", "", f'pip install "{requirement.specifier}"{note}')
    return Finding(name, version or _UNKNOWN)


def _shap() -> Finding:
    from HabitatRadiomicsLib.scoring.shap_bridge import import_shap

    try:
        return Finding("shap", str(import_shap().__version__))
    except (HabitatRadiomicsError, ImportError) as error:
        return Finding("shap", f"cannot be imported ({error})", "pip install shap")


def _resources() -> list[Finding]:
    rows = []
    try:
        rows.append(Finding("resources", str(resources_folder())))
        for name in bundled_protocols():
            load_protocol(name)
        for name in bundled_models():
            load_model(name)
        rows.append(Finding("protocols", ", ".join(bundled_protocols())))
        rows.append(Finding("models", ", ".join(bundled_models())))
    except HabitatRadiomicsError as error:
        rows.append(Finding("resources", str(error), "install the package again"))
    return rows
