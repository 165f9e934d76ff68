"""Clinical variables alone: the model that a rad-score has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases.cohort.cells import is_missing, number_in

#: scikit-learn's ridge penalty: few cases and several variables would let an unpenalised fit run away.
_INVERSE_PENALTY = 1.0


@dataclass(frozen=True)
class ClinicalModel:
    """A logistic regression on standardised variables.

    Attributes:
        medians: of the numeric variables in training; stand in for missing values.
        categories: of the others; a category that training has not seen counts as none of them.
        means, deviations, coefficients: of the columns, numeric variables first.
    """

    medians: Mapping[str, float]
    categories: Mapping[str, tuple[str, ...]]
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float

    def score(self, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Linear predictors of cases, shape (cases,)."""
        columns = _columns(covariates, self.medians, self.categories)
        return self.intercept + (columns - self.means) / self.deviations @ self.coefficients


def fit_clinical(covariates: Sequence[Mapping[str, str]], outcome: np.ndarray) -> ClinicalModel | None:
    """A model of the covariates; None when no variable varies.

    A variable is numeric when each of its values is a number and there are more than two; else a set of categories.

    Args:
        covariates: of each case, by name; see `is_missing` for the cells that say nothing.
        outcome: 0 or 1.
    """
    from sklearn.linear_model import LogisticRegression

    medians: dict[str, float] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(name for row in covariates for name in row):
        given = [row[name] for row in covariates if name in row and not is_missing(row[name])]
        numbers = [number_in(text) for text in given]
        if len(set(given)) > 2 and all(number is not None for number in numbers):
            medians[name] = float(np.median([number for number in numbers if number is not None]))
        elif len(set(given)) > 1:
            # The most frequent one is what the others are compared with.
            ordered = sorted(set(given), key=lambda value: (-given.count(value), value))
            categories[name] = tuple(ordered[1:])
    if not medians and not categories:
        return None
    columns = _columns(covariates, medians, categories)
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    deviations[deviations == 0] = 1.0
    fit = LogisticRegression(C=_INVERSE_PENALTY, tol=1e-10, max_iter=10_000).fit(
        (columns - means) / deviations, outcome
    )
    return ClinicalModel(medians, categories, means, deviations, fit.coef_[0], float(fit.intercept_[0]))


def _columns(
    covariates: Sequence[Mapping[str, str]], medians: Mapping[str, float], categories: Mapping[str, Sequence[str]]
) -> np.ndarray:
    rows = []
    for row in covariates:
        numbers = [number_in(row.get(name, "")) for name in medians]
        cells = [median if number is None else number for number, median in zip(numbers, medians.values())]
        cells += [float(row.get(name) == value) for name, values in categories.items() for value in values]
        rows.append(cells)
    return np.array(rows, dtype=float)
