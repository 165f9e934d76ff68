"""Unpenalised logistic regression, for few columns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, LearningError

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


#: Sum of margins, on columns of SD 1, below which a linear program's optimum is rounding.
_MARGIN = 1e-5
_ITERATIONS = 100
_FARTHEST = math.log(1e99)


@dataclass(frozen=True)
class OddsRatio:
    """One term of a logistic model: per unit of its column; ``p`` is Wald's, two-sided."""

    term: str
    coefficient: float
    standard_error: float
    p: float

    def ratio(self, *, level: float = 0.95) -> tuple[float, float, float]:
        """Odds ratio and its Wald interval; none is written beyond 1e-99 and 1e99, so that all are numbers above 0."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * self.standard_error
        value, low, high = (
            math.exp(min(max(self.coefficient + step, -_FARTHEST), _FARTHEST)) for step in (0.0, -reach, reach)
        )
        return value, low, high


@dataclass(frozen=True)
class LogisticModel:
    """A maximum-likelihood fit.

    Attributes:
        terms: names of the columns.
        coefficients: per unit of each column, shape (terms,).
        covariance: of (intercept, coefficients), shape (terms + 1, terms + 1).
    """

    terms: tuple[str, ...]
    intercept: float
    coefficients: np.ndarray
    covariance: np.ndarray

    @property
    def odds_ratios(self) -> tuple[OddsRatio, ...]:
        """One per term, in their order."""
        errors = np.sqrt(np.diag(self.covariance))[1:]
        return tuple(
            OddsRatio(term, float(value), float(error), math.erfc(abs(value / error) / math.sqrt(2)))
            for term, value, error in zip(self.terms, self.coefficients, errors)
        )

    def joint_p(self, terms: Sequence[str]) -> float:
        """Wald's test that the coefficients of some terms are all 0: of one term its own p."""
        from scipy.special import chdtrc

        places = [self.terms.index(term) for term in terms]
        values = self.coefficients[places]
        own = self.covariance[1:, 1:][np.ix_(places, places)]
        return float(chdtrc(len(places), float(values @ np.linalg.solve(own, values))))


def logistic_model(columns: np.ndarray, terms: Sequence[str], outcome: np.ndarray) -> LogisticModel:
    """Fit by statsmodels' ``Logit``.

    Args:
        columns: finite, without one for the intercept, shape (cases, terms).
        terms: their names.
        outcome: 0 or 1, both present, shape (cases,).

    Raises:
        LearningError: no finite odds ratios exist (see `obstacle`), or the fit does not converge.
    """
    from statsmodels.api import Logit
    from threadpoolctl import threadpool_limits

    problem = obstacle(columns, outcome)
    if problem:
        raise LearningError(f"A logistic model of {', '.join(terms)} has no odds ratios: {problem}.")
    # Columns of one scale, so that neither years nor a score of hundredths costs digits.
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    design = np.column_stack([np.ones(len(columns)), (columns - means) / deviations])
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is checked below
        fit = Logit(outcome, design).fit(method="newton", maxiter=_ITERATIONS, tol=1e-10, disp=False)
        back = np.diag(np.r_[1.0, 1 / deviations])
        back[0, 1:] = -means / deviations
        coefficients, covariance = back @ fit.params, back @ fit.cov_params() @ back.T
    if not fit.mle_retvals["converged"] or not np.isfinite(covariance).all() or (np.diag(covariance) <= 0).any():
        raise LearningError(
            f"The logistic model of {', '.join(terms)} does not converge.",
            remedy="Fewer factors, or more cases, are needed.",
        )
    return LogisticModel(tuple(terms), float(coefficients[0]), coefficients[1:], covariance)


def obstacle(columns: np.ndarray, outcome: np.ndarray) -> str:
    """Why no finite odds ratios exist; empty where they do.

    Outcomes are separated, completely or quasi-completely (Albert & Anderson 1984, doi 10.1093/biomet/71.1.1), where a
    linear predictor exists that is never on the wrong side and not always on the border: a linear program tells.
    """
    from scipy.optimize import linprog

    deviations = columns.std(axis=0)
    if (deviations <= 1e-10 * np.abs(columns).max(axis=0)).any():
        return "a term does not vary"
    design = np.column_stack([np.ones(len(columns)), (columns - columns.mean(axis=0)) / deviations])
    if np.linalg.matrix_rank(design, tol=1e-6 * np.sqrt(len(design))) < design.shape[1]:
        return "its terms depend on one another"
    side = (2 * np.asarray(outcome) - 1)[:, None] * design
    best = linprog(-side.sum(axis=0), A_ub=-side, b_ub=np.zeros(len(side)), bounds=(-1, 1), method="highs")
    if best.status != 0:
        return "whether the outcomes are separated cannot be told"
    return "its terms separate the outcomes, completely or but for ties" if -best.fun > _MARGIN else ""
