"""Unpenalised logistic regression, for few columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

_ROUNDS = 50
_HALVINGS = 30
_CHANGE = 1e-10


@dataclass(frozen=True)
class LogisticFit:
    """Maximum-likelihood coefficients and their standard errors, in the order of the columns."""

    coefficients: np.ndarray
    standard_errors: np.ndarray


def logistic_fit(design: np.ndarray, outcome: np.ndarray, offset: np.ndarray | None = None) -> LogisticFit:
    """Newton's method, halving steps that would lower the likelihood.

    Args:
        design: shape (cases, columns), with a column of ones where an intercept is wanted.
        outcome: 0 or 1, shape (cases,).
        offset: added to the linear predictor, shape (cases,); None: zero.

    Raises:
        EvaluationError: no maximum exists, as when a column separates the outcomes, or it is not unique.
    """
    fixed = np.zeros(len(outcome)) if offset is None else offset
    coefficients = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        gradient, information = _derivatives(design, outcome, fixed + design @ coefficients)
        if np.linalg.matrix_rank(information, hermitian=True) < len(information):
            break
        step = np.linalg.solve(information, gradient)
        if np.abs(step).max() < _CHANGE * max(1.0, np.abs(coefficients).max()):
            return LogisticFit(coefficients, np.sqrt(np.diag(np.linalg.inv(information))))
        before = _log_likelihood(outcome, fixed + design @ coefficients)
        for _ in range(_HALVINGS):
            if _log_likelihood(outcome, fixed + design @ (coefficients + step)) >= before - 1e-12 * abs(before):
                break
            step = step / 2
        coefficients = coefficients + step
    raise EvaluationError(
        "The logistic regression has no solution: the scores separate the outcomes completely, or do not vary.",
        remedy="Calibration cannot be judged on these cases; more of them, or held-out scores, are needed.",
    )


def _derivatives(design: np.ndarray, outcome: np.ndarray, linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    probability = 0.5 * (1 + np.tanh(linear / 2))  # the logistic function, without overflow
    weight = probability * (1 - probability)
    return design.T @ (outcome - probability), design.T @ (weight[:, None] * design)


def _log_likelihood(outcome: np.ndarray, linear: np.ndarray) -> float:
    return float(np.sum(outcome * linear - np.logaddexp(0, linear)))
