"""Repeated cross-validation of everything that sees the outcome: selection, scaling, LASSO."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.evaluation import AreaUnderCurve, auc_with_interval, with_interval
from HabitatRadiomicsLib.learning import fit_rad_score, stratified_folds
from HabitatRadiomicsLib.protocol import LearningSettings


@dataclass(frozen=True)
class Validation:
    """Scores of cases by models that never saw them.

    Attributes:
        scores: shape (repeats, cases), in standard deviations of the fold's own training scores: folds differ in how
            far they shrink, and only so can their scores be pooled.
        fits: folds over all repeats; in ``empty`` of them nothing could be learned, and all their cases have 0.
    """

    scores: np.ndarray
    fits: int
    empty: int

    def area(self, outcome: np.ndarray) -> AreaUnderCurve:
        """Mean AUC over the repeats, with the mean DeLong variance.

        The interval takes cases as independent, which held-out scores of overlapping training sets are not quite.
        """
        areas = [auc_with_interval(outcome, row) for row in self.scores]
        fewer = int(np.bincount(outcome, minlength=2).min())
        return with_interval(
            float(np.mean([area.auc for area in areas])), float(np.mean([area.variance for area in areas])), fewer
        )


def cross_validate(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings, *, seed: int) -> Validation:
    """Repeat selection, scaling and LASSO inside each fold, and score the cases left out.

    Args:
        values: shape (cases, columns).
        outcome: 0 or 1, shape (cases,).
        seed: of the first repeat's folds; each further repeat takes the next.
    """
    scores = np.zeros((settings.repeats, len(outcome)))
    empty = 0
    for repeat in range(settings.repeats):
        for training, test in stratified_folds(outcome, settings.folds, seed + repeat):
            try:
                fold = fit_rad_score(values[training], outcome[training], settings, seed=seed + repeat)
            except LearningError:
                # Nothing to learn in this fold: its cases stay at 0, and the AUC pays for it.
                empty += 1
                continue
            seen = fold.score(values[training])
            scores[repeat, test] = (fold.score(values[test]) - seen.mean()) / seen.std()
    return Validation(scores, settings.repeats * settings.folds, empty)
