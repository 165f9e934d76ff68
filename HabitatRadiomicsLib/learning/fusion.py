"""Rad-scores of several regions, and deep features, joined by a classifier (stacking, Wolpert 1992, doi
10.1016/S0893-6080(05)80023-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.classifiers import fit_classifier, scores_of_complete
from HabitatRadiomicsLib.learning.folds import Groups, Split, in_deviations, stratified_folds
from HabitatRadiomicsLib.learning.forests import fitted_scores
from HabitatRadiomicsLib.learning.radscore import RadScore, fit_rad_score
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.protocol import ClassifierName, FusionSettings, LearningSettings
from HabitatRadiomicsLib.statistics.roc import area_under_curve
from HabitatRadiomicsLib.system.tasks import one_thread


@dataclass(frozen=True)
class ScaledRadScore:
    """A rad-score with the mean and standard deviation of its training scores, in which it becomes an input."""

    name: str
    score: RadScore
    mean: float
    deviation: float


@dataclass(frozen=True)
class ClassifierResult:
    """Mean and SD of a classifier's AUC over the folds of the cross-validation within the training cases."""

    classifier: ClassifierName
    auc: float
    sd: float


@dataclass(frozen=True)
class FusedScore:
    """A classifier of rad-scores and of single columns.

    Attributes:
        rad_scores: the first inputs.
        single: columns that are inputs by themselves, with their means and deviations.
        held_out: scores of the training cases by classifiers and rad-scores that had not seen them, see
            `in_deviations`.
        compared: the result of every classifier.
    """

    rad_scores: tuple[ScaledRadScore, ...]
    single: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    classifier: ClassifierName
    estimator: Any
    held_out: np.ndarray
    compared: tuple[ClassifierResult, ...]

    @property
    def columns(self) -> np.ndarray:
        """Every column from which the inputs are computed, each once."""
        of_scores = [part.score.columns for part in self.rad_scores]
        return np.array(list(dict.fromkeys(np.concatenate([*of_scores, self.single]).tolist())), dtype=int)

    def inputs(self, values: np.ndarray) -> np.ndarray:
        """The classifier's inputs, shape (cases, inputs)."""
        rad = [(part.score.score(values) - part.mean) / part.deviation for part in self.rad_scores]
        single = (values[:, self.single] - self.means) / self.deviations
        return np.column_stack([*rad, single]) if rad else single

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,); NaN where a value is missing."""
        return scores_of_complete(self.estimator, self.inputs(values))


def fit_fused(
    values: np.ndarray,
    outcome: np.ndarray,
    regions: Mapping[str, np.ndarray],
    single: np.ndarray,
    learning: LearningSettings,
    fusion: FusionSettings,
    *,
    seed: int,
    groups: Groups | None = None,
) -> FusedScore:
    """Fit a rad-score for each region, select the best single columns, and choose the classifier that performs best
    on both.

    Args:
        regions: columns of each region that gets a rad-score, by the score's name.
        single: columns of which the best become inputs by themselves.

    Raises:
        LearningError: no region and no single column tells the outcomes apart.
    """
    parts: list[ScaledRadScore] = []
    held_out: list[np.ndarray] = []
    for name, columns in regions.items():
        try:
            fitted = fit_rad_score(values[:, columns], outcome, learning, seed=seed, groups=groups)
        except LearningError:  # nothing to learn from this region
            continue
        fitted = replace(fitted, columns=columns[fitted.columns])
        scores = fitted.score(values)
        parts.append(ScaledRadScore(name, fitted, float(scores.mean()), float(scores.std())))
        held_out.append(fitted.held_out)
    rad = np.stack(held_out, axis=1) if held_out else np.zeros((len(outcome), 0))
    best = _best(values, outcome, single, learning, fusion.deep_features)
    if not parts and not len(best):
        raise LearningError("No region and no deep feature tells the outcomes apart.")
    folds = stratified_folds(outcome, learning.folds, seed, groups)
    with one_thread():
        results, scores_of = _compared(values, outcome, rad, single, learning, fusion, seed, folds)
    winner = max(results, key=lambda result: result.auc)  # the first of equal ones
    means, deviations = values[:, best].mean(axis=0), values[:, best].std(axis=0, ddof=1)
    inputs = np.column_stack([rad, (values[:, best] - means) / deviations])
    return FusedScore(
        rad_scores=tuple(parts),
        single=best,
        means=means,
        deviations=deviations,
        classifier=winner.classifier,
        estimator=fit_classifier(winner.classifier, inputs, outcome, seed=seed),
        held_out=scores_of[winner.classifier],
        compared=tuple(results),
    )


def _compared(
    values: np.ndarray,
    outcome: np.ndarray,
    rad: np.ndarray,
    single: np.ndarray,
    learning: LearningSettings,
    fusion: FusionSettings,
    seed: int,
    folds: Sequence[Split],
) -> tuple[list[ClassifierResult], dict[ClassifierName, np.ndarray]]:
    """The performance of every classifier, and its held-out scores."""
    inputs_of = []
    for training, _ in folds:
        best = values[:, _best(values[training], outcome[training], single, learning, fusion.deep_features)]
        standardised = (best - best[training].mean(axis=0)) / best[training].std(axis=0, ddof=1)
        inputs_of.append(np.column_stack([rad, standardised]))
    results: list[ClassifierResult] = []
    scores_of: dict[ClassifierName, np.ndarray] = {}
    for name in fusion.classifiers:
        areas, scores = [], np.zeros(len(outcome))
        for inputs, (training, test) in zip(inputs_of, folds):
            if not inputs.shape[1]:
                areas.append(0.5)
                continue
            seen, unseen = fitted_scores(name, inputs[training], outcome[training], inputs[test], seed=seed)
            scores[test] = in_deviations(seen, unseen)
            areas.append(area_under_curve(outcome[test], unseen))
        results.append(ClassifierResult(name, float(np.mean(areas)), float(np.std(areas, ddof=1))))
        scores_of[name] = scores
    return results, scores_of


def _best(
    values: np.ndarray, outcome: np.ndarray, columns: np.ndarray, learning: LearningSettings, count: int
) -> np.ndarray:
    """The non-redundant columns with the smallest p, however large: the classifier determines how much they add to the
    rad-scores."""
    if not count or not len(columns):
        return np.zeros(0, dtype=int)
    any_p = learning.model_copy(update={"significance": 1.0, "univariate_selection": None})
    return columns[select_features(values[:, columns], outcome, any_p)[:count]]
