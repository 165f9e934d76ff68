"""Table 1 against scipy, closed forms and enumeration by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from math import comb

import numpy as np
import pytest
from scipy import stats

from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.statistics.characteristics import (
    CategorySummary,
    Characteristic,
    NumericSummary,
    characteristics,
)

_OUTCOME = np.array([0] * 20 + [1] * 12)


def _one(cells: list[str], outcome: np.ndarray = _OUTCOME) -> Characteristic:
    return characteristics({"column": cells}, outcome)[0]


def _text(values: np.ndarray) -> list[str]:
    return [repr(float(value)) for value in values]


def _codes(negative: tuple[int, ...], positive: tuple[int, ...]) -> tuple[list[str], np.ndarray]:
    """Cells and outcomes of a table of counts."""
    cells = [f"level {index}" for row in (negative, positive) for index, count in enumerate(row) for _ in range(count)]
    return cells, np.array([0] * sum(negative) + [1] * sum(positive))


def test_normal_groups_are_compared_by_welch() -> None:
    # Quantiles of the normal distribution are as normal as a sample can be.
    shape = stats.norm.ppf((np.arange(20) + 0.5) / 20)
    other = 0.8 + 2 * stats.norm.ppf((np.arange(12) + 0.5) / 12)
    row = _one(_text(np.concatenate([shape, other])))
    assert (row.kind, row.test) == ("numeric", "Welch's t test")
    # Welch 1947, by hand.
    errors = [group.var(ddof=1) / len(group) for group in (shape, other)]
    t = (shape.mean() - other.mean()) / np.sqrt(sum(errors))
    freedom = sum(errors) ** 2 / (errors[0] ** 2 / 19 + errors[1] ** 2 / 11)
    assert row.p == pytest.approx(2 * stats.t.sf(abs(t), freedom), rel=1e-10)


def test_skewed_groups_are_compared_by_mann_whitney() -> None:
    values = np.random.default_rng(4).exponential(size=32) ** 2
    row = _one(_text(values))
    assert row.test == "Mann-Whitney U test"
    assert row.p == stats.mannwhitneyu(values[:20], values[20:]).pvalue
    group = row.groups["positive"]
    assert isinstance(group, NumericSummary)
    assert (group.mean, group.sd) == pytest.approx((values[20:].mean(), values[20:].std(ddof=1)))
    assert (group.lower_quartile, group.median, group.upper_quartile) == pytest.approx(
        tuple(np.percentile(values[20:], (25, 50, 75)))
    )


def test_one_group_that_is_not_normal_is_enough_for_mann_whitney() -> None:
    normal = stats.norm.ppf((np.arange(20) + 0.5) / 20)
    assert _one(_text(np.concatenate([normal, np.exp(3 * np.arange(12.0))]))).test == "Mann-Whitney U test"


def test_large_counts_are_compared_by_chi_square() -> None:
    row = _one(*_codes((30, 10), (12, 18)))
    # Pearson's statistic of a 2 x 2 table: n (ad - bc)^2 / product of the margins.
    statistic = 70 * (30 * 18 - 10 * 12) ** 2 / (40 * 30 * 42 * 28)
    assert row.test == "chi-square test"
    assert row.p == pytest.approx(stats.chi2.sf(statistic, 1), rel=1e-10)
    assert row.levels == ("level 0", "level 1")
    assert row.groups["positive"] == CategorySummary(30, 0, (12, 18))
    assert row.groups["all"] == CategorySummary(70, 0, (42, 28))


def test_it_is_the_expected_counts_that_must_be_large() -> None:
    # Three cases were observed where 8.6 are expected.
    assert _one(*_codes((40, 20), (3, 12))).test == "chi-square test"


def test_small_counts_are_compared_by_fisher() -> None:
    row = _one(*_codes((8, 2), (1, 5)))
    # Hypergeometric probabilities of every table with these margins, by hand.
    probabilities = {k: comb(10, k) * comb(6, 9 - k) / comb(16, 9) for k in range(3, 10)}
    expected = sum(value for value in probabilities.values() if value <= probabilities[8] + 1e-12)
    assert row.test == "Fisher's exact test"
    assert row.p == pytest.approx(expected, rel=1e-10)


def _tables(levels: tuple[int, ...], total: int) -> Iterator[tuple[int, ...]]:
    if not levels:
        if total == 0:
            yield ()
        return
    for first in range(min(levels[0], total) + 1):
        for rest in _tables(levels[1:], total - first):
            yield (first, *rest)


def test_small_counts_of_several_levels_are_compared_by_freeman_and_halton() -> None:
    negative, positive = (7, 3, 1), (1, 4, 4)
    levels = tuple(a + b for a, b in zip(negative, positive))
    weights = {table: np.prod([comb(n, k) for n, k in zip(levels, table)]) for table in _tables(levels, 9)}
    exact = sum(weight for weight in weights.values() if weight <= weights[positive]) / sum(weights.values())
    cells, outcome = _codes(negative, positive)
    rows = [characteristics({"column": cells}, outcome, seed=seed)[0] for seed in (1, 1, 2)]
    assert rows[0].test == "Fisher-Freeman-Halton test (Monte Carlo)"
    for row in rows:
        # Four standard errors of a share of 20,000.
        assert row.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))
    assert rows[0].p == rows[1].p != rows[2].p


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([f"{value}" for value in range(32)], "numeric"),
        ([f"{value},5" for value in range(32)], "numeric"),
        (["1", "2"] * 16, "categorical"),
        (["1.0", "2"] * 16, "categorical"),
        (["0.5", "0.7"] * 16, "numeric"),
        (["1", "2", "3", "4", "5", "6", "7", "8"] * 4, "numeric"),
        (["male", "female"] * 16, "categorical"),
        (["1", "2", "unknown", "2"] * 8, "categorical"),
        ([f"patient {number}" for number in range(32)], "identifier"),
        ([f"free {number % 11}" for number in range(32)], "free text"),
        (["1_0", "2_0"] * 16, "categorical"),
        (["inf", "1"] * 16, "categorical"),
    ],
)
def test_kind_of_a_column(cells: list[str], kind: str) -> None:
    assert _one(cells).kind == kind


def test_few_cases_with_distinct_words_are_not_shown() -> None:
    """Names in a small cohort would otherwise become levels of a category."""
    row = _one(["Ann", "Bob", "Cid", "Dan"], np.array([0, 0, 1, 1]))
    assert (row.kind, row.levels, row.p) == ("identifier", (), None)
    assert "Ann" not in json.dumps(asdict(row))


def test_missing_cells_are_counted_and_left_out() -> None:
    cells = ["", "NA", "n/a", "?", *["1.5", "2.5", "3.7"] * 9, "nan"]
    row = _one(cells)
    assert row.kind == "numeric"
    assert [(group.cases, group.missing) for group in row.groups.values()] == [(27, 5), (16, 4), (11, 1)]
    known = np.array([float(cell) for cell in cells[4:31]])
    assert isinstance(row.groups["all"], NumericSummary)
    assert row.groups["all"].mean == pytest.approx(known.mean())
    words = _one(["", *["a", "b"] * 15, "."])
    assert [(group.cases, group.missing) for group in words.groups.values()] == [(30, 2), (19, 1), (11, 1)]


def test_levels_that_are_numbers_are_in_their_order() -> None:
    assert _one(["10", "9", "unknown", "2"] * 8).levels == ("2", "9", "10", "unknown")


@pytest.mark.parametrize(
    "cells",
    [["3"] * 32, ["7.25"] * 32, [""] * 32, ["a"] * 32, ["1.5", "2.7", *[""] * 30], [*["a", "b"] * 10, *[""] * 12]],
    ids=["one code", "one number", "all missing", "one level", "one group empty", "no level in one group"],
)
def test_no_test_where_there_is_nothing_to_compare(cells: list[str]) -> None:
    row = _one(cells)
    assert (row.test, row.p) == (None, None)


def test_one_outcome_only_is_described_without_a_test() -> None:
    rows = characteristics({"age": ["50.5", "60", "70"], "sex": ["f", "m", "f"]}, [1, 1, 1])
    assert [row.test for row in rows] == [None, None]
    assert isinstance(rows[0].groups["negative"], NumericSummary)
    assert rows[0].groups["negative"].mean is None


def test_columns_must_fit_the_outcome() -> None:
    with pytest.raises(CohortError, match="32 outcomes, and another number of values in: short, long"):
        characteristics({"short": ["1"], "good": ["1"] * 32, "long": ["1"] * 33}, _OUTCOME)


@pytest.mark.parametrize("outcome", [[0, 2], [0, float("nan")]])
def test_outcomes_must_be_0_or_1(outcome: list[int]) -> None:
    with pytest.raises(CohortError, match="0 or 1"):
        characteristics({"age": ["1", "2"]}, outcome)


def test_plain_data_hold_all_numbers() -> None:
    ages = _text(np.random.default_rng(0).normal(60, 10, 32))
    rows = characteristics({"age": ages, "sex": ["m", "f", "f", ""] * 8}, _OUTCOME)
    documents = json.loads(json.dumps([asdict(row) for row in rows], allow_nan=False))
    assert documents[1]["groups"]["all"] == {"cases": 24, "missing": 8, "counts": [16, 8]}
    assert documents[0]["groups"]["all"]["mean"] == rows[0].groups["all"].mean
