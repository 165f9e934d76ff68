"""A nomogram as one linear score over a table's columns: those of its rad-score, and clinical ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.learning.clinical_factors import clinical_factors
from HabitatRadiomicsLib.learning.nomogram import Nomogram, fit_nomogram
from HabitatRadiomicsLib.learning.radscore import RadScore
from HabitatRadiomicsLib.protocol import NomogramSettings


@dataclass(frozen=True)
class NomogramScore:
    """The linear predictor of a nomogram: ``intercept + sum coefficient * (value - mean) / sd``.

    Attributes:
        columns, means, deviations, coefficients: first those of the rad-score, then the clinical ones.
        covariance: of (intercept, coefficients), from that of the nomogram; the rad-score's own coefficients are taken
            as they are.
        inner: rad-scores of the training cases by fits that had not seen them, in SD: what the nomogram was fitted on.
        held_out: linear predictors of these, in SD.
        rad_score: with ``rad_mean`` and ``rad_deviation`` of its training scores, in whose SD it enters the nomogram.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float
    covariance: np.ndarray
    inner: np.ndarray
    held_out: np.ndarray
    nomogram: Nomogram
    rad_score: RadScore
    rad_mean: float
    rad_deviation: float

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""
        return self.intercept + (values[:, self.columns] - self.means) / self.deviations @ self.coefficients

    def rad_scores(self, values: np.ndarray) -> np.ndarray:
        """The nomogram's rad-scores of a table's rows, in SD of the training cases', shape (cases,)."""
        return (self.rad_score.score(values) - self.rad_mean) / self.rad_deviation


def clinical_columns(
    covariates: Sequence[Mapping[str, str]], training: np.ndarray, settings: NomogramSettings
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and values, shape (cases, columns), of every clinical factor as the training cases know it.

    Raises:
        LearningError: the table lacks a factor that the settings name.
    """
    factors, _ = clinical_factors([covariates[row] for row in training], settings.factors)
    names = tuple(term for factor in factors for term in factor.terms)
    if not names:
        return (), np.zeros((len(covariates), 0))
    return names, np.column_stack([factor.columns(covariates) for factor in factors])


def fit_nomogram_score(
    names: Sequence[str],
    values: np.ndarray,
    rad_score: RadScore,
    inner: np.ndarray,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    settings: NomogramSettings,
    *,
    seed: int,
) -> NomogramScore:
    """Join a rad-score with the clinical factors that matter.

    Args:
        names: of the table's columns, among them those of :func:`clinical_columns`.
        values: of the training cases, shape (cases, columns).
        inner: their rad-scores by fits that had not seen them, in SD; the rad-scores proper were fitted to these very
            cases, and would leave too little to the clinical factors.

    Raises:
        LearningError: the rad-scores do not vary, or separate the outcomes alone.
    """
    nomogram = fit_nomogram(inner, covariates, outcome, settings, seed=seed)
    scores = rad_score.score(values)
    mean, deviation = float(scores.mean()), float(scores.std())
    clinical = np.array([list(names).index(term) for term in nomogram.terms[1:]], dtype=int)
    own = values[:, clinical]
    means = np.concatenate([rad_score.means, own.mean(axis=0)])
    deviations = np.concatenate([rad_score.deviations, own.std(axis=0, ddof=1)])
    # From (intercept, rad-score, clinical terms) to (intercept, coefficients): linear, and so is the covariance's way.
    change = np.zeros((1 + len(means), 1 + len(nomogram.terms)))
    count = len(rad_score.columns)
    change[0, 0], change[0, 1] = 1.0, (rad_score.intercept - mean) / deviation
    change[1 : 1 + count, 1] = rad_score.coefficients / deviation
    change[0, 2:] = means[count:]
    change[1 + count :, 2:] = np.diag(deviations[count:])
    terms = change @ np.concatenate([[nomogram.model.intercept], nomogram.model.coefficients])
    linear = nomogram.linear(inner, covariates)
    return NomogramScore(
        columns=np.concatenate([rad_score.columns, clinical]),
        means=means,
        deviations=deviations,
        coefficients=terms[1:],
        intercept=float(terms[0]),
        covariance=change @ nomogram.model.covariance @ change.T,
        inner=inner,
        held_out=(linear - linear.mean()) / (linear.std() or 1.0),
        nomogram=nomogram,
        rad_score=rad_score,
        rad_mean=mean,
        rad_deviation=deviation,
    )
