"""The nomogram: a logistic model of the rad-score and of the clinical factors that add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.features.catalogue import RAD_SCORE_TERM
from HabitatRadiomicsLib.learning.clinical_factors import (
    ClinicalFactor,
    UnivariateRow,
    clinical_factors,
    factor_values,
    univariate_table,
)
from HabitatRadiomicsLib.learning.folds import in_deviations
from HabitatRadiomicsLib.learning.radscore import RadScore
from HabitatRadiomicsLib.protocol import NomogramSettings
from HabitatRadiomicsLib.statistics.logistic import LogisticModel, OddsRatio, logistic_model, obstacle


@dataclass(frozen=True)
class Nomogram:
    """The final model, and how its factors were chosen.

    Attributes:
        factors: clinical factors that were kept; they define how values are coded and what replaces missing ones.
        model: its first term is ``rad-score`` (not in a clinical model), then follow those of the factors.
        univariate: every factor of the clinical table, tested alone.
        multivariable: the model with all factors that entered; the final model differs if some of them were dropped.
        left_out: reasons, by name, why variables are not in the final model.
        rad_score_range: lowest and highest rad-score in training; None for a clinical model.
        linear_range: lowest and highest linear predictor in training.
    """

    factors: tuple[ClinicalFactor, ...]
    model: LogisticModel
    univariate: tuple[UnivariateRow, ...]
    multivariable: tuple[OddsRatio, ...]
    left_out: Mapping[str, str]
    rad_score_range: tuple[float, float] | None
    linear_range: tuple[float, float]

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the final model's terms."""
        return self.model.terms

    def columns(self, rad_scores: np.ndarray | None, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Values of the terms, shape (cases, terms).

        Args:
            rad_scores: shape (cases,); None for a clinical model only.
        """
        if (rad_scores is None) != (self.rad_score_range is None):
            raise LearningError("A nomogram needs rad-scores, and a clinical model does not use them.")
        return _columns(rad_scores, self.factors, covariates)

    def linear(self, rad_scores: np.ndarray | None, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Linear predictors, shape (cases,)."""
        return self.model.intercept + self.columns(rad_scores, covariates) @ self.model.coefficients

    def probability(self, rad_scores: np.ndarray | None, covariates: Sequence[Mapping[str, str]]) -> np.ndarray:
        """Risks of the outcome, shape (cases,)."""
        from scipy.special import expit

        return np.asarray(expit(self.linear(rad_scores, covariates)))


@dataclass(frozen=True)
class NomogramScore:
    """The linear predictor of a nomogram: ``intercept + sum coefficient * (value - mean) / sd``.

    Attributes:
        columns, means, deviations, coefficients: first those of the rad-score, then the clinical ones.
        covariance: of (intercept, coefficients), from that of the nomogram; the coefficients within the rad-score are
            treated as fixed.
        inner: rad-scores of the training cases by fits that had not seen them, in SD, to which the nomogram was fitted.
        held_out: linear predictors computed from these, in SD.
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

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""
        return self.intercept + (values[:, self.columns] - self.means) / self.deviations @ self.coefficients


def fit_nomogram(
    rad_scores: np.ndarray,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    settings: NomogramSettings,
    *,
    seed: int = 0,
) -> Nomogram:
    """Choose the clinical factors and fit them with the rad-score.

    Factors whose univariate p is below ``settings.univariate_significance`` enter a logistic model with the rad-score,
    the smallest p first; a factor is skipped if no finite odds ratios exist with it. Factors whose Wald p in that model
    (of all levels together) is below ``settings.multivariable_significance`` are kept, and the model is refitted with
    these. The rad-score is always kept. Univariate tests ignore missing values; the models replace them by the median
    or the most frequent level of the training cases.

    Args:
        rad_scores: of the training cases, shape (cases,), finite. Use held-out scores: scores fitted to the same cases
            are too good, and leave too little effect to the clinical factors.
        covariates: of each case, by name; an empty text, ``NA``, ``N/A`` or ``nan`` is a missing value.
        seed: of Monte Carlo tests of sparse tables.

    Raises:
        LearningError: outcomes or rad-scores that do not match the cases, a factor of the settings that the table
            lacks, or rad-scores that do not vary or alone separate the outcomes.
    """
    scores = np.asarray(rad_scores, dtype=float)
    if scores.shape != (len(covariates),) or not np.isfinite(scores).all():
        raise LearningError(f"A nomogram of {len(covariates)} cases needs a finite rad-score of each.")
    fitted = _fit(scores, covariates, outcome, settings, seed)
    assert fitted is not None  # the rad-score always stays
    return fitted


def fit_clinical_model(
    covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, settings: NomogramSettings, *, seed: int = 0
) -> Nomogram | None:
    """The same model without a rad-score, for comparison; None if no clinical factor is kept."""
    return _fit(None, covariates, outcome, settings, seed)


def factor_columns(
    covariates: Sequence[Mapping[str, str]], training: np.ndarray, settings: NomogramSettings
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and values, shape (cases, columns), of every clinical factor, coded from the training cases.

    Raises:
        LearningError: the table lacks a factor that the settings name.
    """
    factors, _ = clinical_factors([covariates[row] for row in training], settings.factors)
    return tuple(term for factor in factors for term in factor.terms), factor_values(factors, covariates)


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
    """Combine a rad-score with the clinical factors that add to it.

    Args:
        names: of the table's columns, among them those of `factor_columns`.
        inner: rad-scores of the cases by fits that had not seen them, in SD, see `fit_nomogram`.

    Raises:
        LearningError: the rad-scores do not vary, or alone separate the outcomes.
    """
    nomogram = fit_nomogram(inner, covariates, outcome, settings, seed=seed)
    scores = rad_score.score(values)
    mean, deviation = float(scores.mean()), float(scores.std())
    clinical = np.array([list(names).index(term) for term in nomogram.terms[1:]], dtype=int)
    factors = values[:, clinical]
    means = np.concatenate([rad_score.means, factors.mean(axis=0)])
    deviations = np.concatenate([rad_score.deviations, factors.std(axis=0, ddof=1)])
    # From (intercept, rad-score, clinical terms) to (intercept, coefficients): a linear map, also for the covariance.
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
        held_out=in_deviations(linear, linear),
        nomogram=nomogram,
    )


def _fit(
    scores: np.ndarray | None,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    settings: NomogramSettings,
    seed: int,
) -> Nomogram | None:
    factors, left_out = clinical_factors(covariates, settings.factors)
    table = univariate_table(factors, covariates, outcome, seed=seed)
    differing = _differing(factors, table, settings.univariate_significance, left_out)
    entered = _fitting_together(scores, differing, covariates, outcome, left_out)
    if scores is None and not entered:
        return None
    full = _model(scores, entered, covariates, outcome)
    kept = []
    for factor in entered:
        p = full.joint_p(factor.terms)
        if p < settings.multivariable_significance:
            kept.append(factor)
        else:
            left_out[factor.name] = f"its p is {p:.3g} in the multivariable model"
    if scores is None and not kept:
        return None
    model = full if len(kept) == len(entered) else _model(scores, kept, covariates, outcome)
    linear = model.intercept + _columns(scores, kept, covariates) @ model.coefficients
    score_range = None if scores is None else (float(scores.min()), float(scores.max()))
    linear_range = (float(linear.min()), float(linear.max()))
    return Nomogram(tuple(kept), model, table, full.odds_ratios, left_out, score_range, linear_range)


def _differing(
    factors: Sequence[ClinicalFactor], table: Sequence[UnivariateRow], significance: float, left_out: dict[str, str]
) -> list[ClinicalFactor]:
    """Factors with a small univariate p, the smallest first."""
    chosen = []
    for factor, row in zip(factors, table):
        if row.p is None:
            left_out[factor.name] = "its known values are too few for a test"
        elif row.p >= significance:
            left_out[factor.name] = f"its p is {row.p:.3g} in the univariate test"
        else:
            chosen.append((row.p, factor))
    return [factor for _, factor in sorted(chosen, key=lambda item: item[0])]


def _fitting_together(
    scores: np.ndarray | None,
    factors: Sequence[ClinicalFactor],
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    left_out: dict[str, str],
) -> list[ClinicalFactor]:
    """Factors, added one by one, with which the model still has finite odds ratios."""
    entered: list[ClinicalFactor] = []
    for factor in factors:
        problem = obstacle(_columns(scores, [*entered, factor], covariates), outcome)
        if problem:
            left_out[factor.name] = f"with it the model has no odds ratios: {problem}"
        else:
            entered.append(factor)
    return entered


def _model(
    scores: np.ndarray | None,
    factors: Sequence[ClinicalFactor],
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
) -> LogisticModel:
    terms = ([] if scores is None else [RAD_SCORE_TERM]) + [term for factor in factors for term in factor.terms]
    return logistic_model(_columns(scores, factors, covariates), terms, outcome)


def _columns(
    scores: np.ndarray | None, factors: Sequence[ClinicalFactor], covariates: Sequence[Mapping[str, str]]
) -> np.ndarray:
    clinical = factor_values(factors, covariates)
    return clinical if scores is None else np.column_stack([np.asarray(scores, dtype=float), clinical])
