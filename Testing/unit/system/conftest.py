"""A cohort on the disk, and programs that are stopped after the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.system import cluster


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take minutes to answer."""
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 120.0)
    monkeypatch.setattr(cluster, "_RETURN_SECONDS", 600.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 4, seed=5)
    return folder


@pytest.fixture
def started() -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Starts Python programs that are stopped after the test."""
    running: list[subprocess.Popen[str]] = []

    def start(program: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment, encoding="utf-8",
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
