"""Baselines that a score has to beat: lesion volume and the clinical variables, learned from the same cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from HabitatRadiomicsLib.learning.clinical_factors import ClinicalFactor, clinical_factors
from HabitatRadiomicsLib.learning.nomogram import fit_clinical_model
from HabitatRadiomicsLib.learning.preparation import FoldTable
from HabitatRadiomicsLib.protocol import NomogramSettings, Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval

#: scikit-learn's ridge penalty: few cases and several variables would let an unpenalised fit run away.
_INVERSE_PENALTY = 1.0


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores of all cases, in standard deviations of the training scores.

    Attributes:
        probability: of the outcome, if the model gives one.
        factors: the model's clinical factors, if factors were selected.
    """

    scores: np.ndarray
    probability: np.ndarray | None = None
    factors: tuple[str, ...] = ()


def volume_baseline(table: FoldTable, training: np.ndarray) -> Baseline:
    """The logarithm of the lesion's volume; the sign of the association is learned from the training cases.

    Args:
        training: places of the cases that may be learned from.
    """
    volume = np.log(table.volumes)
    larger = auc_with_interval(table.outcome[training], volume[training]).auc >= 0.5
    return Baseline(_standardised(volume if larger else -volume, training))


def clinical_baseline(table: FoldTable, training: np.ndarray, protocol: Protocol) -> Baseline | None:
    """The clinical variables; None where there are none.

    Without a nomogram it is a ridge regression on all variables that are neither identifiers nor free text. With one,
    factors are chosen as for the nomogram, by univariate tests and a multivariable model; if none remains, every case
    gets a score of 0 and the prevalence of the training cases.
    """
    covariates = [table.covariates[row] for row in training]
    outcome = table.outcome[training]
    if protocol.learning.nomogram is not None:
        return _chosen_factors(table, training, protocol.learning.nomogram, protocol.seed)
    ridge = fit_clinical(covariates, outcome)
    return None if ridge is None else Baseline(_standardised(ridge.score(table.covariates), training))


@dataclass(frozen=True)
class ClinicalModel:
    """A logistic regression on standardised variables.

    Attributes:
        factors: numeric ones first; a missing number is replaced by the training median, and a missing level, or one
            not seen in training, by the most frequent level.
        means, deviations, coefficients: of their columns.
    """

    factors: tuple[ClinicalFactor, ...]
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float

    def score(self, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Linear predictors of cases, shape (cases,)."""
        columns = _columns(self.factors, covariates)
        return self.intercept + (columns - self.means) / self.deviations @ self.coefficients


def fit_clinical(covariates: Sequence[Mapping[str, str]], outcome: np.ndarray) -> ClinicalModel | None:
    """A model of all clinical factors; None when no variable varies.

    Args:
        covariates: of each case, by name; see ``cases.cohort.clinical_columns`` for what a variable is.
        outcome: 0 or 1.
    """
    from sklearn.linear_model import LogisticRegression

    # Levels are compared with the most frequent one, which a penalty then leaves alone.
    factors = tuple(
        replace(factor, levels=tuple(sorted(factor.levels, key=lambda level: level != factor.usual)))
        for factor in sorted(clinical_factors(covariates)[0], key=lambda factor: factor.kind != "numeric")
    )
    if not factors:
        return None
    columns = _columns(factors, covariates)
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    deviations[deviations == 0] = 1.0
    fit = LogisticRegression(C=_INVERSE_PENALTY, tol=1e-10, max_iter=10_000).fit(
        (columns - means) / deviations, outcome
    )
    return ClinicalModel(factors, means, deviations, fit.coef_[0], float(fit.intercept_[0]))


def _columns(factors: Sequence[ClinicalFactor], covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
    return np.column_stack([factor.columns(covariates) for factor in factors])


def _chosen_factors(table: FoldTable, training: np.ndarray, settings: NomogramSettings, seed: int) -> Baseline | None:
    if not any(table.covariates):
        return None
    outcome = table.outcome[training]
    fitted = fit_clinical_model([table.covariates[row] for row in training], outcome, settings, seed=seed)
    if fitted is None:
        cases = len(table.outcome)
        return Baseline(np.zeros(cases), np.full(cases, outcome.mean()))
    return Baseline(
        _standardised(fitted.linear(None, table.covariates), training),
        fitted.probability(None, table.covariates),
        tuple(factor.name for factor in fitted.factors),
    )


def _standardised(scores: np.ndarray, training: np.ndarray) -> np.ndarray:
    deviation = scores[training].std()
    return (scores - scores[training].mean()) / (deviation if deviation > 0 else 1.0)
