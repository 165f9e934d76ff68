"""Runs pip in a child process, and reports its failures as sentences."""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Sequence

from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.system.child_process import ChildProcess

_POLL_SECONDS = 0.1

#: Remedies for messages of pip or the system; the first match counts.
_REMEDIES = {
    r"no space left|errno 28|winerror 112|not enough space": "The disk is full: free some space and try again.",
    r"permission denied|access is denied|errno 13|errno 30|winerror 5\b|read-only file system": (
        "This user may not write there: install 3D Slicer (or Python) into a folder of your own, or start it once as "
        "an administrator to install the packages."
    ),
    r"connection broken|newconnectionerror|getaddrinfo|name resolution|max retries|timed out|readtimeout|"
    r"proxyerror|ssl(error|:)|certificate verify": (
        "The package index could not be reached: check the network and the proxy settings, and try again."
    ),
    r"resolutionimpossible|conflicting dependencies": (
        "Another version of a package that is installed would be needed. Installed packages are never replaced: "
        "update or remove it yourself, or use a fresh 3D Slicer."
    ),
    r"no matching distribution|could not find a version": (
        f"There is no ready-made package for this system (Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}): use a newer 3D Slicer (or Python)."
    ),
    r"no module named pip": "This Python has no pip: install 3D Slicer (or Python) again.",
}


def run_pip(python: str, arguments: Sequence[str], *, tell: Callable[[str], None]) -> None:
    """Run ``pip`` to its end.

    Args:
        python: the interpreter whose pip runs.
        arguments: of pip.
        tell: called with each line, and ten times a second with the last line; an exception stops pip.

    Raises:
        DependencyError: pip failed, with its last meaningful line.
    """
    options = ("--disable-pip-version-check", "--no-input", "--no-color")
    # Pip leaves its temporary files behind when it is stopped, so they get a folder that is removed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            child = ChildProcess(
                [python, "-m", "pip", *arguments, *options],
                environment={"TMPDIR": folder, "TEMP": folder, "TMP": folder},
            )
        except OSError as error:
            raise failure([str(error)]) from error
        lines = [""]
        try:
            ended = False
            while not ended:
                child.wait(_POLL_SECONDS)
                ended = child.status is not None
                new_lines = child.lines()
                lines += new_lines
                for line in new_lines or lines[-1:]:
                    tell(line)
        finally:
            child.stop()
        if child.status != 0:
            raise failure(lines)


def failure(lines: Sequence[str]) -> DependencyError:
    """The error that the output of pip, or a message of the system, describes."""
    text = "\n".join(lines).lower()
    remedies = (remedy for pattern, remedy in _REMEDIES.items() if re.search(pattern, text))
    messages = [line.strip() for line in lines if line.strip() and "ResolutionImpossible" not in line]
    errors = [line.removeprefix("ERROR:").strip() for line in messages if line.startswith("ERROR:")]
    reason = [*messages, *errors][-1].rstrip(".") if messages else "pip did not say why"
    conflicting = dict.fromkeys(re.findall(r"\(constraint\) (\S+)==(\S+)", "\n".join(lines)))
    if conflicting:
        reason += "; installed: " + ", ".join(f"{name} {version}" for name, version in conflicting)
    return DependencyError(
        f"The packages could not be installed, and nothing was changed: {reason}.",
        remedy=next(remedies, "Try again; if it fails again, report this message."),
    )
