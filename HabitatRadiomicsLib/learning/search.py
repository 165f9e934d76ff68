"""Selectors x classifiers x numbers of features: cross-validation chooses the combination that makes the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.classifiers import fit_within_limits, scores_of_complete
from HabitatRadiomicsLib.learning.folds import Groups, checked_outcome, in_deviations, stratified_folds
from HabitatRadiomicsLib.learning.forests import fitted_scores
from HabitatRadiomicsLib.learning.selection import usable_columns, without_redundant
from HabitatRadiomicsLib.learning.selectors import rank_features
from HabitatRadiomicsLib.protocol import ClassifierName, SearchSettings, Selector
from HabitatRadiomicsLib.statistics.roc import area_under_curve
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
        columns: indices into the table.
        means, deviations: of the training cases, one per column; sd with n - 1.
        estimator: fitted to the z-scored columns.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    estimator: Any

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """The score's columns of a table, z-scored; shape (cases, features)."""
        return (values[:, self.columns] - self.means) / self.deviations

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,); NaN where a value is missing."""
        return scores_of_complete(self.estimator, self.standardised(values))


@dataclass(frozen=True)
class SearchedScore(ClassifierScore):
    """The score of the best combination.

    Attributes:
        held_out: scores of the training cases by fits that had not seen them, see `in_deviations`, shape (cases,). The
            folds are those that chose the combination, so these scores are slightly optimistic.
        compared: all combinations, in the order of the settings.
    """

    selector: Selector
    classifier: ClassifierName
    held_out: np.ndarray
    compared: tuple[SearchResult, ...]

    @property
    def result(self) -> SearchResult:
        """The result of the best combination."""
        return _best(self.compared)


def fit_search(
    values: np.ndarray,
    outcome: np.ndarray,
    settings: SearchSettings,
    *,
    folds: int,
    seed: int,
    groups: Groups | None = None,
) -> SearchedScore:
    """Try every combination in a cross-validation, and fit the best one on all cases.

    The combination with the largest mean AUC is the best; of equal ones the first, ordered by selector, classifier
    and number of features as in the settings. Within each fold, all steps are repeated on its training part: columns
    that do not vary are dropped, of columns that correlate more than ``maximum_correlation`` one is kept, and the
    rest is ranked and z-scored. Which one is kept is random: columns are put in a random order, and a column is kept
    unless it correlates so strongly with a kept one before it. Columns that are not defined for all cases are left out
    of all folds: with them, some cases would have no score.

    Args:
        folds: number of folds of the cross-validation.
        seed: of the folds, of the random order, and of the selectors and classifiers that use randomness.

    Raises:
        LearningError: no column can be used, or the cases are too few for the folds.
    """
    from sklearn import config_context

    outcome = checked_outcome(outcome, len(values))
    splits = stratified_folds(outcome, folds, seed, groups)
    combinations = list(product(settings.selectors, settings.classifiers, settings.features))
    areas, scores = np.empty((len(combinations), folds)), np.zeros((len(combinations), len(outcome)))
    defined = np.where(np.isfinite(values).all(axis=0), values, np.nan)
    with one_thread(), config_context(assume_finite=True, skip_parameter_validation=True):
        for fold, (training, test) in enumerate(splits):
            rankings = _rankings(defined[training], outcome[training], settings, seed)
            for number, (selector, classifier, count) in enumerate(combinations):
                columns = rankings[selector][:count]
                parts = values[training][:, columns], values[test][:, columns]
                scores[number, test] = _unseen_scores(*parts, outcome[training], classifier, seed)
                areas[number, fold] = area_under_curve(outcome[test], scores[number, test])
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
    """Scores of the test cases, see `in_deviations`, by a classifier of all columns that is not kept."""
    means, deviations = training.mean(axis=0), training.std(axis=0, ddof=1)
    scaled = (training - means) / deviations, (test - means) / deviations
    return in_deviations(*fitted_scores(classifier, scaled[0], outcome, scaled[1], seed=seed))


def _fit(
    values: np.ndarray, outcome: np.ndarray, columns: np.ndarray, classifier: ClassifierName, seed: int
) -> ClassifierScore:
    chosen = values[:, columns]
    means, deviations = chosen.mean(axis=0), chosen.std(axis=0, ddof=1)
    estimator = fit_within_limits(classifier, (chosen - means) / deviations, outcome, seed=seed)
    return ClassifierScore(columns, means, deviations, estimator)
