"""LASSO logistic regression as glmnet defines it: the path, its cross-validation, and a solver by Newton steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import Split, check_two_outcomes

#: Returns the columns that training cases select, from their values and outcomes.
ColumnChoice = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: Predicted probabilities are kept this far from 0 and 1, as in glmnet: a single confident error must not decide.
_SUREST = 1e-5
#: With fewer cases per fold, the standard error is that over cases and not over folds, as in glmnet.
_FEWEST_PER_FOLD = 3
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
