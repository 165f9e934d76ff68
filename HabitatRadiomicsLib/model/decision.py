"""The score that a fitted classifier gives."""

from __future__ import annotations

from typing import Any

import numpy as np

#: A fraction of neighbours or trees is no certainty, so log-odds are limited to -4.6..4.6.
_LEAST_PROBABILITY = 0.01


def decision(estimator: Any, standardised: np.ndarray) -> np.ndarray:
    """Scores, higher for outcome 1: the decision function, or log-odds of probabilities clipped to 0.01..0.99.

    Args:
        estimator: fitted, of `fit_classifier`.
        standardised: z-scored features, shape (cases, features); finite.

    Returns:
        Shape (cases,).
    """
    linear = linear_terms(estimator)
    if linear is not None:
        intercept, coefficients = linear
        return np.asarray(intercept + standardised @ coefficients)
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(standardised), dtype=float)
    return log_odds(estimator.predict_proba(standardised)[:, 1])


def log_odds(probability: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities clipped to 0.01..0.99."""
    probability = probability.clip(_LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.asarray(np.log(probability) - np.log1p(-probability))


def linear_terms(estimator: Any) -> tuple[float, np.ndarray] | None:
    """Intercept and coefficients, shape (features,), that give the score of a linear classifier; None: it is not
    linear."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression

    if not isinstance(estimator, (LogisticRegression, LinearDiscriminantAnalysis)):
        return None
    return float(estimator.intercept_[0]), np.asarray(estimator.coef_[0], dtype=float)
