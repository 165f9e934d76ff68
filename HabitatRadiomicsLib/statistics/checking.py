"""Checks outcomes and scores before they are evaluated."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError


def checked(outcome: np.ndarray, scores: np.ndarray, *, each: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The outcome as integers and the scores as floats.

    Args:
        scores: shape (..., cases).
        each: smallest number of cases of either outcome.

    Raises:
        EvaluationError: other shapes, outcomes other than 0 and 1, scores that are not finite, too few of an outcome.
    """
    outcome, scores = np.asarray(outcome), np.asarray(scores, dtype=float)
    if outcome.ndim != 1 or scores.ndim < 1 or scores.shape[-1] != len(outcome):
        raise EvaluationError(
            f"Outcomes of shape {outcome.shape} and scores of shape {scores.shape} do not belong together.",
            remedy="Give one outcome per case and one score per outcome.",
        )
    if not np.isin(outcome, (0, 1)).all():
        raise EvaluationError("An outcome is neither 0 nor 1.", remedy="Leave out the cases without an outcome.")
    if not np.isfinite(scores).all():
        count = int((~np.isfinite(scores)).sum())
        raise EvaluationError(
            f"{count} of {scores.size} scores are not finite numbers.", remedy="Leave out the cases without a score."
        )
    counts = np.bincount(outcome.astype(int), minlength=2)
    if counts.min() < each:
        raise EvaluationError(
            f"There are {counts[0]} cases with outcome 0 and {counts[1]} with outcome 1; at least {each} of each "
            "are needed."
        )
    return outcome.astype(int), scores


def checked_probability(outcome: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for one probability per case; it must lie between 0 and 1."""
    outcome, probability = checked(outcome, probability)
    if probability.ndim != 1:
        raise EvaluationError(f"Probabilities of shape {probability.shape} are not one per case.")
    if probability.min() < 0 or probability.max() > 1:
        raise EvaluationError(
            "A probability lies outside 0 to 1.", remedy="Give calibrated probabilities, not linear scores."
        )
    return outcome, probability
