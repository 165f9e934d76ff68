"""The terms of a learned score as the frozen model holds them: columns with coefficients or a classifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.nomogram import NomogramScore
from HabitatRadiomicsLib.learning.radscore import RadScore, coefficient_covariance
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.learning.strategy import FittedScore
from HabitatRadiomicsLib.model.classifier import classifier_text, linear_terms
from HabitatRadiomicsLib.model.document import ClassifierInput, FrozenClassifier
from HabitatRadiomicsLib.protocol import ClassifierName, LearningSettings
from HabitatRadiomicsLib.statistics import stratified_resample


@dataclass(frozen=True)
class FrozenTerms:
    """Columns with their scale, and either coefficients or a classifier.

    Attributes:
        columns: indices in the table; ``means`` and ``deviations`` are those of these columns.
        coefficients, intercept: of a linear score; else None.
        covariance: of (intercept, coefficients); None if unknown.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray | None = None
    intercept: float | None = None
    covariance: np.ndarray | None = None
    classifier: FrozenClassifier | None = None


@dataclass(frozen=True)
class _Inputs:
    """A classifier's inputs as weights of standardised columns.

    Attributes:
        values: of the training cases, shape (cases, inputs).
        names: of the first inputs; the others are single columns.
        weights: shape (inputs, columns); ``offsets``: shape (inputs,).
    """

    values: np.ndarray
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
    """The terms of a fitted score; a linear classifier becomes coefficients, which need no scikit-learn to score.

    Args:
        names: of the table's columns.
        values: of the training cases, shape (cases, columns): for the bootstrap refits of linear scores.
    """
    if isinstance(score, (NomogramScore, RadScore)):
        covariance = (
            score.covariance
            if isinstance(score, NomogramScore)
            else coefficient_covariance(values, outcome, score, count=settings.bootstraps, seed=seed)
        )
        return FrozenTerms(
            score.columns, score.means, score.deviations, score.coefficients, score.intercept, covariance
        )
    assert isinstance(score, (FusedScore, SearchedScore))
    inputs = _of_fused(score, values) if isinstance(score, FusedScore) else _of_searched(score, values)
    scale = (inputs.columns, inputs.means, inputs.deviations)
    linear = linear_terms(score.estimator)
    if linear is None:
        return FrozenTerms(*scale, classifier=_frozen_classifier(score, inputs, names))
    covariance = _refitted_covariance(score.classifier, inputs.values, outcome, settings.bootstraps, seed)
    # From (intercept, coefficients of the inputs) to (intercept, coefficients of the columns).
    change = np.zeros((1 + len(inputs.columns), 1 + len(inputs.offsets)))
    change[0, 0], change[0, 1:], change[1:, 1:] = 1.0, inputs.offsets, inputs.weights.T
    terms = change @ np.concatenate([[linear[0]], linear[1]])
    return FrozenTerms(*scale, terms[1:], float(terms[0]), change @ covariance @ change.T)


def _of_searched(score: SearchedScore, values: np.ndarray) -> _Inputs:
    count = len(score.columns)
    return _Inputs(
        score.standardised(values), (), score.columns, score.means, score.deviations, np.eye(count), np.zeros(count)
    )


def _of_fused(score: FusedScore, values: np.ndarray) -> _Inputs:
    places = {column: place for place, column in enumerate(score.columns.tolist())}
    regions = len(score.rad_scores)
    weights, offsets = np.zeros((regions + len(score.single), len(places))), np.zeros(regions + len(score.single))
    means, deviations = np.zeros(len(places)), np.ones(len(places))
    for row, part in enumerate(score.rad_scores):
        used = [places[column] for column in part.score.columns.tolist()]
        weights[row, used] = part.score.coefficients / part.deviation
        offsets[row] = (part.score.intercept - part.mean) / part.deviation
        means[used], deviations[used] = part.score.means, part.score.deviations
    for number, column in enumerate(score.single.tolist()):
        place = places[column]
        weights[regions + number, place] = 1.0
        means[place], deviations[place] = score.means[number], score.deviations[number]
    names = tuple(RAD_SCORE_PREFIX + part.name for part in score.rad_scores)
    return _Inputs(score.inputs(values), names, score.columns, means, deviations, weights, offsets)


def _frozen_classifier(score: FusedScore | SearchedScore, inputs: _Inputs, names: tuple[str, ...]) -> FrozenClassifier:
    rows = []
    for place, (weights, offset) in enumerate(zip(inputs.weights, inputs.offsets)):
        by_name = {names[inputs.columns[column]]: float(weights[column]) for column in np.flatnonzero(weights)}
        name = inputs.names[place] if place < len(inputs.names) else next(iter(by_name))
        rows.append(ClassifierInput(name=name, intercept=float(offset), weights=by_name))
    return FrozenClassifier(name=score.classifier, inputs=tuple(rows), estimator=classifier_text(score.estimator))


def _refitted_covariance(
    name: ClassifierName, inputs: np.ndarray, outcome: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """Covariance of (intercept, coefficients) over bootstrap refits; features and their scale stay."""
    fits = []
    for number in range(count):
        rows = stratified_resample(outcome, seed, number)
        terms = linear_terms(fit_classifier(name, inputs[rows], outcome[rows], seed=seed))
        assert terms is not None
        fits.append(np.concatenate([[terms[0]], terms[1]]))
    return np.atleast_2d(np.cov(np.array(fits), rowvar=False))
