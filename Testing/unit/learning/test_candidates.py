"""Which rad-scores compete."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.protocol import LearningSettings

_FEATURE = "original_glcm_Contrast"


def _columns(*groups: str) -> tuple[str, ...]:
    return tuple(f"{group}_{feature}" for group in groups for feature in (_FEATURE, "original_glcm_JointEnergy"))


_ALL = _columns("T1W_whole", "T1W_S1", "T1W_S2", "T2FS_whole", "T2FS_S1", "T2FS_S2", "T2FS_S3", "T2FS_ring")


def _names(columns: tuple[str, ...], *regions: str) -> list[str]:
    settings = LearningSettings(regions=regions or None)
    return [candidate.name for candidate in candidates_of(columns, settings)]


def test_single_sequences_come_first_then_regions_that_several_have() -> None:
    assert _names(_ALL) == [
        "T1W whole", "T1W S1", "T1W S2", "T2FS whole", "T2FS S1", "T2FS S2", "T2FS S3", "T2FS ring",
        "T1W+T2FS whole", "T1W+T2FS S1", "T1W+T2FS S2",
    ]  # fmt: skip


def test_one_sequence_has_nothing_to_fuse() -> None:
    assert _names(_columns("T1W_whole", "T1W_S1")) == ["T1W whole", "T1W S1"]


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (["S2"], ["T1W S2", "T2FS S2", "T1W+T2FS S2"]),
        (["ring"], ["T2FS ring"]),
        (["whole", "S3"], ["T1W whole", "T2FS whole", "T2FS S3", "T1W+T2FS whole"]),
        (["habitats"], ["T1W S1", "T1W S2", "T2FS S1", "T2FS S2", "T2FS S3", "T1W+T2FS S1", "T1W+T2FS S2"]),
        (["S9"], []),
    ],
    ids=str,
)
def test_a_protocol_may_name_the_regions(regions: list[str], expected: list[str]) -> None:
    assert _names(_ALL, *regions) == expected


def test_the_tenth_habitat_is_not_the_first() -> None:
    columns = _columns("T1W_S1", "T1W_S10", "T1W_S11")
    assert Candidate(("T1W",), "S1").columns(columns).tolist() == [0, 1]
    assert Candidate(("T1W",), "S10").columns(columns).tolist() == [2, 3]


def test_a_sequence_is_not_one_whose_name_begins_alike() -> None:
    columns = _columns("T1_whole", "T1-late_whole")
    assert Candidate(("T1",), "whole").columns(columns).tolist() == [0, 1]
    assert Candidate(("T1-late", "T1"), "whole").columns(columns).tolist() == [0, 1, 2, 3]


def test_a_case_has_a_region_when_any_feature_of_each_sequence_is_there() -> None:
    columns = _columns("T1W_S1", "T2FS_S1")
    nan = np.nan
    values = np.array([[1, 1, 1, 1], [nan, 1, nan, 1], [nan, nan, 1, 1], [1, 1, nan, nan], [nan, nan, nan, nan]])
    assert Candidate(("T1W", "T2FS"), "S1").measured(columns, values).tolist() == [True, True, False, False, False]
    assert Candidate(("T1W",), "S1").measured(columns, values).tolist() == [True, True, False, True, False]
    assert not Candidate(("PET",), "S1").measured(columns, values).any()


def test_values_at_baseline_and_changes_compete_and_are_not_fused() -> None:
    columns = _columns("baseline_CT_whole", "baseline_PET_whole", "delta_CT_whole", "delta_PET_whole", "delta_PET_S1")
    assert _names(columns) == [
        "baseline CT whole", "baseline PET whole", "delta CT whole", "delta PET whole", "delta PET S1",
        "baseline CT+PET whole", "delta CT+PET whole",
    ]  # fmt: skip
    fused = candidates_of(columns, LearningSettings())[-1]
    assert fused.columns(columns).tolist() == [4, 5, 6, 7]


def test_one_sequence_at_two_time_points_is_not_fused_with_itself() -> None:
    columns = _columns("baseline_CT_whole", "delta_CT_whole")
    assert _names(columns) == ["baseline CT whole", "delta CT whole"]
    classic, change = candidates_of(columns, LearningSettings())
    assert (classic.columns(columns).tolist(), change.columns(columns).tolist()) == ([0, 1], [2, 3])
    values = np.array([[1, 1, np.nan, np.nan], [1, 1, 1, 1]])
    assert classic.measured(columns, values).tolist() == [True, True]
    assert change.measured(columns, values).tolist() == [False, True]
