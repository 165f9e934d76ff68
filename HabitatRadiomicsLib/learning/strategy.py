"""The whole of what learns from a feature table: every candidate rad-score, and the choice between them.

Nothing here sees a case that is not in ``training``; cross-validation around it, and not inside, says how good it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.evaluation import auc_with_interval
from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.learning.radscore import RadScore, fit_rad_score
from HabitatRadiomicsLib.protocol import LearningSettings

RULE = (
    "the candidate with the largest AUC in the cross-validation within the training cases that chooses its penalty, of "
    "equal ones the first: single sequences stand before fused ones"
)


@dataclass(frozen=True)
class TrainingTable:
    """A feature table with all that learning may see of its cases.

    Attributes:
        columns: names; ``values`` has shape (cases, columns).
        outcome: 0 or 1, shape (cases,).
        patients: shape (cases,); cases of one patient stay together in every split.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    outcome: np.ndarray
    patients: np.ndarray

    def rows(self, rows: np.ndarray) -> TrainingTable:
        """The table of some cases."""
        return TrainingTable(self.columns, self.values[rows], self.outcome[rows], self.patients[rows])


@dataclass(frozen=True)
class Learned:
    """Every candidate's rad-score, and the one that was chosen.

    Attributes:
        columns: of the table, which the scores' columns count.
        scores: by candidate; None where nothing could be learned.
        inner_scores: by candidate: scores of the training cases, held out in the cross-validation that chose its
            penalty, shape (cases,).
        inner_auc: of these scores.
        chosen: None when no candidate could be learned.
    """

    columns: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    scores: Mapping[str, RadScore | None]
    inner_scores: Mapping[str, np.ndarray]
    inner_auc: Mapping[str, float]
    chosen: Candidate | None

    @property
    def score(self) -> RadScore | None:
        """The chosen candidate's."""
        return None if self.chosen is None else self.scores[self.chosen.name]


def learn(
    table: TrainingTable, settings: LearningSettings, *, seed: int, candidates: Sequence[Candidate] | None = None
) -> Learned:
    """Fit every candidate and choose one.

    Args:
        candidates: those that compete; None: all that the table has the features for.
    """
    competing = tuple(candidates_of(table.columns, settings) if candidates is None else candidates)
    scores = {candidate.name: fit_candidate(table, candidate, settings, seed=seed) for candidate in competing}
    learned = [candidate for candidate in competing if scores[candidate.name] is not None]
    inner = {
        candidate.name: _inner_scores(table, candidate, score)
        for candidate in learned
        if (score := scores[candidate.name]) is not None
    }
    areas = {name: auc_with_interval(table.outcome, row).auc for name, row in inner.items()}
    chosen = max(learned, key=lambda candidate: areas[candidate.name], default=None)  # the first of equal ones
    return Learned(table.columns, competing, scores, inner, areas, chosen)


def fit_candidate(
    table: TrainingTable, candidate: Candidate, settings: LearningSettings, *, seed: int
) -> RadScore | None:
    """The rad-score of a candidate, its columns those of the whole table; None where nothing can be learned.

    Cases that lack the region are left out, and then columns that are not defined for a case: those of a fold's
    training cases alone could be selected in the cross-validation within, and would give its test cases no score.
    """
    columns = candidate.columns(table.columns)
    present = np.flatnonzero(candidate.measured(table.columns, table.values))
    own = table.rows(present)
    columns = columns[np.isfinite(own.values[:, columns]).all(axis=0)]
    if not len(columns) or not len(present):
        return None
    try:
        score = fit_rad_score(own.values[:, columns], own.outcome, settings, seed=seed, groups=own.patients)
    except LearningError:
        return None
    return replace(score, columns=columns[score.columns])


def held_out_scores(score: RadScore | None, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of cases in standard deviations of the training cases' own.

    Folds differ in how far they shrink, and only so can their scores be pooled. A case that lacks a region, and every
    case of a fold in which nothing was learned, has 0, the mean of training: no knowledge, neither way.

    Args:
        training: values of the training cases, shape (cases, columns); ``test``: of those to score.
    """
    if score is None:
        return np.zeros(len(test))
    seen = score.score(training)
    seen = seen[np.isfinite(seen)]
    found = (score.score(test) - seen.mean()) / seen.std()
    return np.where(np.isfinite(found), found, 0.0)


def _inner_scores(table: TrainingTable, candidate: Candidate, score: RadScore) -> np.ndarray:
    """Held-out scores of the training cases, by the cross-validation that chose the penalty; 0 for a case that lacks
    the region."""
    scores = np.zeros(len(table.outcome))
    scores[candidate.measured(table.columns, table.values)] = score.held_out
    return scores
