"""The packages that the library needs from PyPI, and which of them are missing; needs only the standard library."""

from __future__ import annotations

import importlib.metadata
import importlib.util
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
        module: the name that it is imported by.
        minimum: the oldest version that works.
        python_below: only older Pythons need it; empty when all do.
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
        """The installed version; empty when it is unknown, None when the package is absent."""
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
#: The reference for the built-in feature engine; optional, since it has no wheels.
PYRADIOMICS = Requirement("pyradiomics-bhklab", "radiomics", "3.1.4")
#: Makes the built-in engine's texture faster, and changes no number; optional.
NUMBA = Requirement("numba", "numba", "0.61")
#: Runs the networks of deep features; optional, for protocols with the region ``patch``.
ONNXRUNTIME = Requirement("onnxruntime", "onnxruntime", "1.20")
#: Trains such networks (``habitat-radiomics deep-train``); optional, and nothing else needs them.
NETWORK_TRAINING = (
    Requirement("torch", "torch", "2.5"),
    Requirement("monai", "monai", "1.5"),
    Requirement("onnx", "onnx", "1.17"),
)
#: Fits the diffusion tensor; optional, since most protocols need none.
DIPY = Requirement("dipy", "dipy", "1.10")
#: What shap imports as ``slicer``, which inside 3D Slicer is the application's own name.
SLICING_LIBRARY = Requirement("slicer", "slicer", "0.0.8", exact=True)


def missing() -> list[Requirement]:
    """The requirements that are absent or too old in the running Python."""
    found = [row for row in REQUIREMENTS if row.applies and (row.installed() is None or row.is_too_old())]
    return found if slicing_library_folder() else [*found, SLICING_LIBRARY]


def private_folder() -> Path:
    """Where PyPI's ``slicer`` is installed: beside the other packages, but on no ``sys.path``."""
    return Path(sysconfig.get_path("purelib")) / "habitat_radiomics_private"


def slicing_library_folder() -> Path | None:
    """The folder of PyPI's ``slicer``, private or not; None when it is not installed."""
    # Several distributions may be called 'slicer'; the one with this file is shap's.
    for distribution in importlib.metadata.distributions(name="slicer", path=[str(private_folder()), *sys.path]):
        folder = Path(str(distribution.locate_file("slicer")))
        if (folder / "slicer_internal.py").is_file():
            return folder
    return None


def _release(version: str) -> tuple[int, ...]:
    """The numbers of a version without trailing zeros; any suffix is ignored."""
    numbers = [int(number) for number in re.findall(r"\d+", (re.match(r"[\d.]*", version) or [""])[0])]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
