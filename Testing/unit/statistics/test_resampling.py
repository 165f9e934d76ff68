"""Resamples: stratified, seeded, independent of one another and of who asks."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics import stratified_resample
from HabitatRadiomicsLib.statistics.resampling import grouped_resample, resample_weights

_OUTCOME = np.array([0, 1, 0, 0, 1, 0, 1, 0])


def test_each_place_keeps_its_outcome() -> None:
    for replicate in range(20):
        np.testing.assert_array_equal(_OUTCOME[stratified_resample(_OUTCOME, 0, replicate)], _OUTCOME)


def test_a_replicate_depends_on_seed_and_number_alone() -> None:
    later = stratified_resample(_OUTCOME, 3, 17)
    for replicate in range(17):
        stratified_resample(_OUTCOME, 3, replicate)
    np.testing.assert_array_equal(stratified_resample(_OUTCOME, 3, 17), later)
    assert len({tuple(stratified_resample(_OUTCOME, seed, 0)) for seed in range(10)}) > 5


def test_groups_are_drawn_whole_and_by_kind() -> None:
    outcome = np.array([0, 0, 1, 0, 1, 1, 1, 0, 1])
    groups = ["a", "a", "b", "b", "c", "d", "d", "e", "f"]  # a, e: 0 alone; b: both; c, d, f: 1 alone
    lengths = set()
    for replicate in range(50):
        sample = grouped_resample(outcome, groups, 0, replicate)
        drawn = [groups[case] for case in sample]
        times = {name: drawn.count(name) // groups.count(name) for name in "abcdef"}
        assert [drawn.count(name) for name in "abcdef"] == [times[name] * groups.count(name) for name in "abcdef"]
        assert (times["a"] + times["e"], times["b"], times["c"] + times["d"] + times["f"]) == (2, 1, 3)
        np.testing.assert_array_equal(sample, grouped_resample(outcome, groups, 0, replicate))
        lengths.add(len(sample))
    assert len(lengths) > 2


def test_weights_count_what_was_drawn_evenly() -> None:
    weights = resample_weights(_OUTCOME, count=4000, seed=1)
    assert weights.shape == (4000, 8)
    np.testing.assert_array_equal(weights[:, _OUTCOME == 1].sum(axis=1), 3)
    np.testing.assert_array_equal(weights[5], np.bincount(stratified_resample(_OUTCOME, 1, 5), minlength=8))
    # Each case is drawn once on average; the mean of 4000 binomials has an error of about 0.014.
    assert weights.mean(axis=0) == pytest.approx(np.ones(8), abs=0.06)
    assert weights[:, 0].var() == pytest.approx(1 - 1 / 5, abs=0.08)
