"""LASSO logistic regression with glmnet's objective and path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.lasso_solver import LassoSolver

#: Explained share of the deviance at which a path ends; glmnet's ``devmax``.
_SATURATED = 0.999
#: An automatic path ends, after the first few penalties, when a step explains no more than this beyond the previous
#: one;
#: glmnet's ``fdev`` and ``mnlam``.
_LEAST_GAIN, _FEWEST_STEPS = 1e-5, 5


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
    population sd for the fit, and coefficients scaled back. As in glmnet, a path ends where nearly all deviance is
    explained (beyond, separated outcomes would send the coefficients to infinity), and a path of automatic penalties
    also where a smaller penalty explains no more.

    Args:
        values: shape (cases, columns); every column varies.
        outcome: 0 or 1.
        penalties: descending; None: as glmnet chooses them, ``steps`` on a log scale, from the smallest penalty at
        which all coefficients are 0.
        stop_above: end the path before the first solution with more columns than this.

    Raises:
        LearningError: all cases have the same outcome, or a column does not vary or has a gap.
    """
    cases, columns = values.shape
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    if not (deviation > 0).all():
        raise LearningError("The LASSO needs columns that vary, without gaps.", remedy="Leave the others out.")
    standardised = (values - mean) / deviation
    own = penalties is None
    if penalties is None:
        largest = np.abs(standardised.T @ (outcome - outcome.mean())).max() / cases
        ratio = 1e-2 if cases < columns else 1e-4
        penalties = largest * np.exp(np.linspace(0, np.log(ratio), steps))
    solver = LassoSolver(standardised, outcome)
    nothing = solver.deviance
    solutions: list[np.ndarray] = []
    before = 0.0
    for penalty in penalties:
        try:
            solver.solve(float(penalty))
        except LearningError:  # separated outcomes
            break
        if stop_above is not None and np.count_nonzero(solver.coefficients[1:]) > stop_above:
            break
        solutions.append(solver.coefficients.copy())
        explained = 1 - solver.deviance / nothing
        small = own and len(solutions) > _FEWEST_STEPS and explained - before < _LEAST_GAIN
        if small or explained > _SATURATED:
            break
        before = explained
    found = np.array(solutions).reshape(len(solutions), 1 + columns)
    coefficients = found[:, 1:] / deviation
    return LassoPath(np.asarray(penalties, dtype=float)[: len(found)], found[:, 0] - coefficients @ mean, coefficients)


def lasso_logistic(
    values: np.ndarray, outcome: np.ndarray, penalty: float, *, start: tuple[float, np.ndarray] | None = None
) -> tuple[float, np.ndarray]:
    """Intercept and coefficients at one penalty, columns taken as they are (not standardised).

    Args:
        start: starting coefficients; None: the model without any column.

    Raises:
        LearningError: all cases have the same outcome, a value is not a finite number, or the fit does not converge.
    """
    solver = LassoSolver(values, outcome, None if start is None else np.concatenate([[start[0]], start[1]]))
    solver.solve(penalty)
    return float(solver.coefficients[0]), solver.coefficients[1:]
