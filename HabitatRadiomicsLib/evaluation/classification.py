"""What a cut-off calls right and wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.evaluation.checking import checked
from HabitatRadiomicsLib.evaluation.intervals import Estimate, percentile_estimate, wilson
from HabitatRadiomicsLib.evaluation.resampling import resample_weights


@dataclass(frozen=True)
class Counts:
    """The four fields of the table; means over repeats where scores were repeated, and then not whole numbers."""

    true_positives: float
    false_positives: float
    true_negatives: float
    false_negatives: float

    @property
    def f1(self) -> float:
        """Harmonic mean of positive predictive value and sensitivity."""
        wrong = self.false_positives + self.false_negatives
        return 2 * self.true_positives / (2 * self.true_positives + wrong)


@dataclass(frozen=True)
class Classification:
    """The rule ``score >= cut-off``: proportions with Wilson intervals, F1 with a bootstrap percentile interval.

    Where nobody is called positive, ``ppv`` is not a number and has the interval 0 to 1; so has ``npv`` where
    everybody is.
    """

    counts: Counts
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate
    ppv: Estimate
    npv: Estimate
    f1: Estimate


def count_calls(outcome: np.ndarray, scores: np.ndarray, cut_off: float | np.ndarray) -> Counts:
    """True and false calls of the rule ``score >= cut-off``.

    Args:
        outcome: 0 or 1, shape (cases,).
        scores: shape (cases,), or (repeats, cases): counts are then means over repeats.
        cut_off: one for all, or an array that broadcasts to the scores: one per repeat (repeats, 1), or the one that
            the case's training fold chose (repeats, cases).

    Raises:
        EvaluationError: see `checked`, and for a cut-off that is no number or has another shape.
    """
    outcome, scores = checked(outcome, scores)
    return _counts(outcome, scores >= _fitting(cut_off, scores))


def _counts(outcome: np.ndarray, calls: np.ndarray) -> Counts:
    calls = np.atleast_2d(calls)
    positive, negative = calls[:, outcome == 1], calls[:, outcome == 0]
    return Counts(
        float(positive.sum(axis=1).mean()),
        float(negative.sum(axis=1).mean()),
        float((~negative).sum(axis=1).mean()),
        float((~positive).sum(axis=1).mean()),
    )


def _fitting(cut_off: float | np.ndarray, scores: np.ndarray) -> np.ndarray:
    try:
        cut_offs = np.broadcast_to(np.asarray(cut_off, dtype=float), scores.shape)
    except ValueError:
        raise EvaluationError(
            f"Cut-offs of shape {np.shape(cut_off)} do not fit scores of shape {scores.shape}."
        ) from None
    if np.isnan(cut_offs).any():
        raise EvaluationError("A cut-off is not a number.")
    return cut_offs


def classify(
    outcome: np.ndarray,
    scores: np.ndarray,
    cut_off: float | np.ndarray,
    *,
    count: int = 2000,
    seed: int,
    level: float = 0.95,
) -> Classification:
    """Sensitivity, specificity, accuracy, predictive values and F1, with intervals.

    The intervals take the cut-off as given; one chosen on the same cases makes them too narrow. Over repeats they are
    those of one repeat's number of cases: repeats do not make patients. F1 is no proportion of independent trials,
    so that its interval is a stratified bootstrap's.

    Args:
        outcome, scores, cut_off: see `count_calls`.
        count, seed: of the bootstrap.

    Raises:
        EvaluationError: see `count_calls`.
    """
    outcome, scores = checked(outcome, scores)
    calls = scores >= _fitting(cut_off, scores)
    found = _counts(outcome, calls)
    tp, fp, tn, fn = found.true_positives, found.false_positives, found.true_negatives, found.false_negatives
    replicates = _f1_replicates(outcome, calls, resample_weights(outcome, count=count, seed=seed))
    return Classification(
        found,
        sensitivity=wilson(tp, tp + fn, level=level),
        specificity=wilson(tn, tn + fp, level=level),
        accuracy=wilson(tp + tn, len(outcome), level=level),
        ppv=wilson(tp, tp + fp, level=level),
        npv=wilson(tn, tn + fn, level=level),
        f1=percentile_estimate(found.f1, replicates, int(np.bincount(outcome).min()), level=level),
    )


def _f1_replicates(outcome: np.ndarray, calls: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """F1 of each row of case weights; a case keeps the calls of all its repeats."""
    called = np.atleast_2d(calls).mean(axis=0)
    true_positives = (weights * called * outcome).sum(axis=1)
    all_called = (weights * called).sum(axis=1)
    return 2 * true_positives / (all_called + outcome.sum())
