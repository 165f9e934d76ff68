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


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; ``mend`` is empty if nothing is wrong, ``optional`` is set if it is not
    needed."""

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
    found = findings()
    width = max(len(row.what) for row in found)
    for row in found:
        verdict = "MISSING" if row.mend else "absent" if row.optional else "ok"
        print(f"{verdict:7} {row.what:{width}}  {row.state}")
        if row.mend:
            print(f"        {'':{width}} to fix it: {row.mend}")
        elif row.optional:
            print(f"        {'':{width}} optional; to install it: {row.optional}")
    missing = sum(bool(row.mend) for row in found)
    print("Everything is there." if not missing else f"{missing} missing.")
    return 0 if not missing else 1


def findings() -> list[Finding]:
    """Everything that the program needs, with its state."""
    rows = [_python(), Finding("Habitat Radiomics", __version__)]
    # An installed shap may still fail to import; numba is listed with the engines.
    rows += [_package(row) for row in REQUIREMENTS if row.applies and row.distribution not in ("shap", "numba")]
    return [*rows, _shap(), *_engines(), *_extras(), *_resources()]


def _python() -> Finding:
    version = platform.python_version()
    mend = "" if sys.version_info >= (3, 10) else "install Python 3.10 or newer"
    return Finding("Python", version, mend)


def _package(requirement: Requirement) -> Finding:
    version = requirement.installed()
    if version is None:
        return Finding(requirement.distribution, "not installed", f"pip install {requirement.distribution}")
    if requirement.is_too_old():
        return Finding(requirement.distribution, f"{version}, too old", f'pip install "{requirement.specifier}"')
    return Finding(requirement.distribution, version or "installed, version unknown")


def _shap() -> Finding:
    from HabitatRadiomicsLib.scoring.explanation.shap_bridge import import_shap

    try:
        return Finding("shap", str(import_shap().__version__))
    except (HabitatRadiomicsError, ImportError) as error:
        return Finding("shap", f"cannot be imported ({error})", "pip install shap")


def _engines() -> list[Finding]:
    from HabitatRadiomicsLib.features.builtin.compiled import compiled_kernels

    pip = 'pip install "{}"'.format
    compiled, reference = NUMBA.installed(), PYRADIOMICS.installed()
    return [
        Finding("feature engine", "built-in" + (", with numba" if compiled_kernels() is not None else "")),
        Finding("numba", compiled)
        if compiled
        else Finding("numba", "not installed: texture takes longer, with the same values", "", pip(NUMBA.specifier)),
        Finding("pyradiomics", reference or "installed, version unknown")
        if reference is not None
        else Finding(
            "pyradiomics",
            "not installed: the reference engine, for protocols that ask for it",
            "",
            f"{pip(PYRADIOMICS.specifier)} (needs a C compiler)",
        ),
    ]


def _extras() -> list[Finding]:
    """Packages that single protocols or commands need."""
    purposes = {
        DIPY: "it fits the diffusion tensor, for the command 'diffusion'",
        ONNXRUNTIME: "it runs the networks of protocols with deep features",
    }
    return [
        Finding(row.distribution, f"not installed: {purpose}", "", f'pip install "{row.specifier}"')
        if (version := row.installed()) is None
        else Finding(row.distribution, version or "installed, version unknown")
        for row, purpose in purposes.items()
    ]


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
