"""Pieces of work in threads: all of them, in order, no more than so many at once, and none after an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from HabitatRadiomicsLib.features.builtin.engine import in_threads


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_in_order(jobs: int) -> None:
    def piece(number: int) -> int:
        time.sleep(0.01 * (number % 3))
        return number

    assert list(in_threads((partial(piece, number) for number in range(12)), jobs)) == list(range(12))
    assert list(in_threads([], jobs)) == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_so_many_at_once_and_no_more(jobs: int) -> None:
    at_work, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(jobs)

    def piece() -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        together.wait(timeout=300)
        with lock:
            at_work -= 1

    list(in_threads([piece] * (3 * jobs), jobs))
    assert most == jobs


@pytest.mark.parametrize("jobs", [1, 2])
def test_the_first_error_ends_it(jobs: int) -> None:
    done = []

    def piece(number: int) -> None:
        if number == 1:
            raise ValueError("piece 1")
        time.sleep(0.02)
        done.append(number)

    pieces: list[Callable[[], None]] = [partial(piece, number) for number in range(2000)]
    with pytest.raises(ValueError, match="piece 1"):
        list(in_threads(pieces, jobs))
    assert len(done) < 1000  # in its own time, however busy the machine


def test_one_job_is_the_callers_thread() -> None:
    assert list(in_threads([threading.get_ident], 1)) == [threading.get_ident()]
