"""Table 1: characteristics of the cases, overall and by outcome, with a suitable test for each column."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

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
        groups: by ``all``, ``negative`` (outcome 0) and ``positive`` (outcome 1); ``cases`` are without the missing.
        test: its name; null where none can be made.
        p: two-sided, not corrected for the number of rows.
    """

    name: str
    kind: ColumnKind
    levels: tuple[str, ...]
    groups: dict[str, NumericSummary | CategorySummary]
    test: str | None
    p: float | None

    def document(self) -> dict[str, Any]:
        """The row as plain data."""
        plain = asdict(self)
        plain["levels"] = list(self.levels)
        for group in plain["groups"].values():
            if "counts" in group:
                group["counts"] = list(group["counts"])
        return plain


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

    **Kind of column.** See ``cases.cohort.clinical_columns``: the same as in clinical models. Identifiers and free text
    are left out of the table but for their number.

    **Test.** Numeric: Welch's t when Shapiro-Wilk finds both groups normal (p >= 0.05; three cases or more), else
    Mann-Whitney U. Categorical: Pearson's chi-square without continuity correction; when an expected count is below
    5, Fisher's exact test for two levels, and for more levels its Freeman-Halton extension by Monte Carlo
    (20,000 tables with the same margins, seeded).

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
    name, kind = column.name, column.kind
    present = np.array([cell is not None for cell in column.cells], dtype=bool)
    if kind == "numeric":
        values = np.full(len(present), np.nan)
        values[present] = [number_in(cell) for cell in column.known]
        groups = [values[chosen] for chosen in _chosen(labels)]
        test = numeric_test(*(group[np.isfinite(group)] for group in groups[1:]))
        return Characteristic(name, kind, (), dict(zip(_GROUPS, map(_numbers, groups))), *_name_and_p(test))
    if kind != "categorical":
        texts = {group: _counts(present[chosen], ()) for group, chosen in zip(_GROUPS, _chosen(labels))}
        return Characteristic(name, kind, (), {**texts}, None, None)
    levels = sorted(set(column.known), key=_level_order)
    # One row per case, one column per level.
    members = np.array([[cell == level for level in levels] for cell in column.cells], dtype=bool)
    members = members.reshape(len(present), -1)
    counts = {
        group: _counts(present[chosen], members[chosen].sum(axis=0)) for group, chosen in zip(_GROUPS, _chosen(labels))
    }
    test = categorical_test(np.array([counts["negative"].counts, counts["positive"].counts]).T, seed)
    return Characteristic(name, kind, tuple(levels), {**counts}, *_name_and_p(test))


def _name_and_p(test: GroupTest | None) -> tuple[str | None, float | None]:
    return (None, None) if test is None else (test.name, test.p)


def _chosen(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.ones(len(labels), dtype=bool), labels == 0, labels == 1


def _level_order(level: str) -> tuple[bool, float, str]:
    number = number_in(level)
    return number is None, number or 0.0, level


def _numbers(values: np.ndarray) -> NumericSummary:
    known = values[np.isfinite(values)]
    missing = len(values) - len(known)
    if len(known) == 0:
        return NumericSummary(0, missing, None, None, None, None, None)
    lower, median, upper = (float(value) for value in np.quantile(known, (0.25, 0.5, 0.75)))
    deviation = float(known.std(ddof=1)) if len(known) > 1 else None
    return NumericSummary(len(known), missing, float(known.mean()), deviation, median, lower, upper)


def _counts(present: np.ndarray, counts: Sequence[int] | np.ndarray) -> CategorySummary:
    return CategorySummary(int(present.sum()), int((~present).sum()), tuple(int(count) for count in counts))


def numeric_test(negative: np.ndarray, positive: np.ndarray) -> GroupTest | None:
    """Welch's t where both groups look normal (Shapiro-Wilk), else Mann-Whitney; None where nothing can be tested.

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
    """Whether Shapiro-Wilk's p is at least 0.05, of three values or more."""
    from scipy.stats import shapiro

    # Values that differ only by rounding have no distribution to test.
    if len(values) < 3 or np.ptp(values) <= 1e-10 * np.abs(values).max():
        return False
    return float(shapiro(values).pvalue) >= _NORMALITY


def categorical_test(table: np.ndarray, seed: int) -> GroupTest | None:
    """Chi-square, or an exact test where fewer than five cases are expected in a cell; None of one level or group.

    Args:
        table: counts; a row per level and a column per outcome.
        seed: of the Monte Carlo test of larger tables.
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
    """Proportion of random tables with the same margins that are at most as likely as this
    one (Freeman & Halton 1951).

    SciPy's own test of larger tables is random too, and only from version 1.15. The observed table counts as one of
    those drawn, so that p is never 0 (Davison & Hinkley 1997).
    """
    from scipy.stats import random_table

    family = random_table(table.sum(axis=1), table.sum(axis=0))
    drawn = family.logpmf(family.rvs(_TABLES, random_state=np.random.default_rng(seed)))
    as_unlikely = int((drawn <= float(family.logpmf(table)) + 1e-9).sum())
    return (1 + as_unlikely) / (1 + _TABLES)
