"""Parallel work: the same results in order, however many processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from HabitatRadiomicsLib.errors import WorkersError
from HabitatRadiomicsLib.system.parallel import in_order, unordered


def _slow_first(number: int) -> tuple[int, int]:
    if number == 0:
        time.sleep(0.3)
    return number, os.getpid()


def _threads(number: int) -> list[int]:
    import scipy.linalg
    from threadpoolctl import threadpool_info

    scipy.linalg.svdvals([[float(number)]])
    return [row["num_threads"] for row in threadpool_info() if row["user_api"] == "blas"]


def _kills(number: int, deadly: int) -> int:
    if number == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _kills_once(number: int, marker: Path) -> int:
    if number == 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _minus(number: int, deadly: int) -> int:
    return -number


def _root(number: float) -> float:
    if number < 0:
        raise ValueError("no root")
    return float(number**0.5)


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_stand_in_their_items_place(jobs: int) -> None:
    found = list(in_order(_slow_first, ((number,) for number in range(6)), jobs))
    assert [number for number, _ in found] == list(range(6))


def test_two_jobs_are_two_processes_and_neither_is_this_one() -> None:
    processes = {process for _, process in unordered(_slow_first, ((number,) for number in range(8)), 2)}
    assert os.getpid() not in processes


def test_items_are_made_when_they_are_needed() -> None:
    """Tables of all folds at once would not fit into memory."""
    made = []

    def items():
        for number in range(50):
            made.append(number)
            yield (float(number),)

    results = in_order(_root, items(), 1)
    assert next(results) == 0.0
    assert len(made) < 10
    assert list(results)[-1] == 7.0


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_reaches_the_caller(jobs: int) -> None:
    with pytest.raises(ValueError, match="no root"):
        list(in_order(_root, [(4.0,), (-1.0,)], jobs))


@pytest.mark.parametrize("jobs", [1, 2])
def test_linear_algebra_has_one_thread(jobs: int) -> None:
    for threads in unordered(_threads, ((number,) for number in range(3)), jobs):
        assert threads
        assert set(threads) == {1}


def test_an_item_that_kills_its_process_is_lost_and_the_others_are_done() -> None:
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number, 3

    found = list(unordered(_kills, items(), 2, lost=_minus))
    assert sorted(found) == sorted([-3, *(number for number in range(20) if number != 3)])
    assert taken == list(range(20))


def test_an_item_whose_process_was_killed_is_done_again(tmp_path: Path) -> None:
    """By the system, say, that ran out of memory for another program's sake."""
    marker = tmp_path / "killed"
    assert list(in_order(_kills_once, ((number, marker) for number in range(8)), 2)) == list(range(8))
    assert marker.exists()


def test_work_that_kills_its_process_and_cannot_be_lost_is_told_in_a_sentence() -> None:
    with pytest.raises(WorkersError, match="died twice over the same work"):
        list(in_order(_kills, ((number, 3) for number in range(6)), 2))


def test_no_items_no_results() -> None:
    assert list(unordered(_root, [], 2)) == list(in_order(_root, [], 1)) == []
