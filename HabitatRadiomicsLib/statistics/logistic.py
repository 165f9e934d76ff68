"""Unpenalised logistic regression by maximum likelihood, for few columns."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.statistics.intervals import NORMAL_QUANTILE
from HabitatRadiomicsLib.system.tasks import one_thread

#: Sum of margins, on columns of SD 1, below which the optimum of a linear program is rounding error.
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

    def ratio(self) -> tuple[float, float, float]:
        """Odds ratio and its Wald interval, limited to 1e-99..1e99 so that all are positive numbers."""
        reach = NORMAL_QUANTILE * self.standard_error
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
        """Wald's test that the coefficients of some terms are all 0; for a single term, its own p."""
        from scipy.special import chdtrc

        places = [self.terms.index(term) for term in terms]
        values = self.coefficients[places]
        covariance = self.covariance[1:, 1:][np.ix_(places, places)]
        return float(chdtrc(len(places), float(values @ np.linalg.solve(covariance, values))))


def logistic_model(
    columns: np.ndarray, terms: Sequence[str], outcome: np.ndarray, *, offset: np.ndarray | None = None
) -> LogisticModel:
    """Fit by statsmodels' ``Logit``.

    Args:
        columns: finite, without one for the intercept, shape (cases, terms); there may be none.
        terms: names of the columns.
        offset: added to the linear predictor, shape (cases,); None: zero.

    Raises:
        LearningError: no finite odds ratios exist (see `obstacle`), or the fit does not converge.
    """
    from statsmodels.api import Logit

    problem = obstacle(columns, outcome) if len(terms) else ""
    if problem:
        raise LearningError(f"A logistic model of {', '.join(terms)} has no odds ratios: {problem}.")
    # Columns on one scale, so that large and small units lose no digits.
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    design = np.column_stack([np.ones(len(columns)), (columns - means) / deviations])
    # Newton's method diverges for an offset far from zero; its mean becomes part of the intercept.
    shift = 0.0 if offset is None else float(offset.mean())
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence is checked below
        model = Logit(outcome, design) if offset is None else Logit(outcome, design, offset=offset - shift)
        fit = model.fit(method="newton", maxiter=_ITERATIONS, tol=1e-10, disp=False)
        back = np.diag(np.r_[1.0, 1 / deviations])
        back[0, 1:] = -means / deviations
        coefficients, covariance = back @ fit.params, back @ fit.cov_params() @ back.T
    if not fit.mle_retvals["converged"] or not np.isfinite(covariance).all() or (np.diag(covariance) <= 0).any():
        raise LearningError(
            f"The logistic model of {', '.join(terms)} does not converge.",
            remedy="Fewer factors, or more cases, are needed.",
        )
    return LogisticModel(tuple(terms), float(coefficients[0]) - shift, coefficients[1:], covariance)


def obstacle(columns: np.ndarray, outcome: np.ndarray) -> str:
    """Why no finite odds ratios exist; empty where they do.

    Outcomes are separated, completely or quasi-completely (Albert & Anderson 1984, doi 10.1093/biomet/71.1.1), where a
    linear predictor exists that is never on the wrong side and not always 0; a linear program finds it.
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
        return "it could not be determined whether the outcomes are separated"
    return "its terms separate the outcomes, completely or but for ties" if -best.fun > _MARGIN else ""
