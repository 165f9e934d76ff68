"""Decision curves: net benefit of acting on a probability, over thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.statistics.checking import checked_probability


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit per case, in true positives.

    Attributes:
        thresholds: probabilities at which to act, shape (thresholds,).
        model: of acting where ``probability >= threshold``; same shape.
        treat_all: of acting on every case; same shape.
    """

    thresholds: np.ndarray
    model: np.ndarray
    treat_all: np.ndarray


def decision_curve(outcome: np.ndarray, probability: np.ndarray) -> DecisionCurve:
    """Net benefit at thresholds of 0.01 to 0.99 (Vickers 2006, doi 10.1177/0272989X06295361).

    True positives less false positives, weighted by the odds of the threshold, per case.
    """
    outcome, probability = checked_probability(outcome, probability)
    at = np.arange(1, 100) / 100
    odds = at / (1 - at)
    acted = probability[None, :] >= at[:, None]
    hits, harms = acted[:, outcome == 1].sum(axis=1), acted[:, outcome == 0].sum(axis=1)
    prevalence = float(outcome.mean())
    return DecisionCurve(at, (hits - harms * odds) / len(outcome), prevalence - (1 - prevalence) * odds)
