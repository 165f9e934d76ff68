"""Work on a Dask cluster: the same bytes as here, whatever happens to its workers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.batch import CaseWork, run_cases
from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import load_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.errors import Cancelled, DependencyError, WorkersError
from HabitatRadiomicsLib.extraction import extract_cohort
from HabitatRadiomicsLib.fold_preparation import prepare_fold
from HabitatRadiomicsLib.learning.strategy import learn
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import protocol_from
from HabitatRadiomicsLib.stability import assess_stability
from HabitatRadiomicsLib.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.validation import cross_validate, gather, outer_folds
from HabitatRadiomicsLib.workers import cluster as clusters
from HabitatRadiomicsLib.workers import in_order, scheduler, unordered

from ..made_up_tables import alternating, columns, protocol, table

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

_FEW = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "features": {
        "classes": ["shape", "firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
}  # fmt: skip


#: Makes a worker say that it has another version of a package.
_OTHER = (
    "import importlib.metadata as metadata; real = metadata.version;"
    "metadata.version = lambda name: '1.25' if name == '{}' else real(name)"
)


@contextmanager
def _cluster(workers: int = 2, threads: int = 1, allowed_failures: int = 3) -> Iterator[str]:
    """Real worker processes on this machine, each with a nanny that starts it again; gives the address."""
    import dask

    settings = {"distributed.scheduler.allowed-failures": allowed_failures}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=threads, processes=True, dashboard_address=":0", silence_logs=60
        ) as cluster,
    ):
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with _cluster() as found:
        yield found


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
            [sys.executable, "-c", program], env=environment, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def _scheduler_program(port: int) -> str:
    return (
        "from distributed.cli.dask_scheduler import main;"
        f"main(['--host', '127.0.0.1', '--port', '{port}', '--no-dashboard'])"
    )


def _worker_program(address: str, before: str = "") -> str:
    options = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    return f"{before}\nfrom distributed.cli.dask_worker import main; main({options!r})"


def _free_port() -> int:
    with socket.socket() as waiting:
        waiting.bind(("127.0.0.1", 0))
        return int(waiting.getsockname()[1])


def _singular_values(seed: int) -> bytes:
    return np.linalg.svd(np.random.default_rng(seed).normal(size=(300, 300)), compute_uv=False).tobytes()


def _slow(number: int) -> tuple[int, int]:
    time.sleep(0.2)
    return number, os.getpid()


def _touch(number: int, folder: Path) -> int:
    (folder / str(number)).touch()
    time.sleep(0.2)
    return number


def _threads(number: int) -> list[int]:
    from threadpoolctl import threadpool_info

    return [row["num_threads"] for row in threadpool_info() if row["user_api"] == "blas"]


def _itself(value: Any) -> Any:
    return value


def _root(number: float) -> float:
    if number < 0:
        raise ValueError("no root")
    return float(number**0.5)


def _kills(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _dies_for_one(case: Case) -> dict[str, Any]:
    if case.case_id == "synthetic-002":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"case": case.case_id}


def test_numbers_have_the_same_bytes_as_here(address: str) -> None:
    items = [(seed,) for seed in range(12)]
    here = list(in_order(_singular_values, items))
    with scheduler(address):
        assert list(in_order(_singular_values, items)) == here


def test_the_workers_do_it_each_with_one_thread_for_linear_algebra(address: str) -> None:
    with scheduler(address):
        processes = {process for _, process in unordered(_slow, ((number,) for number in range(8)))}
        with distributed.Client(address, set_as_default=False) as client:
            assert processes == set(client.run(os.getpid).values())
        for threads in unordered(_threads, [(0,), (1,)]):
            assert threads
            assert set(threads) == {1}
    assert len(processes) == 2
    # Outside, it is done here again.
    assert {process for _, process in unordered(_slow, [(0,)])} == {os.getpid()}


def test_without_an_address_nothing_changes() -> None:
    with scheduler(None):
        assert {process for _, process in unordered(_slow, [(0,)])} == {os.getpid()}


def test_items_are_made_when_they_are_needed(address: str) -> None:
    made = []

    def items() -> Iterator[tuple[float]]:
        for number in range(50):
            made.append(number)
            yield (float(number),)

    with scheduler(address):
        results = in_order(_root, items())
        assert next(results) == 0.0
        assert len(made) < 10
        assert list(results)[-1] == 7.0


def test_arguments_arrive_as_they_are(address: str) -> None:
    """Dask takes a tuple that begins with a function for a task, and a text for the name of one."""
    items = [((_root, 4.0),), ([_root, {"a": (_root,)}],), ("on_one_thread",), ((1, (2, [3])),)]
    with scheduler(address):
        assert list(in_order(_itself, items)) == [item for (item,) in items]


def test_an_error_reaches_the_caller(address: str) -> None:
    with scheduler(address), pytest.raises(ValueError, match="no root"):
        list(in_order(_root, [(4.0,), (-1.0,)]))


def test_what_has_not_begun_is_stopped_with_the_caller(address: str, tmp_path: Path) -> None:
    def stop() -> None:
        for number in unordered(_touch, ((number, tmp_path) for number in range(100))):
            if number >= 2:
                raise Cancelled

    with distributed.Client(address, set_as_default=False) as client, scheduler(address):
        with pytest.raises(Cancelled):
            stop()
        begun = len(list(tmp_path.iterdir()))
        time.sleep(1.5)  # in which seven more would be done by each worker
        assert len(list(tmp_path.iterdir())) <= begun + 2
        assert begun < 12
        assert not any(client.processing().values())


def test_a_cohort_has_the_same_table_and_files_as_here(
    address: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With paths relative to this process's folder, where the workers are not."""
    few = protocol_from(_FEW, where="test")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "cohort")
    cohort = load_cohort(Path("cohort/images.csv"), Path("cohort/clinical.csv"))
    here = extract_cohort(cohort, few, Path("here"))
    with scheduler(address):
        there = extract_cohort(cohort, few, Path("there"))
    assert here.table.columns == there.table.columns
    assert here.table.values.tobytes() == there.table.values.tobytes()
    assert here.protocol == there.protocol
    written = sorted(path.relative_to("here") for path in Path("here").rglob("*.json"))
    assert len(written) == 8
    for path in written:
        assert (Path("here") / path).read_bytes() == (Path("there") / path).read_bytes()
    assert extract_cohort(cohort, few, Path("there")).reused == 4


def test_folds_permutations_and_bootstrap_samples_are_those_made_here(address: str) -> None:
    names = columns("T1W_whole", features=12)
    study = table(alternating(40), names, planted={3: 2.5}, seed=6)
    learning = {"folds": 2, "repeats": 2, "permutations": 4, "optimism_bootstraps": 4, "learning_curve": True}
    settings = protocol(learning=learning)
    folds = outer_folds(study.outcome, study.patients, settings)
    prepared = prepare_fold(study, np.arange(40), settings)
    learned = learn(prepared.training_table(study), settings.learning, seed=1)

    def made() -> tuple[list[bytes], object]:
        validation = gather(list(cross_validate(folds, (study for _ in folds), settings)), 40)
        scores = [validation.probabilities.tobytes(), *(row.scores.tobytes() for row in validation.held_out.values())]
        return scores, assess_stability(study, prepared, learned, settings)

    here = made()
    with scheduler(address):
        there = made()
    assert here[0] == there[0]
    assert repr(here[1]) == repr(there[1])


def test_a_failing_case_is_reported_and_the_others_are_measured(address: str, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "images" / "synthetic-000" / "T1W.nrrd").write_bytes(b"not an image")
    cohort = load_cohort(copy / "images.csv")
    with scheduler(address):
        found = extract_cohort(cohort, protocol_from(_FEW, where="test"), tmp_path / "work")
    assert found.table.case_ids == ("synthetic-001", "synthetic-002", "synthetic-003")
    assert [row.case_id for row in found.problems] == ["synthetic-000"]
    assert "cannot be read" in found.problems[0].problem


def test_a_killed_workers_items_are_done_again() -> None:
    with _cluster() as address, scheduler(address):
        found = []
        for number, process in unordered(_slow, ((number,) for number in range(16))):
            found.append(number)
            if len(found) == 3:
                os.kill(process, signal.SIGKILL)
    assert sorted(found) == list(range(16))


def test_a_case_that_kills_every_worker_is_reported_and_the_others_are_measured(folder: Path, tmp_path: Path) -> None:
    cohort = load_cohort(folder / "images.csv")
    work = CaseWork(tmp_path / "features", "key", None, False, _dies_for_one)
    with _cluster(allowed_failures=1) as address, scheduler(address):
        answers, problems, _ = run_cases(cohort.cases, work, 2, silent)
    assert set(answers) == {case.case_id for case in cohort.cases} - {"synthetic-002"}
    assert [problem.case_id for problem in problems] == ["synthetic-002"]
    assert "process that measured this case died" in problems[0].problem


def test_work_that_kills_every_worker_and_cannot_be_lost_is_told_in_a_sentence() -> None:
    with (
        _cluster(allowed_failures=0) as address,
        scheduler(address),
        pytest.raises(WorkersError, match="died twice over the same work"),
    ):
        list(in_order(_kills, ((number,) for number in range(6))))


def test_nobody_answers() -> None:
    address = f"tcp://127.0.0.1:{_free_port()}"
    begun = time.monotonic()
    with (
        pytest.raises(WorkersError, match=r"No Dask scheduler answers there.*dask scheduler") as caught,
        scheduler(address),
    ):
        pass
    assert caught.value.where == address
    assert time.monotonic() - begun < 15


def test_somebody_else_answers() -> None:
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
        _cluster(workers=0) as address,
        pytest.raises(WorkersError, match=r"has no worker.*dask worker"),
        scheduler(address),
    ):
        pass


def test_workers_with_several_threads_are_refused() -> None:
    with (
        _cluster(workers=1, threads=2) as address,
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
    with _cluster(workers=0) as address:
        started(_worker_program(address, before))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=30)
        with pytest.raises(WorkersError, match=f"{problem}.*same environment") as caught, scheduler(address):
            pass
    assert caught.value.where.startswith("tcp://")


def test_all_workers_gone_for_good_is_told(
    started: Callable[[str], subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with _cluster(workers=0) as address:
        worker = started(_worker_program(address))
        with distributed.Client(address, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=30)
        with scheduler(address):
            monkeypatch.setattr(clusters, "_ANSWER_SECONDS", 0.3)
            monkeypatch.setattr(clusters, "_RETURN_SECONDS", 1.0)
            results = unordered(_slow, ((number,) for number in range(50)))
            next(results)
            worker.kill()
            with pytest.raises(WorkersError, match=r"no worker left.*goes on where it was"):
                list(results)


def test_the_scheduler_gone_is_told(started: Callable[[str], subprocess.Popen[str]]) -> None:
    address = f"tcp://127.0.0.1:{(port := _free_port())}"
    process = started(_scheduler_program(port))
    started(_worker_program(address))
    with distributed.Client(address, timeout=30, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=30)
    with scheduler(address):
        results = unordered(_slow, ((number,) for number in range(50)))
        next(results)
        process.kill()
        with pytest.raises(WorkersError, match="scheduler has gone"):
            list(results)


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DependencyError, match=r"pip install .*\[cluster\]"), scheduler("tcp://127.0.0.1:8786"):
        pass
    assert list(in_order(_root, [(4.0,)])) == [2.0]


def test_command_works_on_a_cluster_and_writes_the_same_bytes(
    address: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "few.yaml"
    settings.write_text(json.dumps(_FEW))
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--protocol", str(settings), "--out"]
    assert main([*arguments, str(tmp_path / "here")]) == 0
    assert main([*arguments, str(tmp_path / "there"), "--scheduler", address]) == 0
    assert "4 of 4 cases" in capsys.readouterr().out
    names = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file())
    assert Path("features.csv") in names
    for name in names:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
    nobody = f"tcp://127.0.0.1:{_free_port()}"
    assert main([*arguments, str(tmp_path / "nobody"), "--scheduler", nobody]) == 2
    assert "No Dask scheduler answers there" in capsys.readouterr().err
    assert not (tmp_path / "nobody").exists()


def test_control_c_stops_the_command_and_leaves_nothing_with_the_cluster(
    address: str, folder: Path, tmp_path: Path, started: Callable[[str], subprocess.Popen[str]]
) -> None:
    settings = tmp_path / "few.yaml"
    settings.write_text(json.dumps(_FEW))
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--protocol", str(settings)]
    arguments += ["--out", str(tmp_path / "out"), "--scheduler", address]
    # A program that is started in the background may have been told to leave the signal alone.
    process = started(
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"from HabitatRadiomicsLib.commands.program import main; sys.exit(main({arguments!r}))"
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").rglob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    with distributed.Client(address, set_as_default=False) as client:
        while any(client.processing().values()) and time.monotonic() < deadline:
            time.sleep(0.1)  # what had begun ends
        assert not any(client.processing().values())
    assert not (tmp_path / "out" / "features.csv").exists()
