"""Parallel work: the same results in order, however many processes."""

from __future__ import annotations

import os
import time

import pytest

from HabitatRadiomicsLib.workers import in_order, unordered


def _slow_first(number: int) -> tuple[int, int]:
    if number == 0:
        time.sleep(0.3)
    return number, os.getpid()


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
