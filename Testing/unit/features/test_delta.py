"""Changes of features: follow-up minus baseline, and nothing invented where one of them is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.delta import measured_names, value_of, with_deltas
from HabitatRadiomicsLib.protocol import TimePoints

_MOMENTS = TimePoints(baseline="pre", followup="week6")
_COLUMNS = (
    "pre_CT_whole_original_glcm_Contrast",
    "pre_CT_whole_original_firstorder_Mean",
    "week6_CT_whole_original_firstorder_Mean",
    "week6_CT_whole_original_glcm_Contrast",
)


def _table(columns: tuple[str, ...], *rows: list[float]) -> pd.DataFrame:
    index = [f"P{number}" for number in range(len(rows))]
    return pd.DataFrame(np.array(rows, dtype=float), index=index, columns=list(columns))


def test_baseline_and_changes_are_learned_from() -> None:
    found = with_deltas(_table(_COLUMNS, [1, 10, 13, 0.5], [2, 20, 20, 8]), _MOMENTS)
    assert list(found.index) == ["P0", "P1"]
    assert tuple(found.columns) == (
        *_COLUMNS[:2], "delta_CT_whole_original_glcm_Contrast", "delta_CT_whole_original_firstorder_Mean",
    )  # fmt: skip
    assert found.values.tolist() == [[1, 10, -0.5, 3], [2, 20, 6, 0]]


def test_a_table_for_readers_keeps_the_follow_up() -> None:
    found = with_deltas(_table(_COLUMNS, [1, 10, 13, 0.5]), _MOMENTS, with_followup=True)
    assert tuple(found.columns[:4]) == (*_COLUMNS[:2], *_COLUMNS[2:])
    assert found.values.tolist() == [[1, 10, 13, 0.5, -0.5, 3]]


def test_a_change_of_what_is_not_defined_is_not_defined() -> None:
    nan = float("nan")
    found = with_deltas(_table(_COLUMNS, [nan, 10, nan, 0.5]), _MOMENTS)
    np.testing.assert_array_equal(found.values, [[nan, 10, nan, nan]])


def test_what_was_measured_at_one_time_point_only_has_no_change() -> None:
    columns = ("pre_CT_S1_original_glcm_Contrast", "week6_CT_S2_original_glcm_Contrast")
    found = with_deltas(_table(columns, [1, 2]), _MOMENTS)
    assert (tuple(found.columns), found.values.tolist()) == (columns[:1], [[1]])
    assert tuple(with_deltas(_table(columns, [1, 2]), _MOMENTS, with_followup=True).columns) == columns


def test_one_time_point_leaves_a_table_as_it_is() -> None:
    table = _table(("CT_whole_original_glcm_Contrast",), [1])
    assert with_deltas(table, None) is table


def test_sequences_and_regions_are_not_mixed() -> None:
    places = ("CT_whole", "CT_S1", "PET_whole")
    columns = tuple(f"{moment}_{place}_original_glcm_Contrast" for moment in _MOMENTS.names for place in places)
    found = with_deltas(_table(columns, [1, 2, 3, 10, 200, 3000]), _MOMENTS)
    assert found.values[0, 3:].tolist() == [9, 198, 2997]
    assert tuple(found.columns[3:]) == tuple(f"delta_{place}_original_glcm_Contrast" for place in places)


@pytest.mark.parametrize(
    ("column", "parts", "value"),
    [
        ("delta_CT_S1_original_glcm_Id", ["pre_CT_S1_original_glcm_Id", "week6_CT_S1_original_glcm_Id"], -0.25),
        ("week6_CT_S1_original_glcm_Id", ["week6_CT_S1_original_glcm_Id"], 0.5),
    ],
)
def test_what_has_to_be_measured_for_a_feature(column: str, parts: list[str], value: float) -> None:
    measured = {"pre_CT_S1_original_glcm_Id": 0.75, "week6_CT_S1_original_glcm_Id": 0.5}
    assert [str(name) for name in measured_names(parse(column), _MOMENTS)] == parts
    assert value_of(parse(column), measured, _MOMENTS) == value
