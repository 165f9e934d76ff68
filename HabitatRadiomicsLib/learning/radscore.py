"""The rad-score: a linear combination of standardised features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import Groups, stratified_folds
from HabitatRadiomicsLib.learning.lasso import CrossValidatedPath, cross_validated_path, lasso_logistic, lasso_path
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.protocol import LearningSettings

_TESTS = {"mann-whitney": "Mann-Whitney", "by-normality": "Welch or Mann-Whitney", "anova": "ANOVA"}


@dataclass(frozen=True)
class RadScore:
    """``intercept + sum coefficient * (value - mean) / sd`` over a few columns of a table.

    Attributes:
        columns: indices into the table.
        means, deviations, coefficients: one per column; sd with n - 1.
        penalty: the lambda that was chosen.
        selected: columns that entered the LASSO, as indices into the columns that it was fitted on.
        validated: the cross-validation that chose the penalty.
    """

    columns: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    coefficients: np.ndarray
    intercept: float
    penalty: float
    selected: np.ndarray
    validated: CrossValidatedPath

    @property
    def held_out(self) -> np.ndarray:
        """Scores of the training cases by fits that had not seen them, in SD of each fold's training scores; shape
        (cases,). The folds are those that chose the penalty, so these scores are slightly optimistic."""
        return self.validated.scores[:, int(np.argmin(np.abs(self.validated.penalties - self.penalty)))]

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """The score's columns of a table, z-scored; shape (cases, features)."""
        return (values[:, self.columns] - self.means) / self.deviations

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""
        return self.intercept + self.standardised(values) @ self.coefficients


def fit_rad_score(
    values: np.ndarray,
    outcome: np.ndarray,
    settings: LearningSettings,
    *,
    seed: int,
    groups: Groups | None = None,
) -> RadScore:
    """Select features, then fit a LASSO; lambda is chosen by cross-validated deviance among those with few enough
    features.

    Inside the cross-validation, selection and scaling are repeated in each fold. On columns selected from all cases,
    the held-out deviance is too low even where there is nothing to learn, and lambda too small: of cohorts of pure
    noise (80 cases, 1,000 columns), the penalty that leaves no feature was the best in 47%, and with selection repeated
    in 68%; the chosen scores had 6.0 and 3.7 features. A score nevertheless has at least one feature; ``validated``,
    whose first penalty leaves none, shows whether that is better than none.

    Args:
        seed: of the folds.

    Raises:
        LearningError: no feature is left, no penalty leaves between one and ``maximum_features``, or the cases are
            too few for the folds.
    """
    selected = select_features(values, outcome, settings)
    if selected.size == 0:
        raise LearningError(
            f"No feature differs by outcome ({_TESTS[settings.univariate_test]} p < {settings.significance:g}) in "
            f"{len(outcome)} cases.",
            remedy="There is nothing to learn from this table.",
        )
    means, deviations = values[:, selected].mean(axis=0), values[:, selected].std(axis=0, ddof=1)
    path = lasso_path((values[:, selected] - means) / deviations, outcome, stop_above=settings.maximum_features)
    allowed = np.flatnonzero(np.count_nonzero(path.coefficients, axis=1))
    if allowed.size == 0:
        raise LearningError(f"No penalty leaves 1 to {settings.maximum_features} features.")
    validated = cross_validated_path(
        values,
        outcome,
        stratified_folds(outcome, settings.folds, seed, groups),
        path.penalties,
        lambda some, their_outcome: select_features(some, their_outcome, settings),
    )
    step = _chosen(validated, allowed, settings.penalty_rule)
    used = np.flatnonzero(path.coefficients[step])
    return RadScore(
        columns=selected[used],
        means=means[used],
        deviations=deviations[used],
        coefficients=path.coefficients[step][used],
        intercept=float(path.intercepts[step]),
        penalty=float(path.penalties[step]),
        selected=selected,
        validated=validated,
    )


def _chosen(validated: CrossValidatedPath, allowed: np.ndarray, rule: str) -> int:
    """The allowed step of a path that the rule chooses; of equal ones, the one with the larger penalty."""
    deviance = validated.deviance[allowed]
    best = int(np.argmin(deviance))
    if rule == "one-standard-error":
        best = int(np.argmax(deviance <= deviance[best] + validated.deviance_se[allowed[best]]))
    return int(allowed[best])


def coefficient_covariance(
    values: np.ndarray, outcome: np.ndarray, score: RadScore, *, count: int, seed: int
) -> np.ndarray:
    """Covariance of (intercept, coefficients) over bootstrap refits, shape (features + 1, features + 1).

    Cases are resampled within each outcome. Features, their scaling and lambda stay fixed: the covariance describes
    the coefficients and not the selection.
    """
    generator = np.random.default_rng(seed)
    standardised = score.standardised(values)
    groups = [np.flatnonzero(outcome == value) for value in (0, 1)]
    fits = []
    for _ in range(count):
        rows = np.concatenate([generator.choice(group, len(group)) for group in groups])
        start = (score.intercept, score.coefficients)
        intercept, coefficients = lasso_logistic(standardised[rows], outcome[rows], score.penalty, start=start)
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
        scores: shape (repeats, cases); the repeats of one case together count as one case.
    """
    from scipy.special import expit
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
    probability = expit(intercept + slope * flat)
    design = np.column_stack([flat, np.ones(len(flat))])
    information = design.T @ (design * (probability * (1 - probability) / repeats)[:, None])
    return PlattScaling(slope, intercept, np.linalg.pinv(information))
