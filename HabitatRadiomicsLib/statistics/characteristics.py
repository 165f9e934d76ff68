"""Table 1: characteristics of the cases, overall and by outcome, with a suitable test for each column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases.cohort.clinical_columns import ClinicalColumn, ColumnKind, clinical_column, number_in
from HabitatRadiomicsLib.errors import CohortError

#: Level of the Shapiro-Wilk test that chooses between Welch's t and Mann-Whitney.
_NORMALITY = 0.05
_TABLES = 20_000
_GROUPS = ("all", "negative", "positive")


@dataclass(frozen=True)
class NumericSummary:
    """A numeric column within a group; SD with n - 1; statistics are null where there are too few cases."""

    cases: int
    missing: int
    mean: float | None
    sd: float | None
    median: float | None
    lower_quartile: float | None
    upper_quartile: float | None


@dataclass(frozen=True)
class CategorySummary:
    """A categorical column within a group: cases of each level, in the order of the row's levels."""

    cases: int
    missing: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Characteristic:
    """One row of Table 1.

    Attributes:
        kind: identifiers and free text are counted, never shown.
        levels: of a categorical column, numbers in order, words alphabetically.
        groups: by ``all``, ``negative`` (outcome 0) and ``positive`` (outcome 1); ``cases`` exclude the missing ones.
        test: its name; null where nothing can be tested.
        p: two-sided, not corrected for the number of rows.
    """

    name: str
    kind: ColumnKind
    levels: tuple[str, ...]
    groups: dict[str, NumericSummary | CategorySummary]
    test: str | None
    p: float | None


@dataclass(frozen=True)
class GroupTest:
    """A two-sided test between the outcomes; ``statistic`` is t, U, chi-square or an odds ratio, null without one."""

    name: str
    statistic: float | None
    p: float


def characteristics(
    covariates: Mapping[str, Sequence[str]], outcome: Sequence[int] | np.ndarray, *, seed: int = 0
) -> list[Characteristic]:
    """Describe each column overall and by outcome, and test whether the two outcomes differ.

    The kind of a column is that of ``cases.cohort.clinical_columns``, as in clinical models; of identifiers and free
    text only the number of cells is given. For the tests see `numeric_test` and `categorical_test`.

    Args:
        covariates: cells by column name, in the order of the cases.
        outcome: 0 or 1, one per case.
        seed: of the Monte Carlo test.

    Raises:
        CohortError: a column's length differs from the outcome's, or outcomes are other than 0 and 1.
    """
    labels = np.asarray(outcome)
    if not np.isin(labels, (0, 1)).all():
        raise CohortError("Outcomes must be 0 or 1.", where="clinical table")
    wrong = [name for name, cells in covariates.items() if len(cells) != len(labels)]
    if wrong:
        raise CohortError(
            f"There are {len(labels)} outcomes, and another number of values in: {', '.join(wrong)}.",
            where="clinical table",
        )
    return [_row(clinical_column(name, cells), labels, seed) for name, cells in covariates.items()]


def _row(column: ClinicalColumn, labels: np.ndarray, seed: int) -> Characteristic:
    present = np.array([cell is not None for cell in column.cells], dtype=bool)
    chosen = dict(zip(_GROUPS, (labels >= 0, labels == 0, labels == 1)))
    groups: dict[str, NumericSummary | CategorySummary]
    levels: list[str] = []
    test = None
    if column.kind == "numeric":
        values = np.full(len(present), np.nan)
        values[present] = [number_in(cell) for cell in column.known]
        groups = {group: _numbers(values[rows]) for group, rows in chosen.items()}
        known = np.isfinite(values)
        test = numeric_test(values[known & (labels == 0)], values[known & (labels == 1)])
    else:
        if column.kind == "categorical":
            levels = sorted(set(column.known), key=_level_order)
        # One row per case, one column per level; identifiers and free text show none.
        members = np.array([[cell == level for level in levels] for cell in column.cells], dtype=bool)
        members = members.reshape(len(present), len(levels))
        groups = {group: _counts(present[rows], members[rows].sum(axis=0)) for group, rows in chosen.items()}
        table = np.column_stack([members[labels == value].sum(axis=0) for value in (0, 1)])
        test = categorical_test(table, seed)
    found = (None, None) if test is None else (test.name, test.p)
    return Characteristic(column.name, column.kind, tuple(levels), groups, *found)


def _level_order(level: str) -> tuple[bool, float, str]:
    number = number_in(level)
    return number is None, number or 0.0, level


def _numbers(values: np.ndarray) -> NumericSummary:
    known = values[np.isfinite(values)]
    missing = len(values) - len(known)
    if len(known) == 0:
        return NumericSummary(0, missing, *[None] * 5)
    lower, median, upper = (float(value) for value in np.quantile(known, (0.25, 0.5, 0.75)))
    deviation = float(known.std(ddof=1)) if len(known) > 1 else None
    return NumericSummary(len(known), missing, float(known.mean()), deviation, median, lower, upper)


def _counts(present: np.ndarray, counts: np.ndarray) -> CategorySummary:
    return CategorySummary(int(present.sum()), int((~present).sum()), tuple(counts.tolist()))


def numeric_test(negative: np.ndarray, positive: np.ndarray) -> GroupTest | None:
    """Welch's t where both groups look normal, else Mann-Whitney U; None where nothing can be tested.

    Args:
        negative, positive: finite values of the cases without and with the outcome.
    """
    from scipy.stats import mannwhitneyu, ttest_ind

    if min(len(negative), len(positive)) < 2 or np.ptp(np.concatenate([negative, positive])) == 0:
        return None
    if looks_normal(negative) and looks_normal(positive):
        result, name = ttest_ind(negative, positive, equal_var=False), "Welch's t test"
    else:
        result, name = mannwhitneyu(negative, positive, alternative="two-sided"), "Mann-Whitney U test"
    return GroupTest(name, float(result.statistic), float(result.pvalue))


def looks_normal(values: np.ndarray) -> bool:
    """Whether there are three values or more, and Shapiro-Wilk's p is at least 0.05."""
    from scipy.stats import shapiro

    # Values that differ only by rounding have no distribution to test.
    if len(values) < 3 or np.ptp(values) <= 1e-10 * np.abs(values).max():
        return False
    return float(shapiro(values).pvalue) >= _NORMALITY


def categorical_test(table: np.ndarray, seed: int) -> GroupTest | None:
    """Pearson's chi-square without continuity correction; where fewer than five cases are expected in a cell, Fisher's
    exact test of two levels, and of more levels its Freeman-Halton extension by Monte Carlo (20,000 tables with the
    same margins, seeded). None where there are fewer than two levels, or an outcome has no case.

    Args:
        table: counts; a row per level and a column per outcome.
    """
    from scipy.stats import chi2_contingency, fisher_exact

    if len(table) < 2 or (table.sum(axis=0) == 0).any():
        return None
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() >= 5:
        chi_square = chi2_contingency(table, correction=False)
        return GroupTest("chi-square test", float(chi_square.statistic), float(chi_square.pvalue))
    if len(table) == 2:
        odds_ratio, p = fisher_exact(table)
        return GroupTest("Fisher's exact test", float(odds_ratio) if math.isfinite(odds_ratio) else None, float(p))
    return GroupTest("Fisher-Freeman-Halton test (Monte Carlo)", None, _freeman_halton(table, seed))


def _freeman_halton(table: np.ndarray, seed: int) -> float:
    """Proportion of random tables with the same margins that are at most as likely as this one (Freeman & Halton 1951).

    SciPy offers a test of larger tables, also a random one, only from version 1.15. The observed table counts as one of
    those drawn, so that p is never 0 (Davison & Hinkley 1997).
    """
    from scipy.stats import random_table

    family = random_table(table.sum(axis=1), table.sum(axis=0))
    drawn = family.logpmf(family.rvs(_TABLES, random_state=np.random.default_rng(seed)))
    as_unlikely = int((drawn <= float(family.logpmf(table)) + 1e-9).sum())
    return (1 + as_unlikely) / (1 + _TABLES)
