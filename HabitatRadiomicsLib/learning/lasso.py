"""LASSO logistic regression with glmnet's objective and path."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError

_ROUNDS = 50
_CHANGE = 1e-9
#: Working weights are kept away from 0, as glmnet does, when fitted probabilities reach 0 or 1.
_SMALLEST_WEIGHT = 1e-5


#: Explained share of the deviance at which a path ends; glmnet's ``devmax``.
_SATURATED = 0.999


@dataclass(frozen=True)
class LassoPath:
    """Solutions along decreasing penalties; coefficients are on the scale of the given columns.

    Attributes:
        penalties: lambda, descending, shape (steps,).
        intercepts: shape (steps,).
        coefficients: shape (steps, columns).
    """

    penalties: np.ndarray
    intercepts: np.ndarray
    coefficients: np.ndarray


def lasso_path(
    values: np.ndarray,
    outcome: np.ndarray,
    penalties: Sequence[float] | np.ndarray | None = None,
    *,
    steps: int = 100,
    stop_above: int | None = None,
) -> LassoPath:
    """Minimise ``-loglik / n + lambda * sum |b|`` on standardised columns, the intercept not penalised.

    This is glmnet's binomial objective (Friedman 2010, doi 10.18637/jss.v033.i01): columns are scaled by their
    population sd for the fit, and coefficients scaled back. Solved by iteratively reweighted least squares around
    coordinate descent, from the largest penalty down, each started at the one before. As in glmnet, the path ends where
    nearly all deviance is explained: beyond, separated outcomes would send the coefficients to infinity.

    Args:
        values: shape (cases, columns); every column varies.
        outcome: 0 or 1.
        penalties: descending; None: glmnet's own, ``steps`` from the smallest that leaves nothing, on a log scale.
        stop_above: end the path before the first solution with more columns than this.
    """
    cases, columns = values.shape
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    standardised = (values - mean) / deviation
    if penalties is None:
        largest = np.abs(standardised.T @ (outcome - outcome.mean())).max() / cases
        ratio = 1e-2 if cases < columns else 1e-4
        penalties = largest * np.exp(np.linspace(0, np.log(ratio), steps))
    prevalence = outcome.mean()
    intercept, coefficients = float(np.log(prevalence / (1 - prevalence))), np.zeros(columns)
    intercepts: list[float] = []
    solutions: list[np.ndarray] = []
    for penalty in penalties:
        try:
            intercept, coefficients = lasso_logistic(
                standardised, outcome, float(penalty), start=(intercept, coefficients)
            )
        except LearningError:  # separated outcomes
            break
        if stop_above is not None and np.count_nonzero(coefficients) > stop_above:
            break
        solutions.append(coefficients / deviation)
        intercepts.append(intercept - float(mean @ solutions[-1]))
        if _explained(intercept + standardised @ coefficients, outcome) > _SATURATED:
            break
    done = len(solutions)
    return LassoPath(
        np.asarray(penalties, dtype=float)[:done], np.array(intercepts), np.array(solutions).reshape(done, columns)
    )


def lasso_logistic(
    values: np.ndarray,
    outcome: np.ndarray,
    penalty: float,
    *,
    start: tuple[float, np.ndarray] | None = None,
    rounds: int = _ROUNDS,
) -> tuple[float, np.ndarray]:
    """Intercept and coefficients at one penalty, columns taken as they are (not standardised).

    Args:
        start: where to begin; None: at zero.
        rounds: of reweighting, at most. Nearly separated outcomes need many.

    Raises:
        LearningError: no convergence.
    """
    from sklearn.linear_model import Lasso

    intercept, coefficients = start or (0.0, np.zeros(values.shape[1]))
    least_squares = Lasso(alpha=penalty, fit_intercept=False, warm_start=True, tol=1e-12, max_iter=100_000)
    least_squares.coef_ = coefficients.copy()
    with warnings.catch_warnings():
        # The duality gap cannot always reach 1e-12 in floating point; the outer loop judges convergence.
        warnings.simplefilter("ignore")
        for _ in range(rounds):
            linear = intercept + values @ coefficients
            probability = 1 / (1 + np.exp(-linear))
            weight = np.maximum(probability * (1 - probability), _SMALLEST_WEIGHT)
            response = linear + (outcome - probability) / weight
            centre = weight @ values / weight.sum()
            centred_response = response - weight @ response / weight.sum()
            root = np.sqrt(weight)
            least_squares.fit((values - centre) * root[:, None], centred_response * root)
            following = least_squares.coef_.copy()
            new_intercept = float(weight @ response / weight.sum() - centre @ following)
            change = max(np.abs(following - coefficients).max(initial=0), abs(new_intercept - intercept))
            intercept, coefficients = new_intercept, following
            if change < _CHANGE * max(1.0, np.abs(coefficients).max(initial=0)):
                return intercept, coefficients
    raise LearningError(
        f"The LASSO did not converge at lambda = {penalty:.3g}.",
        remedy="The outcome may be separated perfectly; use a larger penalty or fewer features.",
    )


def _explained(linear: np.ndarray, outcome: np.ndarray) -> float:
    """Share of the null deviance that linear predictors explain."""
    signs = np.where(outcome == 1, -1.0, 1.0)
    prevalence = outcome.mean()
    null = -len(outcome) * (prevalence * np.log(prevalence) + (1 - prevalence) * np.log(1 - prevalence))
    return float(1 - np.logaddexp(0, signs * linear).sum() / null)
