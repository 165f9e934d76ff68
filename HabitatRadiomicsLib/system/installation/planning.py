"""Finds out which packages would be installed, and how much would be downloaded."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.system.installation.dependencies import SLICING_LIBRARY, Requirement, missing
from HabitatRadiomicsLib.system.installation.pip import run_pip

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
#: Versions in pip's syntax (PEP 440).
_VERSION = re.compile(
    r"v?(\d+!)?\d+(\.\d+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?\d*)?"
    r"(-\d+|[-_.]?(post|rev|r)[-_.]?\d*)?([-_.]?dev[-_.]?\d*)?(\+[a-z0-9]+([-_.][a-z0-9]+)*)?",
    re.IGNORECASE,
)
_LOOK_UPS_AT_ONCE = 8
_LOOK_UP_SECONDS = 10
_BREATH_SECONDS = 0.1


@dataclass(frozen=True)
class PlannedPackage:
    """A package that would be installed.

    Attributes:
        name: of the distribution.
        version: exactly this one.
        wheel: the name of its file.
        size: of the file in bytes; None when the index does not state it.
        private: it goes to ``dependencies.private_folder()``.
    """

    name: str
    version: str
    wheel: str
    size: int | None = None
    private: bool = False

    @property
    def pin(self) -> str:
        """As pip wants it."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class InstallationPlan:
    """The packages that would be installed; empty when nothing is missing."""

    packages: tuple[PlannedPackage, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to download, as far as they are known."""
        return sum(package.size or 0 for package in self.packages)


def plan_installation(python: str, *, progress: Progress = silent) -> InstallationPlan:
    """The packages that the running Python lacks, in versions compatible with all that are installed.

    Args:
        python: the interpreter to run pip with; in 3D Slicer ``PythonSlicer``, else ``sys.executable``.
        progress: called ten times a second; may raise ``Cancelled``.

    Raises:
        DependencyError: a package is not available, or not without replacing an installed one.
    """
    wanted = missing()
    if not wanted:
        return InstallationPlan()
    _refuse_to_update(wanted)
    installed = _installed()
    packages = _resolved(python, wanted, installed, part(progress, 0.0, 0.7))
    sizes = _sizes(list(packages.values()), part(progress, 0.7, 1.0))
    return InstallationPlan(tuple(replace(package, size=size) for package, size in zip(packages, sizes)))


def _refuse_to_update(wanted: Sequence[Requirement]) -> None:
    for requirement in wanted:
        if requirement.is_too_old():
            name = requirement.distribution
            raise DependencyError(
                f"{name} {requirement.installed()} is installed, and version {requirement.minimum} or newer is needed. "
                "Installed packages are never replaced.",
                remedy=f"Update {name} yourself if nothing else needs the old one, or use a newer 3D Slicer.",
            )


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    """Version of every distribution of the running Python, by canonical name; the first found is what is imported."""
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        # Broken distributions have neither, whatever the types say.
        name, version = distribution.metadata["Name"] or "", distribution.version or ""
        if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
            found.setdefault(_canonical(name), version)
    return found


def _resolved(
    python: str, wanted: Sequence[Requirement], installed: dict[str, str], progress: Progress
) -> dict[PlannedPackage, str]:
    """The packages that pip would install, with the addresses of their wheels."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        pins = [f"{name}=={version}\n" for name, version in installed.items() if name != SLICING_LIBRARY.distribution]
        constraints.write_text("".join(pins), encoding="utf-8")
        # The report goes to a file, since pip's output holds much else.
        arguments = ["install", "--dry-run", "--only-binary=:all:", "--report", str(report)]
        arguments += ["--constraint", str(constraints), *(requirement.specifier for requirement in wanted)]
        run_pip(python, arguments, tell=lambda line: progress(0.0, line or "Asking the package index"))
        entries: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    planned = [_planned(entry) for entry in entries]
    # Pip may miss installed packages where an application adds folders of its own at run time.
    return {package: url for package, url in planned if package.private or _canonical(package.name) not in installed}


def _planned(entry: dict[str, Any]) -> tuple[PlannedPackage, str]:
    url: str = entry["download_info"]["url"]
    name: str = entry["metadata"]["name"]
    wheel = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1])
    private = _canonical(name) == SLICING_LIBRARY.distribution
    return PlannedPackage(name, entry["metadata"]["version"], wheel, private=private), url


def _sizes(urls: Sequence[str], progress: Progress) -> list[int | None]:
    pool = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE)
    try:
        asked = [pool.submit(_size, url) for url in urls]
        pending = set(asked)
        while pending:
            pending = wait(pending, timeout=_BREATH_SECONDS).not_done
            progress(1 - len(pending) / len(asked), "Asking for sizes")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [answer.result() for answer in asked]


def _size(url: str) -> int | None:
    """Size of the file at an address, from its HTTP header; None when that does not state it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_LOOK_UP_SECONDS) as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, ValueError, TypeError):  # unreachable, refused, no such header
        return None
