"""Which features are kept, and tables that do not belong together."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.features.reliability import intraclass_correlation
from HabitatRadiomicsLib.features.robustness import feature_robustness, of_common_cases, write_robustness
from HabitatRadiomicsLib.features.table import FeatureTable

_COLUMNS = ("steady", "shaky", "undefined", "constant")


def _readers(count: int = 3) -> list[FeatureTable]:
    """Tables of twelve cases: one feature that readers agree on, one that they do not."""
    generator = np.random.default_rng(1)
    truth = generator.normal(size=(12, 4))
    tables = []
    for number in range(count):
        values = truth + generator.normal(size=(12, 4)) * [0.1, 2.0, 0.1, 0.1]
        values[:, 3] = 5.0
        if number == 1:
            values[4:6, 2] = np.nan
        tables.append(FeatureTable(tuple(f"case-{row}" for row in range(12)), _COLUMNS, values))
    return tables


def test_reliable_features_are_kept() -> None:
    tables = _readers()
    found = feature_robustness(tables, form="2,1", threshold=0.8)
    ratings = np.stack([table.values for table in tables], axis=1)
    expected = intraclass_correlation(ratings, "2,1")
    np.testing.assert_array_equal(found.reliability.icc, expected.icc)
    assert found.kept == ("steady",)
    assert found.cases.tolist() == [12, 12, 10, 12]
    assert found.measurements == 3


def test_a_feature_at_the_threshold_is_kept() -> None:
    tables = _readers()
    icc = float(feature_robustness(tables, form="1,1", threshold=0.5).reliability.icc[0])
    assert feature_robustness(tables, form="1,1", threshold=icc).kept == ("steady",)
    assert feature_robustness(tables, form="1,1", threshold=np.nextafter(icc, 2)).kept == ()


def test_order_of_cases_and_columns_does_not_matter() -> None:
    tables = _readers()
    mixed = FeatureTable(tables[1].case_ids[::-1], tables[1].columns, tables[1].values[::-1])
    mixed = mixed.with_columns(["constant", "steady", "undefined", "shaky"])
    expected = feature_robustness(tables, form="3,1", threshold=0.8)
    found = feature_robustness([tables[0], mixed, tables[2]], form="3,1", threshold=0.8)
    np.testing.assert_array_equal(found.reliability.icc, expected.reliability.icc)
    assert found.columns == _COLUMNS


def test_tables_that_do_not_belong_together_are_refused() -> None:
    first, second, third = _readers()
    fewer = FeatureTable(second.case_ids[1:], second.columns, second.values[1:])
    other = FeatureTable(third.case_ids, ("steady", "shaky", "undefined", "extra"), third.values)
    with pytest.raises(RobustnessError) as raised:
        feature_robustness([first, fewer, other], form="1,1", threshold=0.8)
    assert "table 2 lacks the cases case-0;" in str(raised.value)
    assert "table 3 lacks the columns constant; table 3 also has the columns extra." in str(raised.value)
    with pytest.raises(RobustnessError, match="second measurement"):
        feature_robustness([first], form="1,1", threshold=0.8)


def test_cases_that_are_missing_somewhere_can_be_left_out() -> None:
    first, second, third = _readers()
    fewer = FeatureTable(second.case_ids[2:], second.columns, second.values[2:])
    common = of_common_cases([first, fewer, third])
    assert all(table.case_ids == first.case_ids[2:] for table in common)
    np.testing.assert_array_equal(common[2].values, third.values[2:])
    assert feature_robustness(common, form="1,1", threshold=0.8).cases.tolist() == [10, 10, 8, 10]
    nothing = of_common_cases([first, FeatureTable(("x", "y"), _COLUMNS, np.zeros((2, 4)))])
    with pytest.raises(RobustnessError, match="here are 0 patients"):
        feature_robustness(nothing, form="1,1", threshold=0.8)


def test_written_table(tmp_path: Path) -> None:
    found = feature_robustness(_readers(), form="1,1", threshold=0.8)
    write_robustness(found, tmp_path / "robustness.csv")
    with (tmp_path / "robustness.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["feature", "icc", "low", "high", "n", "kept"]
    assert [row["feature"] for row in rows] == list(_COLUMNS)
    assert [row["kept"] for row in rows] == ["yes", "no", "no", "no"]
    assert float(rows[0]["icc"]) == found.reliability.icc[0]
    assert (rows[2]["icc"], rows[2]["low"], rows[2]["n"]) == ("", "", "10")
    assert float(rows[3]["icc"]) == 0
