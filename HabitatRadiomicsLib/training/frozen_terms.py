"""Any fitted score as the terms of a model file: linear coefficients, or a classifier and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.nomogram import NomogramScore
from HabitatRadiomicsLib.learning.radscore import RadScore, coefficient_covariance
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.learning.strategy import FittedScore
from HabitatRadiomicsLib.model import ClassifierInput, FrozenClassifier
from HabitatRadiomicsLib.model.classifier_file import classifier_text
from HabitatRadiomicsLib.model.decision import linear_terms
from HabitatRadiomicsLib.protocol import ClassifierName, LearningSettings
from HabitatRadiomicsLib.statistics import stratified_resample


@dataclass(frozen=True)
class FrozenTerms:
    """Columns with their scale, and either coefficients or a classifier.

    Attributes:
        columns: places in the table; ``means`` and ``deviations`` are theirs.
        coefficients, intercept: of a linear score; else None.
        covariance: of (intercept, coefficients); None where there is none.
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
    """Linear where the classifier is: then nobody needs scikit-learn's object to score."""
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
