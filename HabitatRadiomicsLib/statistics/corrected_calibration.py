"""Bias-corrected calibration: a calibration curve from which the bootstrap has removed the optimism."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.calibration import lowess
from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.system.tasks import one_thread

_ROUNDS = 40
_CHANGE = 1e-8
#: A larger fitted linear predictor means that the resample separates the outcomes.
_FARTHEST = 30.0
#: Points of the curve, from the fifth lowest to the fifth highest probability: as in R's ``rms::calibrate``.
_POINTS, _SPARED = 50, 4
_FEWEST_CASES = 11


@dataclass(frozen=True)
class CorrectedCalibration:
    """Calibration of a logistic model, apparent and corrected for optimism.

    Attributes:
        predicted: probabilities, ascending, shape (points,).
        apparent: observed risk there by lowess, on the training cases themselves; same shape.
        corrected: the same less its optimism.
        mean_absolute_error, quantile_90: of the absolute differences between the cases' probabilities and the
            corrected curve; cases beyond its ends do not count.
        samples: number of bootstrap samples in which the model could be fitted.
    """

    predicted: np.ndarray
    apparent: np.ndarray
    corrected: np.ndarray
    mean_absolute_error: float
    quantile_90: float
    samples: int


@one_thread()
def corrected_calibration(
    columns: np.ndarray, outcome: np.ndarray, *, bootstraps: int = 1000, seed: int
) -> CorrectedCalibration:
    """Harrell's bias-corrected calibration of a logistic model (Statistics in Medicine 1996; 15: 361-387).

    The model is refitted to each bootstrap sample of the cases. The optimism is the difference between its calibration
    curves on its own sample and on the original cases; its mean at each point is subtracted from the apparent curve.
    As ``calibrate(lrm(...), method = "boot")`` in R's rms. The choice of the terms is not repeated: where they were
    chosen on these cases, the curve is still optimistic.

    Args:
        columns: terms of the model without the intercept, shape (cases, terms).
        bootstraps: 1 or more.
        seed: of the samples.

    Raises:
        EvaluationError: fewer than eleven cases; no bootstrap sample; the model, or that of more than half the
            samples, has no finite coefficients.
    """
    from scipy.special import expit

    outcome, by_term = checked(outcome, np.asarray(columns, dtype=float).T, each=1)
    if by_term.ndim != 2 or len(outcome) < _FEWEST_CASES or bootstraps < 1:
        raise EvaluationError(
            f"A corrected calibration needs a table of terms, at least {_FEWEST_CASES} cases and one bootstrap sample; "
            f"these are {len(outcome)} cases and {bootstraps} samples."
        )
    columns = by_term.T
    # Newton's method converges better on columns of one scale; the probabilities are the same.
    spread = columns.std(axis=0)
    standard = (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(outcome)), standard])
    drawn = _samples(len(outcome), bootstraps, seed)
    weights = np.array([np.bincount(sample, minlength=len(outcome)) for sample in drawn], dtype=float)
    coefficients = weighted_logistic_fits(design, outcome, np.vstack([np.ones(len(outcome)), weights]))
    fitted = np.isfinite(coefficients).all(axis=1)
    if not fitted[0] or fitted[1:].sum() < bootstraps / 2:
        raise EvaluationError(
            "The outcomes are separated by the model's terms, or the terms depend on one another, in the cases or in "
            "most bootstrap samples.",
            remedy="More cases or fewer terms are needed.",
        )
    probability = expit(design @ coefficients[0])
    ordered = np.sort(probability)
    points = np.linspace(ordered[_SPARED], ordered[-1 - _SPARED], _POINTS)
    if points[0] == points[-1]:
        raise EvaluationError("Nearly all probabilities are equal: they have no calibration curve.")
    apparent = _curve(probability, outcome, points)
    optimism = [
        _curve(expit(design[sample] @ refit), outcome[sample], points) - _curve(expit(design @ refit), outcome, points)
        for sample, refit, has_fit in zip(drawn, coefficients[1:], fitted[1:])
        if has_fit
    ]
    # The curve of a sample may not reach the outer points and is ignored there, as in rms.
    counted = np.isfinite(optimism)
    mean = np.where(counted, optimism, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    corrected = apparent - mean
    error = np.abs(probability - np.interp(probability, points, corrected, left=np.nan, right=np.nan))
    error = error[np.isfinite(error)]
    return CorrectedCalibration(
        points, apparent, corrected, float(error.mean()), float(np.quantile(error, 0.9)), len(optimism)
    )


def weighted_logistic_fits(design: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Maximum-likelihood coefficients of many weightings of the same cases at once, by Newton's method.

    Args:
        design: shape (cases, columns), with a column of ones for an intercept; columns of about one scale.
        weights: how often each case counts, shape (samples, cases).

    Returns:
        Shape (samples, columns); NaN where no finite maximum exists.
    """
    from scipy.special import expit

    columns = design.shape[1]
    fits = np.zeros((len(weights), columns))
    running = np.arange(len(weights))
    products = design[:, :, None] * design[:, None, :]
    for _ in range(_ROUNDS):
        probability = expit(fits[running] @ design.T)
        counts = weights[running]
        gradient = (counts * (outcome - probability)) @ design
        information = np.tensordot(counts * probability * (1 - probability), products, axes=1)
        usable = np.linalg.matrix_rank(information, hermitian=True) == columns
        usable &= np.abs(fits[running] @ design.T).max(axis=1) < _FARTHEST
        fits[running[~usable]] = np.nan
        running, gradient, information = running[usable], gradient[usable], information[usable]
        step = np.linalg.solve(information, gradient[:, :, None])[:, :, 0]
        # Far from the maximum a whole step may overshoot.
        step /= np.maximum(1.0, np.abs(step).max(axis=1, keepdims=True, initial=0.0) / 3.0)
        fits[running] += step
        running = running[np.abs(step).max(axis=1, initial=0.0) >= _CHANGE]
        if not len(running):
            return fits
    fits[running] = np.nan
    return fits


def _samples(cases: int, bootstraps: int, seed: int) -> np.ndarray:
    """Indices of cases, shape (bootstraps, cases); each sample depends on the seed and its number alone."""
    return np.array([np.random.default_rng((seed, number)).integers(0, cases, cases) for number in range(bootstraps)])


def _curve(probability: np.ndarray, outcome: np.ndarray, points: np.ndarray) -> np.ndarray:
    if np.ptp(probability) == 0:
        return np.full(len(points), np.nan)
    return np.interp(points, *lowess(probability, outcome.astype(float)), left=np.nan, right=np.nan)
