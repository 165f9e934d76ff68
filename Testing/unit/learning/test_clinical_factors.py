"""Clinical factors: how tables are read, and univariate tests against SciPy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from HabitatRadiomicsLib.cases.cohort.clinical_columns import level_of, number_in
from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.clinical_factors import (
    ClinicalFactor,
    UnivariateRow,
    clinical_factors,
    univariate_table,
)

_GENERATOR = np.random.default_rng(4)
_OUTCOME = np.arange(60) % 2
_AGE = np.round(_GENERATOR.normal(60, 9, 60) + 6 * _OUTCOME)
_MARKER = np.round(np.exp(_GENERATOR.normal(1, 1.2, 60) + _OUTCOME), 2)


def _rows(**columns: Sequence[str]) -> list[dict[str, str]]:
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def _only(cells: Sequence[str]) -> ClinicalFactor:
    (factor,), reasons = clinical_factors(_rows(x=cells))
    assert reasons == {}
    return factor


def _row(cells: Sequence[str], outcome: np.ndarray = _OUTCOME) -> UnivariateRow:
    (row,) = univariate_table([_only(cells)], _rows(x=cells), outcome)
    return row


def test_numbers_have_a_range_and_a_median() -> None:
    factor = _only(["61,5", "40", "", "70.5", "NA", "n/a", "nan"])
    assert (factor.kind, factor.minimum, factor.maximum) == ("numeric", 40, 70.5)
    assert float(factor.usual) == 61.5
    assert factor.terms == ("clinical:x",)
    columns = factor.columns([{"x": "50"}, {"x": ""}, {}, {"x": "NA"}, {"x": "words"}, {"x": "1,25"}])
    assert columns.tolist() == [[50], [61.5], [61.5], [61.5], [61.5], [1.25]]


def test_the_most_frequent_level_is_the_reference_and_stands_in() -> None:
    factor = _only(["II", "I", "II", "III", "II", "III", "", "II"])
    assert factor.levels == ("II", "III", "I")
    assert factor.terms == ("clinical:x=III", "clinical:x=I")
    columns = factor.columns([{"x": "III"}, {"x": "I"}, {"x": "II"}, {"x": ""}, {"x": "IV"}, {}])
    assert columns.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize(("absent", "present"), [("no", "yes"), ("0", "1"), ("Negative", "positive")])
def test_absence_is_the_reference_also_where_it_is_rare(absent: str, present: str) -> None:
    factor = _only([present] * 5 + [absent] * 2)
    assert factor.levels == (absent, present)
    assert factor.terms == (f"clinical:x={present}",)
    assert factor.usual == present
    assert factor.columns([{}, {"x": absent}]).tolist() == [[1], [0]]


def test_two_numbers_are_levels_however_they_are_written() -> None:
    factor = _only(["1", "1.0", "0", "0,0", "1"])
    assert factor.levels == ("0", "1")
    assert factor.columns([{"x": "1.00"}, {"x": "0"}]).tolist() == [[1], [0]]


def test_numbers_with_a_word_among_them_are_levels() -> None:
    assert _only(["1", "2", "none", "2", "3", "1", "1", "2"]).kind == "categorical"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["A"] * 6, "does not vary"),
        (["5", "5.0", "5", "5", "5", "5"], "does not vary"),
        (["", "NA", "", "nan", "", "N/A"], "no value"),
        ([f"patient {number}" for number in range(6)], "identifier"),
    ],
)
def test_what_is_no_factor_has_a_reason(cells: list[str], reason: str) -> None:
    factors, reasons = clinical_factors(_rows(x=cells, age=["1", "2", "3", "4", "5", "6"]))
    assert [factor.name for factor in factors] == ["age"]
    assert reason in reasons["x"]


def test_chosen_factors_come_in_the_order_of_choice() -> None:
    rows = _rows(a=["1", "2", "3"], b=["4", "5", "6"], c=["7", "8", "9"])
    assert [factor.name for factor in clinical_factors(rows, ["c", "a"])[0]] == ["c", "a"]
    with pytest.raises(LearningError, match=r"no column stage, sex; its columns are a, b, c"):
        clinical_factors(rows, ["stage", "a", "sex"])


def test_a_factor_of_choice_is_one_whatever_its_column_looks_like() -> None:
    rows = _rows(patient_id=["11", "12", "13", "14"], name=["Ann", "Bob", "Cid", "Dan"], born=["1.1.50", "2.2.61"] * 2)
    assert clinical_factors(rows)[0] == ()
    factors, reasons = clinical_factors(rows, ["patient_id", "name", "born"])
    assert [factor.kind for factor in factors] == ["numeric", "categorical", "categorical"]
    assert reasons == {}


def test_numbers_that_look_normal_have_welchs_t() -> None:
    row = _row([f"{value:.0f}" for value in _AGE])
    expected = stats.ttest_ind(_AGE[_OUTCOME == 0], _AGE[_OUTCOME == 1], equal_var=False)
    assert row.test == "Welch's t test"
    assert (row.statistic, row.p) == pytest.approx((expected.statistic, expected.pvalue))
    group = _AGE[_OUTCOME == 1]
    assert row.with_outcome == f"{group.mean():.4g} ± {group.std(ddof=1):.3g}"


def test_skewed_numbers_have_mann_whitney() -> None:
    row = _row([f"{value}" for value in _MARKER])
    assert stats.shapiro(_MARKER[_OUTCOME == 1]).pvalue < 0.05
    expected = stats.mannwhitneyu(_MARKER[_OUTCOME == 0], _MARKER[_OUTCOME == 1])
    assert row.test == "Mann-Whitney U test"
    assert (row.statistic, row.p) == pytest.approx((expected.statistic, expected.pvalue))
    lower, median, upper = np.quantile(_MARKER[_OUTCOME == 0], (0.25, 0.5, 0.75))
    assert row.without == f"{median:.4g} ({lower:.4g} to {upper:.4g})"


def test_frequent_levels_have_a_chi_square() -> None:
    counts = np.array([[20, 8], [10, 22]])
    cells = ["no"] * 20 + ["yes"] * 10 + ["no"] * 8 + ["yes"] * 22
    row = _row(cells, np.repeat([0, 1], 30))
    expected = stats.chi2_contingency(counts, correction=False)
    assert row.test == "chi-square test"
    assert (row.statistic, row.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert (row.without, row.with_outcome) == ("no 20 (67%), yes 10 (33%)", "no 8 (27%), yes 22 (73%)")


def test_rare_levels_have_fishers_exact_test() -> None:
    cells = ["no"] * 10 + ["yes"] * 2 + ["no"] * 4 + ["yes"] * 6
    row = _row(cells, np.repeat([0, 1], [12, 10]))
    assert row.test == "Fisher's exact test"
    assert row.p == pytest.approx(stats.fisher_exact([[10, 2], [4, 6]]).pvalue)
    assert row.statistic == pytest.approx(10 * 6 / (2 * 4))


def test_larger_sparse_tables_have_an_exact_test_too() -> None:
    cells = ["I"] * 8 + ["II"] * 3 + ["III"] + ["I"] * 2 + ["II"] * 4 + ["III"] * 6
    row = _row(cells, np.repeat([0, 1], 12))
    assert row.test is not None
    assert "Freeman-Halton" in row.test
    # All tables with these margins, by hand.
    from math import comb

    margins, half, total = [10, 7, 7], 12, comb(24, 12)
    tables = [(a, b, half - a - b) for a in range(11) for b in range(8) if 0 <= half - a - b <= 7]
    chances = {table: np.prod([comb(margin, cell) for margin, cell in zip(margins, table)]) / total for table in tables}
    exact = sum(chance for chance in chances.values() if chance <= chances[(8, 3, 1)] * (1 + 1e-9))
    assert row.p == pytest.approx(exact, abs=0.005)
    assert row == _row(cells, np.repeat([0, 1], 12))


def test_missing_values_are_left_out_of_the_test() -> None:
    cells = [f"{value:.0f}" for value in _AGE]
    cells[3] = cells[8] = "NA"
    known = np.delete(np.arange(60), [3, 8])
    groups = [_AGE[known][_OUTCOME[known] == of] for of in (0, 1)]
    assert _row(cells).p == pytest.approx(stats.ttest_ind(*groups, equal_var=False).pvalue)


def test_known_of_one_outcome_only_has_no_test() -> None:
    row = _row(["a", "b"] * 15 + [""] * 30, np.repeat([0, 1], 30))
    assert (row.test, row.statistic, row.p, row.with_outcome) == (None, None, None, "none known")
    numeric = _row([str(number) for number in range(30)] + [""] * 30, np.repeat([0, 1], 30))
    assert (numeric.test, numeric.with_outcome) == (None, "none known")


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (np.zeros(60), "same outcome"),
        (np.arange(60) % 3, "neither 0 nor 1"),
        (np.arange(30) % 2, "60 cases and outcomes of shape .* do not belong together"),
    ],
)
def test_bad_outcomes_are_told(outcome: np.ndarray, message: str) -> None:
    with pytest.raises(LearningError, match=message):
        _row([str(value) for value in _AGE], outcome)


@pytest.mark.parametrize(
    ("text", "number"), [("1,5", 1.5), (" 2 ", 2), ("1e3", 1000), ("x", None), ("inf", None), ("1_0", None), ("", None)]
)
def test_numbers_are_read_with_point_or_comma(text: str, number: float | None) -> None:
    assert number_in(text) == number


@pytest.mark.parametrize(
    ("text", "level"), [("yes", "yes"), (" Yes ", "yes"), ("maybe", None), ("1.0", "1"), ("a", None), ("A", "A")]
)
def test_levels_are_read_in_any_writing_that_is_clear(text: str, level: str | None) -> None:
    levels = ("yes", "no", "1", "2", "A", "a") if text == "A" else ("yes", "no", "1", "2", "Aa", "aA")
    assert level_of(text, levels) == level
    assert level_of("aa", ("Aa", "aA")) is None
