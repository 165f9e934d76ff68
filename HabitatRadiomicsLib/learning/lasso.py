"""LASSO logistic regression with glmnet's objective and path, solved to rounding precision by Newton steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import check_two_outcomes

#: Number of penalties of an automatic path.
_STEPS = 100
#: Explained share of the deviance at which a path ends; glmnet's ``devmax``.
_SATURATED = 0.999
#: An automatic path ends, after the first few penalties, at a step that explains no more than this beyond the previous
#: one; glmnet's ``fdev`` and ``mnlam``.
_LEAST_GAIN, _FEWEST_STEPS = 1e-5, 5
#: A Newton step that moves no linear predictor by more than this leaves an error of about its square.
_SETTLED = 1e-5
#: A column enters when its gradient exceeds lambda by more than this share, or by rounding.
_EXCESS, _ROUNDING = 1e-8, 1e-12
#: Added to the information's diagonal, as a share of its trace: dependent columns must not make it singular.
_RIDGE = 1e-12
#: Minimum weight of cases whose probability reaches 0 or 1. More weight shortens a step, which still descends.
_LEAST_WEIGHT = 1e-10
_MOST_ITERATIONS = 10_000


@dataclass(frozen=True)
class LassoPath:
    """Solutions along decreasing penalties; coefficients are on the scale of the given columns.

    Attributes:
        penalties: lambda, descending, shape (steps,); ``intercepts`` have the same shape.
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
    stop_above: int | None = None,
) -> LassoPath:
    """Minimise ``-loglik / n + lambda * sum |b|`` on standardised columns, the intercept not penalised.

    This is glmnet's binomial objective (Friedman 2010, doi 10.18637/jss.v033.i01): columns are scaled by their
    population sd for the fit, and coefficients scaled back. As in glmnet, a path ends where nearly all deviance is
    explained (beyond, coefficients of separated outcomes would become infinite), and a path of automatic penalties
    also where a smaller penalty explains no more.

    Args:
        values: every column varies.
        penalties: descending; None: as glmnet chooses them, 100 on a log scale, from the smallest penalty at which
            all coefficients are 0.
        stop_above: end the path before the first solution with more columns than this.

    Raises:
        LearningError: all cases have the same outcome, or a column does not vary or has a gap.
    """
    cases, columns = values.shape
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    if not (deviation > 0).all():
        raise LearningError("The LASSO needs columns that vary, without gaps.", remedy="Leave the others out.")
    standardised = (values - mean) / deviation
    automatic = penalties is None
    if penalties is None:
        largest = np.abs(standardised.T @ (outcome - outcome.mean())).max() / cases
        ratio = 1e-2 if cases < columns else 1e-4
        penalties = largest * np.exp(np.linspace(0, np.log(ratio), _STEPS))
    solver = _LassoSolver(standardised, outcome)
    null_deviance = solver.deviance
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
        explained = 1 - solver.deviance / null_deviance
        small = automatic and len(solutions) > _FEWEST_STEPS and explained - before < _LEAST_GAIN
        if small or explained > _SATURATED:
            break
        before = explained
    solved = np.array(solutions).reshape(len(solutions), 1 + columns)
    coefficients = solved[:, 1:] / deviation
    intercepts = solved[:, 0] - coefficients @ mean
    return LassoPath(np.asarray(penalties, dtype=float)[: len(solved)], intercepts, coefficients)


def lasso_logistic(
    values: np.ndarray, outcome: np.ndarray, penalty: float, *, start: tuple[float, np.ndarray] | None = None
) -> tuple[float, np.ndarray]:
    """Intercept and coefficients at one penalty, of columns that are not standardised.

    Args:
        start: starting coefficients; None: the model without any column.

    Raises:
        LearningError: all cases have the same outcome, a value is not a finite number, or the fit does not converge.
    """
    solver = _LassoSolver(values, outcome, None if start is None else np.concatenate([[start[0]], start[1]]))
    solver.solve(penalty)
    return float(solver.coefficients[0]), solver.coefficients[1:]


class _LassoSolver:
    """Minimises ``-loglik / n + penalty * sum |b|`` of one table at one penalty after the other.

    Columns are not standardised; each penalty starts at the solution of the one before. As long as the active columns
    keep their signs, the objective is smooth in them, and Newton's method applies. Its steps are shortened so that the
    objective always decreases: the logistic loss is self-concordant (Bach 2010, doi 10.1214/09-EJS521). A coefficient
    that would change its sign stops at 0, and its column leaves the active set. Once the steps have converged, the
    column that most violates the Karush-Kuhn-Tucker conditions enters; when none does, the optimum is reached.

    Attributes:
        coefficients: the intercept, then one per column.
        linear: linear predictors of the cases at these coefficients.
    """

    def __init__(self, values: np.ndarray, outcome: np.ndarray, start: np.ndarray | None = None) -> None:
        """Begin at ``start``, with the intercept first; None: the model without any column."""
        if not np.isfinite(values).all():
            raise LearningError("The LASSO needs finite values.", remedy="Leave out columns with gaps.")
        check_two_outcomes(outcome)
        prevalence = outcome.mean()
        if start is None:
            start = np.zeros(1 + values.shape[1])
            start[0] = np.log(prevalence / (1 - prevalence))
        self.coefficients = np.array(start, dtype=float)
        # One row per coefficient, of ones for the intercept; rows are contiguous, which makes it fast to select some.
        self._rows = np.vstack([np.ones(len(values)), values.T])
        self._outcome = outcome
        self._signs = np.sign(self.coefficients)
        self._signs[0] = 0.0
        self._choose(np.flatnonzero(self._signs))
        self.linear = self.coefficients[self._active] @ self._chosen

    @property
    def deviance(self) -> float:
        """Twice the negative log-likelihood."""
        return self._deviance(0.0)

    def solve(self, penalty: float) -> None:
        """Find the optimum at this penalty; separated outcomes have none at a penalty of 0."""
        from scipy.special import expit

        cases = len(self._outcome)
        settled = False
        for _ in range(_MOST_ITERATIONS):
            probability = expit(self.linear)
            residual = (self._outcome - probability) / cases
            if settled and not self._admit(residual, penalty):
                return
            weight = np.maximum(probability * (1 - probability), _LEAST_WEIGHT) / cases
            settled = self._step(residual, weight, penalty)
        raise _not_converged(penalty)

    def _deviance(self, change: np.ndarray | float) -> float:
        linear = self.linear + change
        # A case's negative log-likelihood is log(1 + exp(x)) - y x.
        return 2 * float(np.logaddexp(0, linear).sum() - self._outcome @ linear)

    def _choose(self, columns: np.ndarray) -> None:
        self._active = np.concatenate([[0], columns])
        self._chosen = self._rows[self._active]

    def _admit(self, residual: np.ndarray, penalty: float) -> bool:
        """Activate the column that violates the optimality conditions most; False if none does."""
        gradient = self._rows @ residual
        gradient[self._active] = 0.0
        worst = int(np.abs(gradient).argmax())
        if abs(gradient[worst]) <= penalty * (1 + _EXCESS) + _ROUNDING:
            return False
        self._signs[worst] = np.sign(gradient[worst])
        # The others are at their optimum: the Newton step moves this coefficient in the direction of its gradient.
        self._choose(np.append(self._active[1:], worst))
        return True

    def _step(self, residual: np.ndarray, weight: np.ndarray, penalty: float) -> bool:
        """One Newton step; True if it was a full step, and so small that the next would be lost in rounding."""
        from scipy.linalg.lapack import dposv

        signs, now = self._signs[self._active], self.coefficients[self._active]
        information = (self._chosen * weight) @ self._chosen.T
        diagonal = information.reshape(-1)[:: len(now) + 1]
        diagonal += _RIDGE * diagonal.sum()
        _, step, failed = dposv(information, self._chosen @ residual - penalty * signs)
        if failed:
            raise _not_converged(penalty)
        change = step @ self._chosen
        reach = float(np.abs(change).max())
        # By self-concordance, a step that moves linear predictors by at most 1 descends, and so does this part of any.
        whole = reach <= 1 or self._deviance(change) + 2 * len(change) * penalty * float(signs @ step) <= self.deviance
        length = 1.0 if whole else float(np.log1p(reach)) / reach
        moved = now + length * step
        turns = (moved * signs).min() < 0
        if turns:
            turned = np.flatnonzero(moved * signs < 0)
            fractions = np.maximum(-now[turned] / step[turned], 0.0)
            length = float(fractions.min())
            moved = now + length * step
            moved[turned[fractions.argmin()]] = 0.0
            moved[moved * signs < 0] = 0.0  # one that reached 0 with it, within rounding
            leaving = self._active[turned[moved[turned] == 0]]
        self.coefficients[self._active] = moved
        self.linear = self.linear + length * change
        if turns:
            self._signs[leaving] = 0.0
            self._choose(np.setdiff1d(self._active[1:], leaving))
        return not turns and reach < _SETTLED


def _not_converged(penalty: float) -> LearningError:
    return LearningError(
        f"The LASSO did not converge at lambda = {penalty:.3g}.",
        remedy="The outcome may be separated perfectly; use a larger penalty or fewer features.",
    )
