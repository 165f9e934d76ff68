"""A Dask cluster whose workers die, or that is none: told in a sentence, and what can be done is done."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.errors import DependencyError, WorkersError
from HabitatRadiomicsLib.extraction.kept_cases import CaseWork, run_cases
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.system import cluster as clusters
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.system.parallel import in_order, unordered

from .cluster_processes import free_port, local_cluster, root, scheduler_program, slow, worker_program

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")


#: Makes a worker say that it has another version of a package.
_OTHER = (
    "import importlib.metadata as metadata; real = metadata.version;"
    "metadata.version = lambda name: '1.25' if name == '{}' else real(name)"
)


def _kills(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _dies_for_one(case: Case) -> dict[str, Any]:
    if case.case_id == "synthetic-002":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"case": case.case_id}


def test_a_killed_workers_items_are_done_again() -> None:
    with local_cluster() as address, scheduler(address):
        found = []
        for number, process in unordered(slow, ((number,) for number in range(16))):
            found.append(number)
            if len(found) == 3:
                os.kill(process, signal.SIGKILL)
    assert sorted(found) == list(range(16))


def test_a_case_that_kills_every_worker_is_reported_and_the_others_are_measured(folder: Path, tmp_path: Path) -> None:
    cohort = load_cohort(folder / "images.csv")
    work = CaseWork(tmp_path / "features", "key", None, False, _dies_for_one)
    with local_cluster(allowed_failures=1) as address, scheduler(address):
        answers, problems, _ = run_cases(cohort.cases, work, 2, silent)
    assert set(answers) == {case.case_id for case in cohort.cases} - {"synthetic-002"}
    assert [problem.case_id for problem in problems] == ["synthetic-002"]
    assert "process that measured this case died" in problems[0].problem


def test_work_that_kills_every_worker_and_cannot_be_lost_is_told_in_a_sentence() -> None:
    with (
        local_cluster(allowed_failures=0) as address,
        scheduler(address),
        pytest.raises(WorkersError, match="died twice over the same work"),
    ):
        list(in_order(_kills, ((number,) for number in range(6))))


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 2.0)
    address = f"tcp://127.0.0.1:{free_port()}"
    with (
        pytest.raises(WorkersError, match=r"No Dask scheduler answers there.*dask scheduler") as caught,
        scheduler(address),
    ):
        pass
    assert caught.value.where == address


def test_somebody_else_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 2.0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(WorkersError, match="No Dask scheduler answers"), scheduler(address):
            pass


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1", "ftp://127.0.0.1:80", "tcp://127.0.0.1:x", ""])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(WorkersError, match="No Dask scheduler answers"), scheduler(address):
        pass


def test_a_cluster_without_workers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 2.0)
    with (
        local_cluster(workers=0) as address,
        pytest.raises(WorkersError, match=r"has no worker.*dask worker"),
        scheduler(address),
    ):
        pass


def test_workers_with_several_threads_are_refused() -> None:
    with (
        local_cluster(workers=1, threads=2) as address,
        pytest.raises(WorkersError, match=r"has 2 threads.*--nthreads 1"),
        scheduler(address),
    ):
        pass


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ("import sys; sys.modules['HabitatRadiomicsLib'] = None", "lacks HabitatRadiomicsLib"),
        ("import HabitatRadiomicsLib; HabitatRadiomicsLib.__version__ = '0.0.1'", "HabitatRadiomics 0.0.1"),
        (_OTHER.format("numpy"), r"numpy 1\.25"),
        (
            "import distributed, distributed.versions as told; real = told.get_package_info;"
            "told.get_package_info = lambda names: {**real(names), 'distributed': '1.25'}",
            r"distributed 1\.25",
        ),
    ],
    ids=["no library", "other library", "other numpy", "other Dask"],
)  # fmt: skip
def test_workers_whose_numbers_could_differ_are_refused(
    started: Callable[[str], subprocess.Popen[str]], before: str, problem: str
) -> None:
    with local_cluster(workers=0) as address:
        started(worker_program(address, before))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=300)
        with pytest.raises(WorkersError, match=f"{problem}.*same environment") as caught, scheduler(address):
            pass
    assert caught.value.where.startswith("tcp://")


def test_all_workers_gone_for_good_is_told(
    started: Callable[[str], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_cluster(workers=0) as address:
        worker = started(worker_program(address))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=300)
        with scheduler(address):
            monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 0.3)
            monkeypatch.setattr(clusters, "_RETURN_SECONDS", 1.0)
            results = unordered(slow, ((number,) for number in range(50)))
            next(results)
            worker.kill()
            with pytest.raises(WorkersError, match=r"no worker left.*resumes where it stopped"):
                list(results)


def test_the_scheduler_gone_is_told(started: Callable[[str], subprocess.Popen[str]]) -> None:
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    process = started(scheduler_program(port))
    started(worker_program(address))
    with distributed.Client(address, timeout=300, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=300)
    with scheduler(address):
        results = unordered(slow, ((number,) for number in range(50)))
        next(results)
        process.kill()
        with pytest.raises(WorkersError, match="scheduler no longer answers"):
            list(results)


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DependencyError, match=r"pip install .*\[cluster\]"), scheduler("tcp://127.0.0.1:8786"):
        pass
    assert list(in_order(root, [(4.0,)])) == [2.0]
