"""Selectors x classifiers x numbers of features: cross-validation chooses the combination that makes the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.classifiers import fit_within_limits
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.forests import fitted_scores
from HabitatRadiomicsLib.learning.selection import usable_columns, without_redundant
from HabitatRadiomicsLib.learning.selectors import rank_features
from HabitatRadiomicsLib.model.decision import decision
from HabitatRadiomicsLib.protocol import ClassifierName, SearchSettings, Selector
from HabitatRadiomicsLib.system.tasks import one_thread


@dataclass(frozen=True)
class SearchResult:
    """Performance of a combination: mean and SD (with n - 1) over the folds of its AUC on the held-out cases.

    Attributes:
        features: number of top-ranked features, or all if there are fewer.
    """

    selector: Selector
    classifier: ClassifierName
    features: int
    auc: float
    sd: float


@dataclass(frozen=True)
class ClassifierScore:
    """A classifier of a few z-scored columns of a table.

    Attributes:
        columns: indices into the table that it was fitted on.
        means, deviations: of the training cases, one per column; sd with n - 1.
        estimator: fitted, for columns z-scored by them.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    estimator: Any

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """The score's columns of a table, z-scored; shape (cases, features)."""
        return (values[:, self.columns] - self.means) / self.deviations

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows (see `decision`), shape (cases,); NaN where a value is missing."""
        standardised = self.standardised(values)
        complete = np.isfinite(standardised).all(axis=1)
        scores = np.full(len(values), np.nan)
        if complete.any():
            scores[complete] = decision(self.estimator, standardised[complete])
        return scores


@dataclass(frozen=True)
class SearchedScore(ClassifierScore):
    """The score of the combination that won.

    Attributes:
        held_out: scores of the training cases by fits that had not seen them, in SD of each fold's own training scores
            (their mean 0), shape (cases,). The folds are those that chose the combination, so these scores are
            slightly optimistic.
        compared: all combinations, in the order of the settings.
    """

    selector: Selector
    classifier: ClassifierName
    held_out: np.ndarray
    compared: tuple[SearchResult, ...]

    @property
    def result(self) -> SearchResult:
        """The result of the combination that won."""
        return _best(self.compared)


def fit_search(
    values: np.ndarray,
    outcome: np.ndarray,
    settings: SearchSettings,
    *,
    folds: int,
    seed: int,
    groups: Sequence[object] | np.ndarray | None = None,
) -> SearchedScore:
    """Try every combination in a cross-validation, and fit the best one on all cases.

    The combination with the largest mean AUC is the best; of equal ones the first, ordered by selector, classifier
    and number of features as in the settings. Within each fold, all steps are repeated on its training part: columns
    that do not vary are dropped, of columns that correlate more than ``maximum_correlation`` one is kept, and the
    rest is ranked and z-scored. The kept column is random: columns are put in a random order, and each one is kept
    that does not correlate so strongly with a kept one before
    it. Columns that are not defined for all cases are left out of all folds: some cases would have no score with
    them.

    Args:
        values: shape (cases, columns), of the training cases only.
        outcome: 0 or 1, shape (cases,).
        folds: of the cross-validation.
        seed: of the folds, of the random order, and of the selectors and classifiers that use randomness.
        groups: one per case, e.g. the patient; the cases of a group stay together in the folds.

    Raises:
        LearningError: no column can be used, or the cases are too few for the folds.
    """
    from sklearn import config_context

    outcome = checked_outcome(values, outcome)
    splits = stratified_folds(outcome, folds, seed, groups)
    combinations = list(product(settings.selectors, settings.classifiers, settings.features))
    areas, scores = np.empty((len(combinations), folds)), np.zeros((len(combinations), len(outcome)))
    defined = np.where(np.isfinite(values).all(axis=0), values, np.nan)
    with one_thread(), config_context(assume_finite=True, skip_parameter_validation=True):
        for fold, (training, test) in enumerate(splits):
            rankings = _rankings(defined[training], outcome[training], settings, seed)
            for place, (selector, classifier, count) in enumerate(combinations):
                columns = rankings[selector][:count]
                parts = values[training][:, columns], values[test][:, columns]
                scores[place, test] = _unseen_scores(*parts, outcome[training], classifier, seed)
                areas[place, fold] = area_under_curve(outcome[test], scores[place, test])
        compared = tuple(
            SearchResult(*combination, float(row.mean()), float(row.std(ddof=1)))
            for combination, row in zip(combinations, areas)
        )
        best = _best(compared)
        columns = _rankings(defined, outcome, settings, seed)[best.selector][: best.features]
        whole = _fit(values, outcome, columns, best.classifier, seed)
    held_out = scores[compared.index(best)]
    return SearchedScore(
        **vars(whole), selector=best.selector, classifier=best.classifier, held_out=held_out, compared=compared
    )


def in_training_deviations(score: ClassifierScore, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of cases in standard deviations of the training scores, whose mean is 0; 0 if those do not vary.

    Classifiers of different folds have different scales; their scores can be pooled only in these units.

    Args:
        training: values of the training cases, shape (cases, columns); ``test``: of those to score.
    """
    return _in_deviations(score.score(training), score.score(test))


def _in_deviations(seen: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    spread = float(seen.std())
    return (unseen - seen.mean()) / spread if spread > 0 else np.zeros(len(unseen))


def area_under_curve(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Share of pairs of cases with either outcome that the scores put in order; ties count half."""
    difference = scores[outcome == 1][:, None] - scores[outcome == 0][None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def checked_outcome(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """The outcome as integers.

    Raises:
        LearningError: it is not 0 or 1 of each row of the table.
    """
    outcome = np.asarray(outcome)
    if values.ndim != 2 or outcome.shape != values.shape[:1]:
        raise LearningError(
            f"A table of shape {values.shape} and outcomes of shape {outcome.shape} do not belong together.",
            remedy="Give one row of features and one outcome per case.",
        )
    if not np.isin(outcome, (0, 1)).all():
        raise LearningError("An outcome is neither 0 nor 1.", remedy="Leave out the cases without an outcome.")
    return outcome.astype(int)


def _best(compared: Sequence[SearchResult]) -> SearchResult:
    return max(compared, key=lambda result: result.auc)  # the first of equal ones


def _rankings(
    values: np.ndarray, outcome: np.ndarray, settings: SearchSettings, seed: int
) -> dict[Selector, np.ndarray]:
    """The columns that each selector ranks first, up to the largest number requested."""
    columns = usable_columns(values)
    if not len(columns):
        raise LearningError(
            f"No feature is defined for all of {len(outcome)} cases and varies.",
            remedy="There is nothing to learn from this table.",
        )
    if settings.maximum_correlation is not None:
        shuffled = np.random.default_rng(seed).permutation(columns)
        columns = np.sort(shuffled[without_redundant(values[:, shuffled], settings.maximum_correlation)])
    candidates = values[:, columns]
    return {
        selector: columns[rank_features(selector, candidates, outcome, seed=seed)[: max(settings.features)]]
        for selector in settings.selectors
    }


def _unseen_scores(
    training: np.ndarray, test: np.ndarray, outcome: np.ndarray, classifier: ClassifierName, seed: int
) -> np.ndarray:
    """As `in_training_deviations`, for a classifier of all columns that is not kept."""
    means, deviations = training.mean(axis=0), training.std(axis=0, ddof=1)
    seen, unseen = fitted_scores(
        classifier, (training - means) / deviations, outcome, (test - means) / deviations, seed=seed
    )
    return _in_deviations(seen, unseen)


def _fit(
    values: np.ndarray, outcome: np.ndarray, columns: np.ndarray, classifier: ClassifierName, seed: int
) -> ClassifierScore:
    own = values[:, columns]
    means, deviations = own.mean(axis=0), own.std(axis=0, ddof=1)
    estimator = fit_within_limits(classifier, (own - means) / deviations, outcome, seed=seed)
    return ClassifierScore(columns, means, deviations, estimator)
