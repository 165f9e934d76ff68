"""The rad-score: a linear combination of standardised features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.lasso import lasso_logistic, lasso_path
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.protocol import LearningSettings

#: A bootstrap sample may be nearly separated where the cohort is not.
_REFIT_ROUNDS = 2000


@dataclass(frozen=True)
class RadScore:
    """``intercept + sum coefficient * (value - mean) / sd`` over a few columns of a table.

    Attributes:
        columns: indices into the table that it was fitted on.
        means, deviations, coefficients: one per column; sd with n - 1.
        penalty: the lambda that was chosen.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float
    penalty: float

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """The score's columns of a table, z-scored; shape (cases, features)."""
        return (values[:, self.columns] - self.means) / self.deviations

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""
        return self.intercept + self.standardised(values) @ self.coefficients


def fit_rad_score(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings, *, seed: int) -> RadScore:
    """Select features, then LASSO; lambda by cross-validated deviance among those with few enough features.

    Raises:
        LearningError: no feature is left, or no penalty leaves between one and ``maximum_features``.
    """
    selected = select_features(values, outcome, settings)
    if selected.size == 0:
        raise LearningError(
            f"No feature differs by outcome (Mann-Whitney p < {settings.significance:g}) in {len(outcome)} cases.",
            remedy="There is nothing to learn from this table.",
        )
    means, deviations = values[:, selected].mean(axis=0), values[:, selected].std(axis=0, ddof=1)
    standardised = (values[:, selected] - means) / deviations
    path = lasso_path(standardised, outcome, stop_above=settings.maximum_features)
    allowed = np.flatnonzero(np.count_nonzero(path.coefficients, axis=1))
    if allowed.size == 0:
        raise LearningError(f"No penalty leaves 1 to {settings.maximum_features} features.")
    deviance = _validated_deviance(standardised, outcome, path.penalties, settings.folds, seed)
    best = min(allowed, key=lambda step: (deviance[step], step))
    used = np.flatnonzero(path.coefficients[best])
    return RadScore(
        columns=selected[used],
        means=means[used],
        deviations=deviations[used],
        coefficients=path.coefficients[best][used],
        intercept=float(path.intercepts[best]),
        penalty=float(path.penalties[best]),
    )


def stratified_folds(outcome: np.ndarray, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Training and test indices, stratified by outcome, shuffled by the seed."""
    from sklearn.model_selection import StratifiedKFold

    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros((len(outcome), 1)), outcome)


def coefficient_covariance(
    values: np.ndarray, outcome: np.ndarray, score: RadScore, *, count: int, seed: int
) -> np.ndarray:
    """Covariance of (intercept, coefficients) over bootstrap refits, shape (features + 1, features + 1).

    Cases are resampled within each outcome; features, their scaling and lambda stay, so that this is the
    uncertainty of the coefficients and not of the selection.
    """
    generator = np.random.default_rng(seed)
    standardised = score.standardised(values)
    groups = [np.flatnonzero(outcome == value) for value in (0, 1)]
    fits = []
    for _ in range(count):
        rows = np.concatenate([generator.choice(group, len(group)) for group in groups])
        start = (score.intercept, score.coefficients.copy())
        intercept, coefficients = lasso_logistic(
            standardised[rows], outcome[rows], score.penalty, start=start, rounds=_REFIT_ROUNDS
        )
        fits.append([intercept, *coefficients])
    return np.atleast_2d(np.cov(np.array(fits), rowvar=False))


@dataclass(frozen=True)
class PlattScaling:
    """``probability = 1 / (1 + exp(-(intercept + slope * score)))``; covariance of (slope, intercept), shape (2, 2)."""

    slope: float
    intercept: float
    covariance: np.ndarray


def calibrate(scores: np.ndarray, outcome: np.ndarray) -> PlattScaling:
    """Turn scores of unseen cases into probabilities (Platt 2000).

    Platt's smoothed targets keep the slope finite when the scores separate the outcomes.

    Args:
        scores: shape (repeats, cases); the repeats of one case count as one case together.
        outcome: 0 or 1, shape (cases,).
    """
    from sklearn.linear_model import LogisticRegression

    repeats = len(scores)
    positives, negatives = int((outcome == 1).sum()), int((outcome == 0).sum())
    target = np.tile(np.where(outcome == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2)), repeats)
    flat = scores.ravel()
    column = np.concatenate([flat, flat])[:, None]
    labels = np.repeat([1, 0], len(flat))
    weights = np.concatenate([target, 1 - target]) / repeats
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(column, labels, sample_weight=weights)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    probability = 1 / (1 + np.exp(-(intercept + slope * flat)))
    design = np.column_stack([flat, np.ones(len(flat))])
    information = design.T @ (design * (probability * (1 - probability) / repeats)[:, None])
    return PlattScaling(slope, intercept, np.linalg.pinv(information))


def _validated_deviance(
    values: np.ndarray, outcome: np.ndarray, penalties: np.ndarray, folds: int, seed: int
) -> np.ndarray:
    """Mean binomial deviance per case of held-out folds, shape (penalties,).

    The columns were selected on all these cases, so that the deviance is a little too low and so is the penalty that
    it leads to; the cross-validation around it, which is reported, repeats the selection and is not touched by this.
    """
    total = np.zeros(len(penalties))
    for training, test in stratified_folds(outcome, folds, seed):
        varying = np.ptp(values[training], axis=0) > 0
        if varying.any():
            path = lasso_path(values[training][:, varying], outcome[training], penalties)
            reached = path.intercepts[:, None] + path.coefficients @ values[test][:, varying].T
            # Where this fold's path ends early, its last solution holds for the smaller penalties.
            linear = np.pad(reached, ((0, len(penalties) - len(reached)), (0, 0)), mode="edge")
        else:
            prevalence = outcome[training].mean()
            linear = np.full((len(penalties), len(test)), np.log(prevalence / (1 - prevalence)))
        signs = np.where(outcome[test] == 1, -1.0, 1.0)
        total += 2 * np.logaddexp(0, signs * linear).sum(axis=1)
    return total / len(outcome)
