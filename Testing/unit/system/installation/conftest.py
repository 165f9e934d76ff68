"""Virtual environments to install into, and an index of tiny wheels; no network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_PREAMBLE = """
import json, sys
from pathlib import Path
from HabitatRadiomicsLib.system.installation import dependencies
from HabitatRadiomicsLib.system.installation.dependencies import (
    Requirement, missing, private_folder, slicing_library_folder
)
from HabitatRadiomicsLib.errors import Cancelled, DependencyError
from HabitatRadiomicsLib.system.installation import install, plan_installation
dependencies.REQUIREMENTS = (Requirement("alpha", "alpha", "1.0"), Requirement("shap", "shap", "0.5"))
def refused(work, *arguments, **named):
    try:
        work(*arguments, **named)
    except DependencyError as error:
        return str(error)
    raise AssertionError("it was not refused")
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees the library and one index."""

    folder: Path
    checkout: Path
    variables: dict[str, str]

    @property
    def python(self) -> str:
        return str(self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))

    @property
    def packages(self) -> Path:
        return next(self.folder.rglob("site-packages"))

    def run(self, *code: str, **variables: str) -> Any:
        """What the pieces of code, run in the environment, leave in ``answer``."""
        script = "\n".join([_PREAMBLE, *map(textwrap.dedent, code), "print('\\n' + json.dumps(answer))"])
        environment = {**os.environ, **self.variables, **variables, "PYTHONPATH": str(self.checkout)}
        done = subprocess.run([self.python, "-c", script], env=environment, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def pip(self, *arguments: str) -> str:
        command = [self.python, "-m", "pip", "--disable-pip-version-check", *arguments]
        environment = {**os.environ, **self.variables}
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=True).stdout

    def state(self) -> tuple[list[str], list[Path]]:
        """Everything that is installed: as "pip freeze --all" tells it, and file by file."""
        importlib.invalidate_caches()
        found = importlib.metadata.distributions(path=[str(self.packages)])
        files = [path for path in self.folder.rglob("*") if "__pycache__" not in path.parts]
        return sorted(f"{row.metadata['Name']}=={row.version}" for row in found), sorted(files)


WriteWheel = Callable[..., Path]


@pytest.fixture
def write_wheel(tmp_path: Path) -> WriteWheel:
    """Adds a wheel to the index."""

    def write(
        name: str, version: str, *, needs: Sequence[str] = (), files: dict[str, str] | None = None, broken: bool = False
    ) -> Path:
        index = tmp_path / "index"
        index.mkdir(exist_ok=True)
        contents = {f"{name}/__init__.py": f"__version__ = '{version}'\n"} if files is None else files
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {need}\n" for need in needs)
        info = f"{name}-{version}.dist-info"
        contents |= {
            f"{info}/METADATA": metadata,
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if broken:
            contents[f"{name}/zz_last.py"] = "DAMAGED\n"
        record = "".join(f"{file},,\n" for file in (*contents, f"{info}/RECORD"))
        path = index / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            for file, text in {**contents, f"{info}/RECORD": record}.items():
                wheel.writestr(file, text)
        if broken:  # the checksum of one member is wrong
            path.write_bytes(path.read_bytes().replace(b"DAMAGED", b"damaged"))
        return path

    return write


@pytest.fixture(scope="session")
def _pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
    return folder


@pytest.fixture
def environment(_pristine: Path, tmp_path: Path, checkout: Path) -> Environment:
    """A virtual environment with nothing but pip."""
    folder = tmp_path / "venv"
    shutil.copytree(_pristine, folder, symlinks=True)
    variables = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "index"),
        "NO_PROXY": "127.0.0.1",
    }
    return Environment(folder, checkout, variables)


@pytest.fixture
def index(write_wheel: WriteWheel) -> WriteWheel:
    """The index with all that is needed: alpha, which needs beta, and shap, which needs PyPI's slicer."""
    write_wheel("alpha", "1.5", needs=["beta"])
    write_wheel("beta", "2.0")
    write_wheel("shap", "0.5", needs=["slicer==0.0.8"])
    files = {"slicer/__init__.py": "from .slicer_internal import Alias\n", "slicer/slicer_internal.py": "Alias = 1\n"}
    write_wheel("slicer", "0.0.8", files=files)
    return write_wheel
