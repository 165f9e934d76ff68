"""Cells of the clinical table: what is missing, what is a number; and that everybody who reads them agrees."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.cases.cohort.clinical_columns import is_missing, number_in
from HabitatRadiomicsLib.learning.baselines import fit_clinical
from HabitatRadiomicsLib.statistics.characteristics import NumericSummary, characteristics

_MISSING = ["", " ", "NA", "n/a", "N/A", "nan", "NaN", "null", "NULL", "?", "-", "."]


@pytest.mark.parametrize("cell", _MISSING)
def test_cells_that_say_nothing(cell: str) -> None:
    assert is_missing(cell)
    assert number_in(cell) is None


@pytest.mark.parametrize("cell", ["0", "none", "no", "N", "unknown", "--", "n.a", "Nadine"])
def test_cells_that_say_something(cell: str) -> None:
    assert not is_missing(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("3", 3.0), ("-2.5", -2.5), ("2,5", 2.5), (" 7 ", 7.0), ("1e3", 1000.0), ("1,000.5", None), ("1,2,3", None),
     ("1_000", None), ("inf", None), ("1e999", None), ("5 mm", None), ("II", None)],
)  # fmt: skip
def test_numbers(cell: str, number: float | None) -> None:
    assert number_in(cell) == number


@pytest.mark.parametrize("cell", _MISSING)
def test_table_1_and_the_clinical_model_call_the_same_cells_missing(cell: str) -> None:
    outcome = np.arange(40) % 2
    ages = [str(40 + place) for place in range(40)]
    words = ["yes" if place % 3 else "no" for place in range(40)]
    holes = [cell if place in (4, 11, 30) else age for place, age in enumerate(ages)]
    gaps = [cell if place in (4, 11, 30) else word for place, word in enumerate(words)]
    age, smoker = characteristics({"age": holes, "smoker": gaps}, outcome)
    assert (age.kind, age.groups["all"].missing) == ("numeric", 3)
    assert (smoker.levels, smoker.groups["all"].missing) == (("no", "yes"), 3)
    model = fit_clinical([{"age": one, "smoker": other} for one, other in zip(holes, gaps)], outcome)
    assert model is not None
    summary = age.groups["all"]
    assert isinstance(summary, NumericSummary)
    assert [float(factor.usual) for factor in model.factors if factor.kind == "numeric"] == [summary.median]
    assert [factor.levels for factor in model.factors if factor.kind == "categorical"] == [("yes", "no")]
    empty = fit_clinical(
        [{"age": "" if is_missing(one) else one, "smoker": "" if is_missing(other) else other}
         for one, other in zip(holes, gaps)],
        outcome,
    )  # fmt: skip
    assert empty is not None
    np.testing.assert_array_equal(model.coefficients, empty.coefficients)
    np.testing.assert_array_equal(
        model.score([{"age": cell, "smoker": cell}]), model.score([{"age": "", "smoker": ""}, {}])[:1]
    )


def test_a_column_of_nothing_but_missing_cells_and_one_word_does_not_vary() -> None:
    rows = [{"smoker": "yes" if place % 2 else "NA"} for place in range(20)]
    assert fit_clinical(rows, np.arange(20) % 2) is None
