"""The cross-validation that chooses the LASSO penalty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import Split
from HabitatRadiomicsLib.learning.lasso import lasso_path

#: Returns the columns that training cases select, from their values and outcomes.
ColumnChoice = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: Predicted probabilities are kept this far from 0 and 1, as in glmnet: a single confident error must not decide.
_SUREST = 1e-5
#: With fewer cases per fold, the standard error is that over cases and not over folds, as in glmnet.
_FEWEST_PER_FOLD = 3


class CrossValidatedPath(NamedTuple):
    """The results of ``cv.glmnet`` for a path of penalties.

    Attributes:
        penalties: lambda, descending.
        deviance: mean binomial deviance of a held-out case at each, glmnet's ``cvm``.
        deviance_se: its standard error, glmnet's ``cvsd``.
        minimum: the penalty with the smallest deviance, ``lambda.min``.
        one_standard_error: the largest one whose deviance is within a standard error of that, ``lambda.1se``.
        scores: held-out linear predictor of each case at each penalty, shape (cases, penalties), in standard
            deviations of its fold's training cases, whose mean is 0; 0 if these all have the same predictor.
    """

    penalties: np.ndarray
    deviance: np.ndarray
    deviance_se: np.ndarray
    minimum: float
    one_standard_error: float
    scores: np.ndarray


def cross_validated_path(
    values: np.ndarray, outcome: np.ndarray, folds: Sequence[Split], penalties: np.ndarray, select: ColumnChoice
) -> CrossValidatedPath:
    """Deviance of held-out cases along a path of penalties (Friedman 2010, doi 10.18637/jss.v033.i01).

    Equals R's ``cv.glmnet(x, y, family = "binomial", foldid =, lambda =)``. Where the path of a fold ends early, its
    last solution holds for the smaller penalties.

    Args:
        values: finite.
        folds: each case is tested once, see `stratified_folds`.
        penalties: descending.
        select: returns the columns that may enter, in each fold, from its training cases alone.

    Raises:
        LearningError: the folds do not test each case once, or a fold has one outcome only.
    """
    tested = np.concatenate([test for _, test in folds]) if len(folds) else np.array([], dtype=int)
    if not np.array_equal(np.sort(tested), np.arange(len(outcome))):
        raise LearningError("The folds of a cross-validation must test each case once.")
    losses, scores = (np.empty((len(outcome), len(penalties))) for _ in range(2))
    for training, test in folds:
        seen, linear = _predictors(values, outcome, training, test, penalties, select)
        losses[test] = _deviances(linear, outcome[test])
        scores[test] = _standardised(linear, seen)
    deviance, error = _mean_and_error(losses, [test for _, test in folds])
    best = int(np.argmin(deviance))
    within = int(np.argmax(deviance <= deviance[best] + error[best]))
    penalties = np.asarray(penalties, dtype=float)
    return CrossValidatedPath(penalties, deviance, error, float(penalties[best]), float(penalties[within]), scores)


def _predictors(
    values: np.ndarray,
    outcome: np.ndarray,
    training: np.ndarray,
    test: np.ndarray,
    penalties: np.ndarray,
    select: ColumnChoice,
) -> tuple[np.ndarray, np.ndarray]:
    """Linear predictors of the training and the test cases along the path fitted on the training cases, each of shape
    (cases, penalties)."""
    columns = select(values[training], outcome[training])
    if len(columns) == 0:
        prevalence = outcome[training].mean()
        same = np.log(prevalence / (1 - prevalence))
        return np.full((len(training), len(penalties)), same), np.full((len(test), len(penalties)), same)
    path = lasso_path(values[np.ix_(training, columns)], outcome[training], penalties)
    missing = ((0, 0), (0, len(penalties) - len(path.intercepts)))
    seen, linear = (
        np.pad(path.intercepts + values[np.ix_(rows, columns)] @ path.coefficients.T, missing, mode="edge")
        for rows in (training, test)
    )
    return seen, linear


def _standardised(linear: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """By mean and standard deviation of the training cases' predictors at each penalty."""
    # The first step of a path has no column: its predictors are equal up to rounding.
    deviation = seen.std(axis=0)
    flat = deviation < 1e-10 * np.maximum(1.0, np.abs(seen).max(axis=0))
    return np.where(flat, 0.0, (linear - seen.mean(axis=0)) / np.where(flat, 1.0, deviation))


def _deviances(linear: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    from scipy.special import expit

    probability = np.clip(expit(linear), _SUREST, 1 - _SUREST)
    return -2 * np.log(np.where(outcome[:, None] == 1, probability, 1 - probability))


def _mean_and_error(losses: np.ndarray, tests: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean over all cases, and its standard error from the spread of the folds' means, weighted by their sizes."""
    if len(losses) / len(tests) < _FEWEST_PER_FOLD:
        tests = [np.array([case]) for case in range(len(losses))]
    means = np.array([losses[test].mean(axis=0) for test in tests])
    share = np.array([len(test) for test in tests]) / len(losses)
    mean = share @ means
    return mean, np.sqrt(share @ (means - mean) ** 2 / (len(tests) - 1))
