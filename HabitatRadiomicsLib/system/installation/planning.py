"""Finds out which packages would be installed, and the size of the download."""

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
_REQUESTS_AT_ONCE = 8
_REQUEST_SECONDS = 10
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class PlannedPackage:
    """A package that would be installed.

    Attributes:
        name: of the distribution.
        wheel: the name of its file.
        size: of the file in bytes; None if the index does not state it.
        private: whether it is installed in ``dependencies.private_folder()``.
    """

    name: str
    version: str
    wheel: str
    size: int | None = None
    private: bool = False

    @property
    def pin(self) -> str:
        """The version in pip's syntax."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class InstallationPlan:
    """The packages that would be installed; empty if nothing is missing."""

    packages: tuple[PlannedPackage, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to download, as far as known."""
        return sum(package.size or 0 for package in self.packages)


def plan_installation(python: str, *, progress: Progress = silent) -> InstallationPlan:
    """The packages that the running Python lacks, in versions compatible with all installed packages.

    Args:
        python: the interpreter that runs pip; in 3D Slicer ``PythonSlicer``, else ``sys.executable``.
        progress: called ten times a second; may raise ``Cancelled``.

    Raises:
        DependencyError: a package is not available, or would replace an installed one.
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
                f"{name} {requirement.installed()} is installed, but version {requirement.minimum} or newer is needed. "
                "Installed packages are never replaced.",
                remedy=f"Update {name} yourself if nothing else needs the old one, or use a newer 3D Slicer.",
            )


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    """Version of every distribution of the running Python, by canonical name; of several, the first is imported."""
    versions: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        # Broken distributions may have no name and no version, whatever the types say.
        name, version = distribution.metadata["Name"] or "", distribution.version or ""
        if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
            versions.setdefault(_canonical(name), version)
    return versions


def _resolved(
    python: str, wanted: Sequence[Requirement], installed: dict[str, str], progress: Progress
) -> dict[PlannedPackage, str]:
    """The packages that pip would install, with the addresses of their wheels."""
    with tempfile.TemporaryDirectory() as folder:
        constraints, report = Path(folder, "constraints.txt"), Path(folder, "report.json")
        pins = [f"{name}=={version}\n" for name, version in installed.items() if name != SLICING_LIBRARY.distribution]
        constraints.write_text("".join(pins), encoding="utf-8")
        # The report goes to a file, since pip's output holds other lines.
        arguments = ["install", "--dry-run", "--only-binary=:all:", "--report", str(report)]
        arguments += ["--constraint", str(constraints), *(requirement.specifier for requirement in wanted)]
        run_pip(python, arguments, tell=lambda line: progress(0.0, line or "Asking the package index"))
        entries: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
    planned = [_planned(entry) for entry in entries]
    # Pip may overlook installed packages if an application adds folders at run time.
    return {package: url for package, url in planned if package.private or _canonical(package.name) not in installed}


def _planned(entry: dict[str, Any]) -> tuple[PlannedPackage, str]:
    url: str = entry["download_info"]["url"]
    name: str = entry["metadata"]["name"]
    wheel = urllib.parse.unquote(urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1])
    private = _canonical(name) == SLICING_LIBRARY.distribution
    return PlannedPackage(name, entry["metadata"]["version"], wheel, private=private), url


def _sizes(urls: Sequence[str], progress: Progress) -> list[int | None]:
    pool = ThreadPoolExecutor(_REQUESTS_AT_ONCE)
    try:
        requests = [pool.submit(_size, url) for url in urls]
        pending = set(requests)
        while pending:
            pending = wait(pending, timeout=_POLL_SECONDS).not_done
            progress(1 - len(pending) / len(requests), "Asking for sizes")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [request.result() for request in requests]


def _size(url: str) -> int | None:
    """Size of the file at an address, from its HTTP header; None if the header does not state it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_REQUEST_SECONDS) as answer:
            return int(answer.headers["Content-Length"])
    except (OSError, ValueError, TypeError):  # unreachable, refused, no such header
        return None
