"""Decision curves: net benefit of acting on a probability, over thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.checking import checked_probability


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit per case, in true positives.

    Attributes:
        thresholds: probabilities at which to act, shape (thresholds,).
        model: acting where ``probability >= threshold``; same shape.
        treat_all: acting on everybody; same shape.
        prevalence: share of cases with outcome 1, the largest net benefit possible.
    """

    thresholds: np.ndarray
    model: np.ndarray
    treat_all: np.ndarray
    prevalence: float

    @property
    def standardised(self) -> np.ndarray:
        """The model's net benefit as a share of the largest possible (Kerr 2016, doi 10.1200/JCO.2015.65.5654)."""
        return self.model / self.prevalence


def decision_curve(outcome: np.ndarray, probability: np.ndarray, thresholds: np.ndarray | None = None) -> DecisionCurve:
    """Net benefit (Vickers 2006, doi 10.1177/0272989X06295361).

    True positives less false positives, these weighted by the odds of the threshold, per case.

    Args:
        outcome: 0 or 1, shape (cases,).
        probability: of outcome 1, calibrated, shape (cases,).
        thresholds: above 0 and below 1; None: 0.01 to 0.99.

    Raises:
        EvaluationError: see `checked_probability`, and for thresholds outside 0 to 1.
    """
    outcome, probability = checked_probability(outcome, probability)
    at = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, dtype=float)
    if at.ndim != 1 or not ((at > 0) & (at < 1)).all():
        raise EvaluationError("Thresholds of a decision curve lie above 0 and below 1.")
    odds = at / (1 - at)
    acted = probability[None, :] >= at[:, None]
    hits, harms = acted[:, outcome == 1].sum(axis=1), acted[:, outcome == 0].sum(axis=1)
    prevalence = float(outcome.mean())
    return DecisionCurve(at, (hits - harms * odds) / len(outcome), prevalence - (1 - prevalence) * odds, prevalence)
