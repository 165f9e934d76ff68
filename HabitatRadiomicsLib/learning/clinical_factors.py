"""Clinical variables as factors of a logistic model: their selection, coding and univariate tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from HabitatRadiomicsLib.cases.cohort.clinical_columns import (
    ClinicalColumn,
    clinical_columns,
    is_missing,
    level_of,
    number_in,
)
from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.learning.folds import check_two_outcomes, checked_outcome
from HabitatRadiomicsLib.statistics.characteristics import categorical_test, looks_normal, numeric_test

#: Levels that mean absence, in lower case; they serve as the reference level.
_ABSENCE = ("no", "0", "false", "absent", "none", "negative")


@dataclass(frozen=True)
class ClinicalFactor:
    """One variable of the clinical table, as coded from the training cases.

    Attributes:
        levels: of a categorical variable, the reference level first: absence ("no", "0", ...) if it is a level, else
            the most frequent one.
        usual: replaces a missing value, or a level not seen in training: the median of a numeric variable at full
            precision, or the most frequent level.
        minimum, maximum: range of a numeric variable in training, else 0.
    """

    name: str
    kind: Literal["numeric", "categorical"]
    levels: tuple[str, ...]
    usual: str
    minimum: float
    maximum: float

    @property
    def terms(self) -> tuple[str, ...]:
        """``clinical:age``, or ``clinical:stage=II`` for each level but the first."""
        if self.kind == "numeric":
            return (f"{CLINICAL}{self.name}",)
        return tuple(f"{CLINICAL}{self.name}={level}" for level in self.levels[1:])

    def columns(self, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Values of the terms, shape (cases, terms): numbers, or 1 where the case has the level, else 0."""
        texts = [self.usual if self.read(row) is None else row[self.name] for row in covariates]
        if self.kind == "numeric":
            return np.array([[number_in(text)] for text in texts], dtype=float).reshape(-1, 1)
        levels = np.array([level_of(text, self.levels) for text in texts], dtype=object)
        return (levels[:, None] == np.array(self.levels[1:], dtype=object)).astype(float)

    def read(self, row: Mapping[str, str]) -> float | str | None:
        """A case's number or level; None if it is missing, not a number, or a level not seen in training."""
        text = row.get(self.name, "")
        if is_missing(text):
            return None
        return number_in(text) if self.kind == "numeric" else level_of(text, self.levels)


@dataclass(frozen=True)
class UnivariateRow:
    """Test of whether a factor differs between the outcomes; missing values are ignored.

    Attributes:
        test: its name; null, like ``statistic`` and ``p``, where nothing can be tested.
        without, with_outcome: the cases of either outcome in words: ``61.2 ± 9.8`` (mean and SD) where both groups
            look normal, else ``61 (54 to 68)`` (median and quartiles); or ``no 12 (40%), yes 18 (60%)``.
    """

    factor: str
    kind: Literal["numeric", "categorical"]
    test: str | None
    statistic: float | None
    p: float | None
    without: str
    with_outcome: str


def clinical_factors(
    covariates: Sequence[Mapping[str, str]], names: Sequence[str] | None = None
) -> tuple[tuple[ClinicalFactor, ...], dict[str, str]]:
    """The factors of a clinical table, in its order, and the reasons, by name, why other variables are excluded.

    ``cases.cohort.clinical_columns`` decides what a variable is; one that is requested by name is always a factor.

    Args:
        covariates: of each case, by name; an empty text, ``NA``, ``N/A`` or ``nan`` is a missing value.
        names: the requested variables; None: all except identifiers and free text.

    Raises:
        LearningError: a requested variable is in no row.
    """
    columns = {column.name: column for column in clinical_columns(covariates, names or ())}
    lacking = [name for name in names or () if name not in columns]
    if lacking:
        raise LearningError(
            f"The clinical table has no column {', '.join(lacking)}; its columns are {', '.join(columns) or 'none'}.",
            remedy="Correct the nomogram's factors in the protocol, or add the columns.",
        )
    factors, reasons = [], {}
    for name in columns if names is None else names:
        factor = _factor(columns[name])
        if isinstance(factor, str):
            reasons[name] = factor
        else:
            factors.append(factor)
    return tuple(factors), reasons


def factor_values(factors: Sequence[ClinicalFactor], covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
    """Values of the terms of all factors, shape (cases, terms)."""
    return np.column_stack([np.zeros((len(covariates), 0)), *(factor.columns(covariates) for factor in factors)])


def univariate_table(
    factors: Sequence[ClinicalFactor], covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, *, seed: int = 0
) -> tuple[UnivariateRow, ...]:
    """A row per factor, see `numeric_test` and `categorical_test`.

    Args:
        covariates: of each case.
        seed: of the Monte Carlo test of larger tables.

    Raises:
        LearningError: another number of cases than outcomes, or only one outcome.
    """
    outcome = checked_outcome(outcome, len(covariates))
    check_two_outcomes(outcome)
    return tuple(_univariate_row(factor, covariates, outcome, seed) for factor in factors)


def _factor(column: ClinicalColumn) -> ClinicalFactor | str:
    known = column.known
    if column.reason:
        return column.reason
    if len(set(known if column.kind == "categorical" else map(number_in, known))) < 2:
        return "it does not vary" if known else "it has no value"
    if column.kind == "numeric":
        numbers = [number for number in map(number_in, known) if number is not None]
        usual = repr(float(np.median(numbers)))
        return ClinicalFactor(column.name, "numeric", (), usual, min(numbers), max(numbers))
    ordered = sorted(set(known), key=lambda level: (-known.count(level), level))
    reference = next((level for level in ordered if level.lower() in _ABSENCE), ordered[0])
    levels = (reference, *(level for level in ordered if level != reference))
    return ClinicalFactor(column.name, "categorical", levels, ordered[0], 0.0, 0.0)


def _univariate_row(
    factor: ClinicalFactor, covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, seed: int
) -> UnivariateRow:
    values = [factor.read(row) for row in covariates]
    groups = [[value for value, label in zip(values, outcome) if value is not None and label == of] for of in (0, 1)]
    if factor.kind == "numeric":
        negative, positive = (np.array(group, dtype=float) for group in groups)
        test = numeric_test(negative, positive)
        normal = looks_normal(negative) and looks_normal(positive)
        words = [_numbers_in_words(group, normal) for group in (negative, positive)]
    else:
        table = np.array([[group.count(level) for group in groups] for level in factor.levels])
        test = categorical_test(table[table.sum(axis=1) > 0], seed)
        words = [_levels_in_words(factor.levels, column) for column in table.T]
    result = (None, None, None) if test is None else (test.name, test.statistic, test.p)
    return UnivariateRow(factor.name, factor.kind, *result, *words)


def _numbers_in_words(values: np.ndarray, normal: bool) -> str:
    if not len(values):
        return "none known"
    if normal:
        return f"{values.mean():.4g} ± {values.std(ddof=1):.3g}"
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75))
    return f"{median:.4g} ({lower:.4g} to {upper:.4g})"


def _levels_in_words(levels: Sequence[str], counts: np.ndarray) -> str:
    total = counts.sum()
    if not total:
        return "none known"
    return ", ".join(f"{level} {count} ({count / total:.0%})" for level, count in zip(levels, counts))
