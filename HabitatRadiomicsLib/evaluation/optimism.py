"""Harrell's bootstrap correction of a performance that was measured on the training cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.evaluation.checking import checked
from HabitatRadiomicsLib.evaluation.resampling import Run, grouped_resample, in_turn, stratified_resample

#: Learns from the first cases, everything that sees an outcome included, and scores the second; both are indices, and
#: the first may hold a case more than once. A cross-validation inside must keep copies of a case on one side.
FitAndScore = Callable[[np.ndarray, np.ndarray], np.ndarray]
#: Of outcome and scores, larger for better.
Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class OptimismCorrection:
    """A performance less what it owes to being measured where it was learned.

    Attributes:
        apparent: on the training cases.
        optimism: mean over the replicates.
        corrected: apparent less optimism.
        replicates: optimism of each bootstrap sample, shape (count,); not a number where nothing could be learned.
        failed: number of these, which the mean leaves out.
    """

    apparent: float
    optimism: float
    corrected: float
    replicates: np.ndarray
    failed: int


def optimism_corrected(
    outcome: np.ndarray,
    fit_and_score: FitAndScore,
    statistic: Statistic,
    *,
    count: int = 200,
    seed: int,
    groups: Sequence[object] | np.ndarray | None = None,
    run: Run = in_turn,
) -> OptimismCorrection:
    """Bootstrap optimism correction.

    Harrell 1996, doi 10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4.

    In each stratified bootstrap sample the whole procedure is repeated; its optimism is the statistic on the sample
    less the statistic on the original cases.

    Args:
        outcome: 0 or 1, shape (cases,).
        fit_and_score: picklable where ``run`` uses processes. A `LearningError` in a replicate makes it a failed one.
        statistic: for example ``lambda outcome, scores: auc_with_interval(outcome, scores).auc``.
        groups: the patient of each case; patients are then drawn, with all their cases.
        run: computes the replicates; the result is the same for any.

    Raises:
        EvaluationError: see `checked`; groups of another number; or nothing could be learned in any replicate.
        LearningError: nothing can be learned from the original cases.
    """
    outcome, _ = checked(outcome, np.zeros(len(outcome)))
    if count < 1:
        raise EvaluationError(f"A bootstrap of {count} replicates corrects nothing.", remedy="Ask for 200, say.")
    if groups is not None and len(groups) != len(outcome):
        raise EvaluationError(f"There are {len(groups)} groups for {len(outcome)} cases.")
    everybody = np.arange(len(outcome))
    apparent = float(statistic(outcome, fit_and_score(everybody, everybody)))
    tasks = [
        partial(optimism_of_replicate, outcome, fit_and_score, statistic, seed, replicate, groups)
        for replicate in range(count)
    ]
    replicates = np.array(list(run(tasks)), dtype=float)
    failed = int(np.isnan(replicates).sum())
    if failed == count:
        raise EvaluationError(
            f"Nothing could be learned from any of {count} bootstrap samples.",
            remedy="Loosen the selection of features, or train with more cases.",
        )
    optimism = float(np.nanmean(replicates))
    return OptimismCorrection(apparent, optimism, apparent - optimism, replicates, failed)


def optimism_of_replicate(
    outcome: np.ndarray,
    fit_and_score: FitAndScore,
    statistic: Statistic,
    seed: int,
    replicate: int,
    groups: Sequence[object] | np.ndarray | None = None,
) -> float:
    """Optimism in one bootstrap sample; not a number where nothing can be learned from it."""
    if groups is None:
        sample = stratified_resample(outcome, seed, replicate)
    else:
        sample = grouped_resample(outcome, groups, seed, replicate)
    try:
        scores = fit_and_score(sample, np.arange(len(outcome)))
    except LearningError:
        return math.nan
    return float(statistic(outcome[sample], scores[sample])) - float(statistic(outcome, scores))
