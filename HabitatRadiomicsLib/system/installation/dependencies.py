"""The packages that the library needs from PyPI, and which of them are missing; imports only the standard library."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Requirement:
    """A distribution that the library needs.

    Attributes:
        distribution: its name on PyPI.
        module: the name under which it is imported.
        minimum: the oldest version that works.
        python_below: only Pythons older than this need it; empty: all do.
        exact: only the version ``minimum`` works.
    """

    distribution: str
    module: str
    minimum: str
    python_below: str = ""
    exact: bool = False

    @property
    def specifier(self) -> str:
        """The requirement in pip's syntax, without the marker: ``scipy>=1.13``."""
        return f"{self.distribution}{'==' if self.exact else '>='}{self.minimum}"

    @property
    def applies(self) -> bool:
        """Whether this Python needs it."""
        return not self.python_below or sys.version_info[:2] < _release(self.python_below)

    def installed(self) -> str | None:
        """The installed version; empty if unknown, None if the package is absent."""
        try:
            return importlib.metadata.version(self.distribution) or ""
        except importlib.metadata.PackageNotFoundError:
            return "" if importlib.util.find_spec(self.module) is not None else None

    def is_too_old(self) -> bool:
        """Whether the installed version is too old."""
        version = self.installed()
        return bool(version) and _release(str(version)) < _release(self.minimum)


#: The project's ``dependencies``, in its order.
REQUIREMENTS = (
    Requirement("jinja2", "jinja2", "3.1"),
    Requirement("joblib", "joblib", "1.4"),
    Requirement("matplotlib", "matplotlib", "3.8"),
    Requirement("numba", "numba", "0.61", python_below="3.12"),
    Requirement("numpy", "numpy", "2.0"),
    Requirement("pandas", "pandas", "2.2.2"),
    Requirement("pydantic", "pydantic", "2.7"),
    Requirement("PyWavelets", "pywt", "1.6"),
    Requirement("PyYAML", "yaml", "6.0"),
    Requirement("scikit-image", "skimage", "0.24"),
    Requirement("scikit-learn", "sklearn", "1.5"),
    Requirement("scipy", "scipy", "1.13"),
    Requirement("shap", "shap", "0.46"),
    Requirement("SimpleITK", "SimpleITK", "2.4"),
    Requirement("skops", "skops", "0.11"),
    Requirement("statsmodels", "statsmodels", "0.14.4"),
    Requirement("threadpoolctl", "threadpoolctl", "3.1"),
    Requirement("tqdm", "tqdm", "4.66"),
)
#: The reference feature engine; optional, since it has no wheels.
PYRADIOMICS = Requirement("pyradiomics-bhklab", "radiomics", "3.1.4")
#: Makes texture features faster without changing a number; optional.
NUMBA = Requirement("numba", "numba", "0.61")
#: Runs the networks of deep features; optional, for protocols with the region ``patch``.
ONNXRUNTIME = Requirement("onnxruntime", "onnxruntime", "1.20")
#: Train such networks (``habitat-radiomics deep-train``); optional, and not needed for anything else.
NETWORK_TRAINING = (
    Requirement("torch", "torch", "2.5"),
    Requirement("monai", "monai", "1.5"),
    Requirement("onnx", "onnx", "1.17"),
)
#: Fits the diffusion tensor; optional, since most protocols need none.
DIPY = Requirement("dipy", "dipy", "1.10")
#: shap imports it as ``slicer``; inside 3D Slicer, that is the name of the application's own module.
SLICING_LIBRARY = Requirement("slicer", "slicer", "0.0.8", exact=True)


def missing() -> list[Requirement]:
    """The requirements that are absent or too old in the running Python."""
    found = [row for row in REQUIREMENTS if row.applies and (row.installed() is None or row.is_too_old())]
    return found if slicing_library_folder() else [*found, SLICING_LIBRARY]


def private_folder() -> Path:
    """The folder for PyPI's ``slicer``: beside the other packages, but not on ``sys.path``."""
    return Path(sysconfig.get_path("purelib")) / "habitat_radiomics_private"


def slicing_library_folder() -> Path | None:
    """The folder of PyPI's ``slicer``, private or not; None if it is not installed."""
    # Several distributions may be called 'slicer'; only the one that shap needs has this file.
    for distribution in importlib.metadata.distributions(name="slicer", path=[str(private_folder()), *sys.path]):
        folder = Path(str(distribution.locate_file("slicer")))
        if (folder / "slicer_internal.py").is_file():
            return folder
    return None


def reference_engine_advice() -> str:
    """How to get pyradiomics in the running Python, in sentences."""
    # Programs that 3D Slicer starts are not the application, but have its environment variables.
    in_slicer = hasattr(sys.modules.get("slicer"), "app") or "SLICER_HOME" in os.environ
    return engine_advice(platform.system(), in_slicer=in_slicer)


def engine_advice(system: str, *, in_slicer: bool) -> str:
    """How to get pyradiomics on a system, named as by ``platform.system()``."""
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


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version without trailing zeros; a suffix is ignored."""
    numbers = [int(number) for number in re.findall(r"\d+", (re.match(r"[\d.]*", version) or [""])[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
