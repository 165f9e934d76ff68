"""Baselines that a score has to beat: lesion volume and the clinical variables, learned from the same cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from HabitatRadiomicsLib.learning.clinical_factors import ClinicalFactor, clinical_factors, factor_values
from HabitatRadiomicsLib.learning.folds import in_deviations
from HabitatRadiomicsLib.learning.nomogram import fit_clinical_model
from HabitatRadiomicsLib.learning.preparation import FoldTable
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval

#: scikit-learn's ridge penalty: with few cases and several variables, an unpenalised fit would diverge.
_INVERSE_PENALTY = 1.0


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores of all cases, see `in_deviations`.

    Attributes:
        probability: of the outcome, if the model gives one.
        factors: names of the model's clinical factors, if factors were selected.
    """

    scores: np.ndarray
    probability: np.ndarray | None = None
    factors: tuple[str, ...] = ()


def volume_baseline(table: FoldTable, training: np.ndarray) -> Baseline:
    """The logarithm of the lesion's volume; the sign of the association is learned from the training cases.

    Args:
        training: indices of the cases that may be learned from.
    """
    volume = np.log(table.volumes)
    if auc_with_interval(table.outcome[training], volume[training]).auc < 0.5:
        volume = -volume
    return Baseline(in_deviations(volume[training], volume))


def clinical_baseline(table: FoldTable, training: np.ndarray, protocol: Protocol) -> Baseline | None:
    """The clinical variables; None where there are none.

    Without a nomogram it is a ridge regression on all variables that are neither identifiers nor free text. With one,
    factors are chosen as for the nomogram, by univariate tests and a multivariable model; if none remains, every case
    gets a score of 0 and the prevalence of the training cases.
    """
    covariates = [table.covariates[row] for row in training]
    outcome = table.outcome[training]
    settings = protocol.learning.nomogram
    if settings is None:
        ridge = fit_clinical(covariates, outcome)
        if ridge is None:
            return None
        scores = ridge.score(table.covariates)
        return Baseline(in_deviations(scores[training], scores))
    if not any(table.covariates):
        return None
    fitted = fit_clinical_model(covariates, outcome, settings, seed=protocol.seed)
    if fitted is None:
        cases = len(table.outcome)
        return Baseline(np.zeros(cases), np.full(cases, outcome.mean()))
    scores = fitted.linear(None, table.covariates)
    return Baseline(
        in_deviations(scores[training], scores),
        fitted.probability(None, table.covariates),
        tuple(factor.name for factor in fitted.factors),
    )


@dataclass(frozen=True)
class ClinicalModel:
    """A logistic regression on standardised variables.

    Attributes:
        factors: numeric ones first.
        means, deviations, coefficients: of the factors' columns.
    """

    factors: tuple[ClinicalFactor, ...]
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float

    def score(self, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Linear predictors of cases, shape (cases,)."""
        columns = factor_values(self.factors, covariates)
        return self.intercept + (columns - self.means) / self.deviations @ self.coefficients


def fit_clinical(covariates: Sequence[Mapping[str, str]], outcome: np.ndarray) -> ClinicalModel | None:
    """A model of all clinical factors; None when no variable varies."""
    from sklearn.linear_model import LogisticRegression

    # Levels are compared with the most frequent one, whose effect is then not penalised.
    factors = tuple(
        replace(factor, levels=tuple(sorted(factor.levels, key=lambda level: level != factor.usual)))
        for factor in sorted(clinical_factors(covariates)[0], key=lambda factor: factor.kind != "numeric")
    )
    if not factors:
        return None
    columns = factor_values(factors, covariates)
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    deviations[deviations == 0] = 1.0
    fit = LogisticRegression(C=_INVERSE_PENALTY, tol=1e-10, max_iter=10_000).fit(
        (columns - means) / deviations, outcome
    )
    return ClinicalModel(factors, means, deviations, fit.coef_[0], float(fit.intercept_[0]))
