"""Cohorts of correlated columns, and a nested cross-validation of a search on many of them at once.

Columns are normal: a factor common to all (half of the variance), one for each ten columns (a third), noise; the first
five rise with the outcome, or none does. The search ranks columns by t, and joins 1, 3 or 8 of them by a signed mean of
z-scores or by regularised linear discriminants, whichever does best in a cross-validation within the training cases. A
linear score's true AUC is known in closed form. The library's own rad-score (Mann-Whitney, redundancy, LASSO) can be
learned instead, a few hundred times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.radscore import fit_rad_score
from HabitatRadiomicsLib.protocol import LearningSettings

#: Learns from values (cohorts, cases, columns) and outcomes in so many folds; gives weights (cohorts, columns).
Learner = Callable[[np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]

_COMMON, _BLOCK, _SIZE = 0.5, 0.35, 10
_RISING = 5
_COUNTS = (1, 3, 8)
SEED = 7
_AT_ONCE = 50


@dataclass(frozen=True)
class Setting:
    """Cohorts of one kind: ``effect`` is how many SD the rising columns rise by."""

    cases: int
    columns: int
    effect: float
    folds: int = 5
    repeats: int = 1
    prevalence: float = 0.4

    def __str__(self) -> str:
        repeats = f"{self.repeats} x " if self.repeats > 1 else ""
        return f"{self.cases} cases, {self.columns} columns, effect {self.effect:g}, {repeats}{self.folds} folds"

    @property
    def outcome(self) -> np.ndarray:
        """0 or 1, shape (cases,)."""
        return (np.arange(self.cases) < round(self.prevalence * self.cases)).astype(int)


@dataclass(frozen=True)
class Cohorts:
    """Held-out scores of many cohorts, shape (cohorts, repeats, cases); the fold of each case, (repeats, cases); true
    AUCs of the folds' models, (cohorts, repeats, folds), and of the final ones, (cohorts,)."""

    scores: np.ndarray
    fold: np.ndarray
    models: np.ndarray
    final: np.ndarray


def drawn(setting: Setting, cohorts: int, generator: np.random.Generator) -> np.ndarray:
    """Feature values, shape (cohorts, cases, columns)."""
    block = np.arange(setting.columns) // _SIZE
    shape = (cohorts, setting.cases)
    values = _COMMON**0.5 * generator.normal(size=(*shape, 1))
    values = values + _BLOCK**0.5 * generator.normal(size=(*shape, block[-1] + 1))[:, :, block]
    values += (1 - _COMMON - _BLOCK) ** 0.5 * generator.normal(size=(*shape, setting.columns))
    values[:, :, :_RISING] += setting.effect * setting.outcome[:, None]
    return values


def true_auc(weights: np.ndarray, effect: float) -> np.ndarray:
    """Of linear scores of two normal groups, shape (cohorts,)."""
    columns = weights.shape[1]
    blocks = np.add.reduceat(weights, np.arange(0, columns, _SIZE), axis=1)
    variance = _COMMON * weights.sum(axis=1) ** 2 + _BLOCK * (blocks**2).sum(axis=1)
    variance += (1 - _COMMON - _BLOCK) * (weights**2).sum(axis=1)
    deviation = np.sqrt(2 * np.where(variance > 0, variance, 1))  # of a score that is 0 for all, chance
    return np.asarray(norm.cdf(effect * weights[:, :_RISING].sum(axis=1) / deviation))


def fits(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Weights of every combination of the search, shape (combinations, cohorts, columns)."""
    one, other = values[:, outcome == 1], values[:, outcome == 0]
    difference = one.mean(axis=1) - other.mean(axis=1)
    left = len(outcome) - 2
    pooled = ((len(one[0]) - 1) * one.var(axis=1, ddof=1) + (len(other[0]) - 1) * other.var(axis=1, ddof=1)) / left
    order = np.argsort(-np.abs(difference) / np.sqrt(pooled), axis=1)[:, : max(_COUNTS)]
    steps, spread = np.take_along_axis(difference, order, 1), np.sqrt(np.take_along_axis(pooled, order, 1))
    best = np.take_along_axis(values, order[:, None, :], 2)
    groups = [best[:, outcome == value] for value in (0, 1)]
    centred = np.concatenate([group - group.mean(axis=1, keepdims=True) for group in groups], axis=1)
    covariance = np.einsum("cij,cik->cjk", centred, centred) / left
    found = []
    for count in _COUNTS:
        within = 0.9 * covariance[:, :count, :count]
        within[:, range(count), range(count)] /= 0.9
        discriminant = np.linalg.solve(within, steps[:, :count, None])[:, :, 0]
        for own in (np.sign(steps[:, :count]) / spread[:, :count], discriminant):
            weights = np.zeros(values.shape[::2])
            np.put_along_axis(weights, order[:, :count], own, 1)
            found.append(weights)
    return np.array(found)


def in_deviations(weights: np.ndarray, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores in standard deviations of the training cases' own, shape (..., cohorts, cases)."""
    seen, unseen = (np.einsum("cij,...cj->...ci", values, weights) for values in (training, test))
    spread = seen.std(axis=-1, keepdims=True)
    return np.asarray((unseen - seen.mean(axis=-1, keepdims=True)) / np.where(spread > 0, spread, 1))


def stratified(outcome: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """The fold of each case."""
    fold = np.empty(len(outcome), dtype=int)
    for value in (0, 1):
        members = generator.permutation(np.flatnonzero(outcome == value))
        fold[members] = (np.arange(len(members)) + value * (outcome == 0).sum()) % folds
    return fold


def lasso(values: np.ndarray, outcome: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Weights of the library's rad-score for each cohort; 0 where it learns nothing."""
    weights = np.zeros(values.shape[::2])
    for own, cohort in zip(weights, values):
        try:
            score = fit_rad_score(cohort, outcome, LearningSettings(folds=folds), seed=int(generator.integers(2**31)))
        except LearningError:
            continue
        own[score.columns] = score.coefficients / score.deviations
    return weights


def search(values: np.ndarray, outcome: np.ndarray, folds: int, generator: np.random.Generator) -> np.ndarray:
    """Weights of the best combination for each cohort."""
    fold = stratified(outcome, folds, generator)
    scores = np.empty((2 * len(_COUNTS), *values.shape[:2]))
    for number in range(folds):
        training, test = fold != number, fold == number
        weights = fits(values[:, training], outcome[training])
        scores[:, :, test] = in_deviations(weights, values[:, training], values[:, test])
    best = aucs(scores, outcome).argmax(axis=0)
    return np.asarray(fits(values, outcome)[best, np.arange(len(values))])


def aucs(scores: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Of scores of shape (..., cases)."""
    difference = scores[..., outcome == 1][..., :, None] - scores[..., outcome == 0][..., None, :]
    return np.asarray(((difference > 0) + 0.5 * (difference == 0)).mean(axis=(-1, -2)))


def cross_validated(
    values: np.ndarray, setting: Setting, fold: np.ndarray, generator: np.random.Generator, learned: Learner = search
) -> Cohorts:
    """The nested cross-validation of some cohorts."""
    outcome = setting.outcome
    scores = np.empty((len(values), *fold.shape))
    models = np.empty((len(values), setting.repeats, setting.folds))
    for repeat, own in enumerate(fold):
        for number in range(setting.folds):
            training, test = own != number, own == number
            weights = learned(values[:, training], outcome[training], setting.folds, generator)
            scores[:, repeat, test] = in_deviations(weights, values[:, training], values[:, test])
            models[:, repeat, number] = true_auc(weights, setting.effect)
    return Cohorts(scores, fold, models, true_auc(learned(values, outcome, setting.folds, generator), setting.effect))


def simulated(setting: Setting, cohorts: int, learned: Learner = search) -> Cohorts:
    """All cohorts of a setting, some at once."""
    generator = np.random.default_rng(SEED)
    fold = np.array([stratified(setting.outcome, setting.folds, generator) for _ in range(setting.repeats)])
    parts = [
        cross_validated(drawn(setting, min(_AT_ONCE, cohorts - start), generator), setting, fold, generator, learned)
        for start in range(0, cohorts, _AT_ONCE)
    ]
    scores, models, final = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("scores", "models", "final")
    )
    return Cohorts(scores, fold, models, final)
