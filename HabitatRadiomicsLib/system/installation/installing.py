"""Installs a plan: packages are unpacked beside the installed ones first, then moved into place."""

from __future__ import annotations

import importlib
import re
import shutil
import sysconfig
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.system.installation.dependencies import private_folder
from HabitatRadiomicsLib.system.installation.pip import failure, run_pip
from HabitatRadiomicsLib.system.installation.planning import InstallationPlan, PlannedPackage

_WHEEL = re.compile(r"(?:Downloading|Using cached|Processing) \S*?([^/\\\s]+\.whl)(?![.\w])")
#: Folders that pip adds to a target folder beside the packages; they are not imported.
_NOT_PACKAGES = frozenset({"bin", "Scripts", "etc", "include", "share"})
_UNKNOWN_SIZE = 1_000_000
#: The fraction of pip's work that is done after the last download.
_DOWNLOADED = 0.8


def install(plan: InstallationPlan, *, python: str, progress: Progress = silent) -> None:
    """Install exactly the planned packages, all or none.

    Pip unpacks into a folder beside the packages, and nothing that can be imported changes before it has succeeded:
    after a failure, a cancellation or a crash, the environment is as before.

    Args:
        plan: from :func:`plan_installation`, made in this environment.
        python: the interpreter that runs pip.
        progress: called ten times a second with pip's lines; may raise ``Cancelled``.

    Raises:
        DependencyError: pip failed, or the packages cannot be put in place.
    """
    if not plan.packages:
        return
    site, private = Path(sysconfig.get_path("purelib")), private_folder()
    staging = site / "habitat_radiomics_new"
    placed: list[Path] = []
    try:
        shutil.rmtree(staging, ignore_errors=True)  # left by an installation that was killed
        for folder, private_ones, start, end in (("public", False, 0.0, 0.9), ("private", True, 0.9, 0.95)):
            (staging / folder).mkdir(parents=True)
            packages = [package for package in plan.packages if package.private == private_ones]
            _unpack(packages, staging / folder, python, part(progress, start, end))
        progress(0.95, "Putting the packages in place")
        _place(staging / "public", site, placed)
        if any((staging / "private").iterdir()):
            shutil.rmtree(private, ignore_errors=True)  # incomplete, or it would not be planned again
            placed.append(private)
            shutil.move(staging / "private", private)
        progress(1.0, "Installed")
    except BaseException as error:
        for path in placed:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise failure([str(error)]) from error
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        importlib.invalidate_caches()


def _unpack(packages: Sequence[PlannedPackage], folder: Path, python: str, progress: Progress) -> None:
    if packages:
        arguments = ["install", "--no-deps", "--only-binary=:all:", "--target", str(folder)]
        fraction = _fraction(packages)
        pins = [package.pin for package in packages]
        run_pip(python, [*arguments, *pins], tell=lambda line: progress(fraction(line), line))


def _fraction(packages: Sequence[PlannedPackage]) -> Callable[[str], float]:
    """Progress of pip by its output: the last wheel named is being downloaded, the earlier ones are complete."""
    waiting = {package.wheel: package.size or _UNKNOWN_SIZE for package in packages}
    total, arrived, arriving = sum(waiting.values()), 0, 0

    def fraction(line: str) -> float:
        nonlocal arrived, arriving
        match = _WHEEL.match(line.strip())
        weight = waiting.pop(urllib.parse.unquote(match[1]), None) if match else None
        if weight is not None:
            arrived, arriving = arrived + arriving, weight
        if line.startswith("Installing collected packages"):
            arrived, arriving = total, 0
        return _DOWNLOADED * arrived / total

    return fraction


def _place(source: Path, target: Path, placed: list[Path]) -> None:
    """Move the content of one folder into another and list what was moved; existing files are never replaced."""
    for path in sorted(source.iterdir()):
        goal = target / path.name
        if path.name in _NOT_PACKAGES or (path.name == "__pycache__" and goal.exists()):
            continue
        if not goal.exists():
            placed.append(goal)
            shutil.move(path, goal)
        elif path.is_dir() and goal.is_dir():  # packages may share a folder
            _place(path, goal, placed)
        else:
            raise DependencyError(
                "A file of a package to be installed exists already and belongs to no installed package.",
                where=str(goal),
                remedy="Remove its folder, which an earlier installation left behind, and try again.",
            )
