"""The nomogram of the final fit as the frozen model holds it, and its terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, ModelError
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.nomogram import Nomogram, NomogramScore
from HabitatRadiomicsLib.learning.radscore import RadScore, coefficient_covariance
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.learning.strategy import FittedScore
from HabitatRadiomicsLib.model import ClassifierInput, FrozenClassifier
from HabitatRadiomicsLib.model.classifier_file import classifier_text
from HabitatRadiomicsLib.model.decision import linear_terms
from HabitatRadiomicsLib.model.nomogram import (
    CalibrationCurve,
    ClinicalInput,
    ClinicalModelPart,
    ClinicalTerm,
    HosmerLemeshow,
    NomogramPart,
    OddsRatioLine,
    RadScoreTerm,
    UnivariateLine,
)
from HabitatRadiomicsLib.protocol import ClassifierName, LearningSettings
from HabitatRadiomicsLib.statistics import hosmer_lemeshow_test, stratified_resample
from HabitatRadiomicsLib.statistics.calibration import CalibrationTest
from HabitatRadiomicsLib.statistics.corrected_calibration import CorrectedCalibration, corrected_calibration


@dataclass(frozen=True)
class FrozenTerms:
    """Columns with their scale, and either coefficients or a classifier.

    Attributes:
        columns: indices in the table; ``means`` and ``deviations`` are theirs.
        coefficients, intercept: of a linear score; else None.
        covariance: of (intercept, coefficients); None if there is none.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray | None
    intercept: float | None
    covariance: np.ndarray | None
    classifier: FrozenClassifier | None


@dataclass(frozen=True)
class _Inputs:
    """A classifier's inputs as weights of standardised columns.

    Attributes:
        names: of the first inputs; the others are named by their column.
        weights: shape (inputs, columns); ``offsets``: shape (inputs,).
    """

    names: tuple[str, ...]
    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray


def frozen_terms(
    score: FittedScore,
    names: tuple[str, ...],
    values: np.ndarray,
    outcome: np.ndarray,
    settings: LearningSettings,
    *,
    seed: int,
) -> FrozenTerms:
    """The terms of a fitted score.

    Args:
        names: of the table's columns.
        values: of the training cases, shape (cases, columns): for the bootstrap refits of linear scores.
    """
    if isinstance(score, NomogramScore):
        return _linear(score, score.covariance)
    if isinstance(score, RadScore):
        return _linear(score, coefficient_covariance(values, outcome, score, count=settings.bootstraps, seed=seed))
    if isinstance(score, FusedScore):
        return _of_classifier(score.classifier, score.estimator, _of_fused(score), names, score.inputs(values), outcome,
                              settings.bootstraps, seed)  # fmt: skip
    assert isinstance(score, SearchedScore)
    inputs = _Inputs(
        tuple(names[column] for column in score.columns), score.columns, score.means, score.deviations,
        np.eye(len(score.columns)), np.zeros(len(score.columns)),
    )  # fmt: skip
    return _of_classifier(score.classifier, score.estimator, inputs, names, score.standardised(values), outcome,
                          settings.bootstraps, seed)  # fmt: skip


def _linear(score: RadScore | NomogramScore, covariance: np.ndarray | None) -> FrozenTerms:
    return FrozenTerms(
        score.columns, score.means, score.deviations, score.coefficients, score.intercept, covariance, None
    )


def _of_fused(score: FusedScore) -> _Inputs:
    columns = score.columns
    place = {column: index for index, column in enumerate(columns.tolist())}
    count = len(score.rad_scores) + len(score.single)
    weights, offsets = np.zeros((count, len(columns))), np.zeros(count)
    means, deviations = np.zeros(len(columns)), np.ones(len(columns))
    for row, part in enumerate(score.rad_scores):
        own = [place[column] for column in part.score.columns.tolist()]
        weights[row, own] = part.score.coefficients / part.deviation
        offsets[row] = (part.score.intercept - part.mean) / part.deviation
        means[own], deviations[own] = part.score.means, part.score.deviations
    for row, column in enumerate(score.single.tolist(), start=len(score.rad_scores)):
        weights[row, place[column]] = 1.0
        index = row - len(score.rad_scores)
        means[place[column]], deviations[place[column]] = score.means[index], score.deviations[index]
    return _Inputs(
        tuple(RAD_SCORE_PREFIX + part.name for part in score.rad_scores), columns, means, deviations, weights, offsets
    )


def _of_classifier(
    name: ClassifierName, estimator: Any, inputs: _Inputs, names: tuple[str, ...], given: np.ndarray,
    outcome: np.ndarray, bootstraps: int, seed: int,
) -> FrozenTerms:  # fmt: skip
    """Linear terms if the classifier is linear: scoring then does not need scikit-learn's object."""
    linear = linear_terms(estimator)
    scale = (inputs.columns, inputs.means, inputs.deviations)
    if linear is not None:
        covariance = _refitted_covariance(name, given, outcome, bootstraps, seed)
        # (intercept, coefficients of the inputs) to those of the columns.
        change = np.zeros((1 + len(inputs.columns), 1 + len(inputs.offsets)))
        change[0, 0], change[0, 1:], change[1:, 1:] = 1.0, inputs.offsets, inputs.weights.T
        terms = change @ np.concatenate([[linear[0]], linear[1]])
        return FrozenTerms(*scale, terms[1:], float(terms[0]), change @ covariance @ change.T, None)
    rows = []
    for place, (weights, offset) in enumerate(zip(inputs.weights, inputs.offsets)):
        of_columns = {names[inputs.columns[column]]: float(weights[column]) for column in np.flatnonzero(weights)}
        own = inputs.names[place] if place < len(inputs.names) else next(iter(of_columns))
        rows.append(ClassifierInput(name=own, intercept=float(offset), weights=of_columns))
    return FrozenTerms(
        *scale, None, None, None,
        FrozenClassifier(name=name, inputs=tuple(rows), estimator=classifier_text(estimator)),
    )  # fmt: skip


def _refitted_covariance(
    name: ClassifierName, given: np.ndarray, outcome: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Covariance of (intercept, coefficients) over bootstrap refits; features and their scale stay."""
    fits = []
    for number in range(count):
        rows = stratified_resample(outcome, seed, number)
        found = linear_terms(fit_classifier(name, given[rows], outcome[rows], seed=seed))
        assert found is not None
        fits.append(np.concatenate([[found[0]], found[1]]))
    return np.atleast_2d(np.cov(np.array(fits), rowvar=False))


def nomogram_part(
    fitted: Nomogram,
    *,
    calibration: CorrectedCalibration | None = None,
    hosmer_lemeshow: CalibrationTest | None = None,
    clinical: Nomogram | None = None,
    units: Mapping[str, str] | None = None,
) -> NomogramPart:
    """The part of the model file.

    Args:
        calibration, hosmer_lemeshow: of the final model on its training cases.
        clinical: the model of clinical factors alone.
        units: of numeric inputs, by name.

    Raises:
        ModelError: a clinical model, which has no rad-score.
    """
    if fitted.rad_score_range is None:
        raise ModelError("A clinical model without a rad-score is no nomogram.")
    low, high = fitted.rad_score_range
    coefficients = fitted.model.coefficients.tolist()
    return NomogramPart(
        intercept=fitted.model.intercept,
        rad_score=RadScoreTerm(coefficient=coefficients[0], minimum=low, maximum=high),
        inputs=_inputs(fitted, units or {}),
        terms=_terms(fitted.terms[1:], coefficients[1:]),
        covariance=tuple(map(tuple, fitted.model.covariance.tolist())),
        linear_minimum=fitted.linear_range[0],
        linear_maximum=fitted.linear_range[1],
        univariate=tuple(UnivariateLine(**vars(row)) for row in fitted.univariate),
        multivariable=tuple(OddsRatioLine(**vars(row)) for row in fitted.multivariable),
        left_out=dict(fitted.left_out),
        calibration=None if calibration is None else _curve(calibration),
        hosmer_lemeshow=None
        if hosmer_lemeshow is None
        else HosmerLemeshow(
            statistic=hosmer_lemeshow.statistic, degrees=hosmer_lemeshow.degrees or 1, p=hosmer_lemeshow.p
        ),
        clinical_model=None
        if clinical is None
        else ClinicalModelPart(
            intercept=clinical.model.intercept,
            inputs=_inputs(clinical, units or {}),
            terms=_terms(clinical.terms, clinical.model.coefficients.tolist()),
        ),
    )


def _inputs(fitted: Nomogram, units: Mapping[str, str]) -> tuple[ClinicalInput, ...]:
    return tuple(
        ClinicalInput(
            name=one.name, kind=one.kind, levels=one.levels, labels=one.levels, usual=one.usual,
            minimum=one.minimum, maximum=one.maximum, unit=units.get(one.name, ""),
        )
        for one in fitted.factors
    )  # fmt: skip


def _terms(names: Sequence[str], coefficients: Sequence[float]) -> tuple[ClinicalTerm, ...]:
    return tuple(ClinicalTerm(term=name, coefficient=value) for name, value in zip(names, coefficients))


def _curve(found: CorrectedCalibration) -> CalibrationCurve:
    return CalibrationCurve(
        predicted=tuple(found.predicted.tolist()),
        apparent=tuple(found.apparent.tolist()),
        corrected=tuple(found.corrected.tolist()),
        mean_absolute_error=found.mean_absolute_error,
        quantile_90=found.quantile_90,
        samples=found.samples,
    )


def frozen_nomogram(
    score: NomogramScore,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    *,
    bootstraps: int,
    seed: int,
    clinical: Nomogram | None = None,
) -> NomogramPart:
    """The nomogram part of a model file.

    Args:
        covariates, outcome: of the training cases, in the order of ``score.inner``.
        bootstraps: for the corrected calibration; 0: none.
        clinical: the model of clinical factors alone, of the same cases.
    """
    return nomogram_part(
        score.nomogram,
        calibration=_calibration(score, covariates, outcome, bootstraps, seed),
        hosmer_lemeshow=_hosmer_lemeshow(score.nomogram.probability(score.inner, covariates), outcome),
        clinical=clinical,
    )


def _calibration(
    score: NomogramScore, covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, bootstraps: int, seed: int
) -> CorrectedCalibration | None:
    """None if it was not requested, or cannot be computed from these cases."""
    if not bootstraps:
        return None
    columns = score.nomogram.columns(score.inner, covariates)
    try:
        return corrected_calibration(columns, outcome, bootstraps=bootstraps, seed=seed)
    except EvaluationError:
        return None


def _hosmer_lemeshow(probability: np.ndarray, outcome: np.ndarray) -> CalibrationTest | None:
    """None if the cases are too few, or their probabilities too similar, to form its groups."""
    try:
        return hosmer_lemeshow_test(outcome, probability)
    except EvaluationError:
        return None
