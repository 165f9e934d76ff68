"""The whole learning procedure on a feature table: every candidate score, and the choice between them.

Nothing here sees a case that is not in ``training``; only an outer cross-validation can measure its performance.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.catalogue import PATCH
from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.learning.fusion import fit_fused
from HabitatRadiomicsLib.learning.nomogram import NomogramScore, fit_nomogram_score
from HabitatRadiomicsLib.learning.radscore import RadScore, fit_rad_score
from HabitatRadiomicsLib.learning.scouts import fit_scouts
from HabitatRadiomicsLib.learning.search import fit_search
from HabitatRadiomicsLib.protocol import LearningSettings
from HabitatRadiomicsLib.statistics import auc_with_interval

_log = logging.getLogger(__name__)

RULE = (
    "the candidate with the largest AUC in the cross-validation within the training cases that chooses its penalty or "
    "classifier, of equal ones the first: single sequences stand before fused ones"
)


class FittedScore(Protocol):
    """The score that any learning method gives: a linear rad-score, or a classifier."""

    @property
    def columns(self) -> np.ndarray:
        """Indices of its columns in the table that it was fitted on."""

    @property
    def held_out(self) -> np.ndarray:
        """Scores of the training cases by fits that had not seen them, in SD of each fold's training scores; shape
        (cases,)."""

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""


@dataclass(frozen=True)
class TrainingTable:
    """A feature table with all other data of its cases that learning may use.

    Attributes:
        columns: names; ``values`` has shape (cases, columns).
        outcome: 0 or 1, shape (cases,).
        patients: shape (cases,); cases of one patient stay together in every split.
        covariates: clinical variables of each case; empty if none are used.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    outcome: np.ndarray
    patients: np.ndarray
    covariates: tuple[Mapping[str, str], ...] = ()

    def rows(self, rows: np.ndarray) -> TrainingTable:
        """The table restricted to some cases."""
        covariates = tuple(self.covariates[row] for row in rows) if self.covariates else ()
        return TrainingTable(self.columns, self.values[rows], self.outcome[rows], self.patients[rows], covariates)


@dataclass(frozen=True)
class Learned:
    """Every candidate's score, and the one that was chosen.

    Attributes:
        columns: of the table; the scores' columns are indices into these.
        scores: by candidate; None if nothing could be learned.
        inner_scores: by candidate: scores of the training cases, held out in the cross-validation that chose its
            penalty or its classifier, shape (cases,).
        inner_auc: AUC of these scores.
        chosen: None if no candidate could be learned.
        nomogram: the chosen score combined with clinical factors; None if the protocol requests no nomogram.
        nomogram_problem: why a requested nomogram is missing.
    """

    columns: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    scores: Mapping[str, FittedScore | None]
    inner_scores: Mapping[str, np.ndarray]
    inner_auc: Mapping[str, float]
    chosen: Candidate | None
    nomogram: NomogramScore | None = None
    nomogram_problem: str = ""

    @property
    def chosen_score(self) -> FittedScore | None:
        """The score of the chosen candidate."""
        return None if self.chosen is None else self.scores[self.chosen.name]

    @property
    def rad_score(self) -> RadScore | None:
        """The chosen candidate's score if it is a linear rad-score."""
        found = self.chosen_score
        return found if isinstance(found, RadScore) else None

    @property
    def score(self) -> FittedScore | None:
        """The score that becomes the model: the nomogram, or else the chosen candidate's score."""
        return self.chosen_score if self.nomogram is None else self.nomogram

    @property
    def inner(self) -> np.ndarray:
        """Held-out scores of the training cases by :attr:`score`, shape (cases,)."""
        assert self.chosen is not None
        return self.inner_scores[self.chosen.name] if self.nomogram is None else self.nomogram.held_out


def learn(
    table: TrainingTable, settings: LearningSettings, *, seed: int, candidates: Sequence[Candidate] | None = None
) -> Learned:
    """Fit every candidate and choose one.

    Args:
        candidates: the competing candidates; None: all whose features the table contains.
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
    if settings.fusion is not None:
        # The fusion was fixed in advance; its parts are fitted for comparison only.
        learned = [candidate for candidate in learned if len(candidate.parts) > 1] or learned
    chosen = max(learned, key=lambda candidate: areas[candidate.name], default=None)  # the first of equal ones
    found = Learned(table.columns, competing, scores, inner, areas, chosen)
    if settings.nomogram is None or found.rad_score is None:
        return found
    try:
        nomogram = fit_nomogram_score(
            table.columns, table.values, found.rad_score, found.inner, table.covariates, table.outcome,
            settings.nomogram, seed=seed,
        )  # fmt: skip
    except LearningError as error:  # scores that separate the outcomes, for instance: it stands alone
        _log.info("no nomogram: %s", error.problem)
        return replace(found, nomogram_problem=error.problem)
    return replace(found, nomogram=nomogram)


def fit_candidate(
    table: TrainingTable, candidate: Candidate, settings: LearningSettings, *, seed: int
) -> FittedScore | None:
    """The score of a candidate, with columns as indices into the whole table; None if nothing can be learned.

    Cases that lack the region are left out, and then columns that are undefined for any remaining case: a column
    defined only for a fold's training cases could be selected in the inner cross-validation and leave its test cases
    without a score.
    """
    columns = candidate.columns(table.columns)
    present = np.flatnonzero(candidate.measured(table.columns, table.values))
    own = table.rows(present)
    columns = columns[np.isfinite(own.values[:, columns]).all(axis=0)]
    if not len(columns) or not len(present):
        return None
    try:
        return _fitted(own, candidate, columns, settings, seed)
    except LearningError:
        return None


def _fitted(
    table: TrainingTable, candidate: Candidate, columns: np.ndarray, settings: LearningSettings, seed: int
) -> FittedScore:
    values, outcome, groups = table.values[:, columns], table.outcome, table.patients
    if settings.search is not None and settings.scouts is not None:
        images = [parse(table.columns[column]).image for column in columns]
        scouted = fit_scouts(
            values, images, outcome, settings.search, settings.scouts, folds=settings.folds, seed=seed, groups=groups
        )
        sent = tuple(replace(scout, columns=columns[scout.columns]) for scout in scouted.scouts)
        return replace(scouted, columns=columns[scouted.columns], scouts=sent)
    if settings.search is not None:
        searched = fit_search(values, outcome, settings.search, folds=settings.folds, seed=seed, groups=groups)
        return replace(searched, columns=columns[searched.columns])
    if settings.fusion is not None and len(candidate.parts) > 1:
        kept = set(columns.tolist())
        parts = {
            part.name: np.array([column for column in part.columns(table.columns) if column in kept], dtype=int)
            for part in candidate.parts
        }
        deep = [part for part in candidate.parts if part.region == PATCH]
        single = np.concatenate([parts[part.name] for part in deep]) if deep else np.zeros(0, dtype=int)
        regions = {part.name: parts[part.name] for part in candidate.parts if part.region != PATCH}
        return fit_fused(table.values, outcome, regions, single, settings, settings.fusion, seed=seed, groups=groups)
    score = fit_rad_score(values, outcome, settings, seed=seed, groups=groups)
    return replace(score, columns=columns[score.columns])


def held_out_scores(score: FittedScore | None, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of cases in standard deviations of the training scores.

    Folds differ in shrinkage; their scores can be pooled only in these units. A case that lacks a region, and every
    case of a fold in which nothing was learned, gets 0, the training mean: no evidence either way.

    Args:
        training: values of the training cases, shape (cases, columns); ``test``: of those to score.
    """
    if score is None:
        return np.zeros(len(test))
    seen = score.score(training)
    seen = seen[np.isfinite(seen)]
    found = (score.score(test) - seen.mean()) / seen.std()
    return np.where(np.isfinite(found), found, 0.0)


def _inner_scores(table: TrainingTable, candidate: Candidate, score: FittedScore) -> np.ndarray:
    """Held-out scores of the training cases, by the cross-validation that chose the penalty; 0 for a case that lacks
    the region."""
    scores = np.zeros(len(table.outcome))
    scores[candidate.measured(table.columns, table.values)] = score.held_out
    return scores
