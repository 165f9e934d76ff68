"""Work on a Dask cluster: the same bytes as here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.errors import Cancelled
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.learning.folds import outer_folds
from HabitatRadiomicsLib.learning.preparation import prepare_fold
from HabitatRadiomicsLib.learning.strategy import learn
from HabitatRadiomicsLib.protocol import protocol_from
from HabitatRadiomicsLib.system import cluster
from HabitatRadiomicsLib.system.cluster import _AHEAD, scheduler
from HabitatRadiomicsLib.system.parallel import in_order, unordered
from HabitatRadiomicsLib.validation.nested import STRATEGY, cross_validate, gather
from HabitatRadiomicsLib.validation.stability import assess_stability

from ..made_up_tables import alternating, columns, protocol, table
from .cluster_processes import FEW, free_port, local_cluster, root, slow

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_cluster() as found:
        yield found


def _singular_values(seed: int) -> bytes:
    return np.linalg.svd(np.random.default_rng(seed).normal(size=(300, 300)), compute_uv=False).tobytes()


def _touch(number: int, folder: Path) -> int:
    (folder / str(number)).touch()
    time.sleep(0.2)
    return number


def _threads(number: int) -> list[int]:
    from threadpoolctl import threadpool_info

    return [row["num_threads"] for row in threadpool_info() if row["user_api"] == "blas"]


def _wait_until_idle(client: Any) -> None:
    """Until what had begun has ended."""
    while any(client.processing().values()):
        time.sleep(0.05)


def _itself(value: Any) -> Any:
    return value


def test_numbers_have_the_same_bytes_as_here(address: str) -> None:
    items = [(seed,) for seed in range(12)]
    here = list(in_order(_singular_values, items))
    with scheduler(address):
        assert list(in_order(_singular_values, items)) == here


def test_the_workers_do_it_each_with_one_thread_for_linear_algebra(address: str) -> None:
    with scheduler(address):
        processes = {process for _, process in unordered(slow, ((number,) for number in range(8)))}
        with distributed.Client(address, set_as_default=False) as client:
            assert processes == set(client.run(os.getpid).values())
        for threads in unordered(_threads, [(0,), (1,)]):
            assert threads
            assert set(threads) == {1}
    assert len(processes) == 2
    # Outside, it is done here again.
    assert {process for _, process in unordered(slow, [(0,)])} == {os.getpid()}


def test_without_an_address_nothing_changes() -> None:
    with scheduler(None):
        assert {process for _, process in unordered(slow, [(0,)])} == {os.getpid()}


def test_items_are_made_when_they_are_needed(address: str) -> None:
    made = []

    def items() -> Iterator[tuple[float]]:
        for number in range(50):
            made.append(number)
            yield (float(number),)

    with scheduler(address):
        results = in_order(root, items())
        assert next(results) == 0.0
        assert len(made) < 10
        assert list(results)[-1] == 7.0


def test_arguments_arrive_as_they_are(address: str) -> None:
    """Dask takes a tuple that begins with a function for a task, and a text for the name of one."""
    items = [((root, 4.0),), ([root, {"a": (root,)}],), ("on_one_thread",), ((1, (2, [3])),)]
    with scheduler(address):
        assert list(in_order(_itself, items)) == [item for (item,) in items]


def test_an_error_reaches_the_caller(address: str) -> None:
    with scheduler(address), pytest.raises(ValueError, match="no root"):
        list(in_order(root, [(4.0,), (-1.0,)]))


def test_what_has_not_begun_is_stopped_with_the_caller(address: str, tmp_path: Path) -> None:
    def stop() -> None:
        for number in unordered(_touch, ((number, tmp_path) for number in range(100))):
            if number >= 2:
                raise Cancelled

    with distributed.Client(address, set_as_default=False) as client, scheduler(address):
        with pytest.raises(Cancelled):
            stop()
        _wait_until_idle(client)
        # Three were taken, and as many as the two workers have at once were with them.
        assert len(list(tmp_path.iterdir())) <= 3 + 2 * _AHEAD


def test_a_cohort_has_the_same_table_and_files_as_here(
    address: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With paths relative to this process's folder, where the workers are not."""
    few = protocol_from(FEW, where="test")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, "cohort")
    cohort = load_cohort(Path("cohort/images.csv"), Path("cohort/clinical.csv"))
    here = extract_features(cohort, few, Path("here"))
    with scheduler(address):
        there = extract_features(cohort, few, Path("there"))
    assert list(here.table.columns) == list(there.table.columns)
    assert here.table.values.tobytes() == there.table.values.tobytes()
    assert here.protocol == there.protocol
    written = sorted(path.relative_to("here") for path in Path("here").rglob("*.json"))
    assert len(written) == 8
    for path in written:
        assert (Path("here") / path).read_bytes() == (Path("there") / path).read_bytes()
    assert extract_features(cohort, few, Path("there")).reused == 4


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
        probabilities = validation.probabilities[STRATEGY]
        scores = [probabilities.tobytes(), *(row.scores.tobytes() for row in validation.held_out.values())]
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
        found = extract_features(cohort, protocol_from(FEW, where="test"), tmp_path / "work")
    assert tuple(found.table.index) == ("synthetic-001", "synthetic-002", "synthetic-003")
    assert [row.case_id for row in found.problems] == ["synthetic-000"]
    assert "cannot be read" in found.problems[0].problem


def test_command_works_on_a_cluster_and_writes_the_same_bytes(
    address: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = tmp_path / "few.yaml"
    settings.write_text(json.dumps(FEW), encoding="utf-8")
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--protocol", str(settings), "--out"]
    assert main([*arguments, str(tmp_path / "here")]) == 0
    assert main([*arguments, str(tmp_path / "there"), "--scheduler", address]) == 0
    assert "4 of 4 cases" in capsys.readouterr().out
    names = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*") if path.is_file())
    assert Path("features.csv") in names
    for name in names:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()
    nobody = f"tcp://127.0.0.1:{free_port()}"
    monkeypatch.setattr(cluster, "_ANSWER_SECONDS", 2.0)
    assert main([*arguments, str(tmp_path / "nobody"), "--scheduler", nobody]) == 2
    assert "No Dask scheduler answers there" in capsys.readouterr().err
    assert not (tmp_path / "nobody").exists()


def test_control_c_stops_the_command_and_leaves_nothing_with_the_cluster(
    address: str, folder: Path, tmp_path: Path, started: Callable[[str], subprocess.Popen[str]]
) -> None:
    settings = tmp_path / "few.yaml"
    settings.write_text(json.dumps(FEW), encoding="utf-8")
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--protocol", str(settings)]
    arguments += ["--out", str(tmp_path / "out"), "--scheduler", address]
    # A program that is started in the background may have been told to leave the signal alone.
    process = started(
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"from HabitatRadiomicsLib.system import cluster; cluster._ANSWER_SECONDS = {cluster._ANSWER_SECONDS};"
        f"from HabitatRadiomicsLib.commands.program import main; sys.exit(main({arguments!r}))"
    )
    while not list((tmp_path / "out").rglob("*.json")) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(300) == 130
    with distributed.Client(address, set_as_default=False) as client:
        _wait_until_idle(client)
    assert not (tmp_path / "out" / "features.csv").exists()
