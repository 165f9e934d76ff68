"""The whole learning procedure on a feature table: every candidate score, and the choice between them.

Only training cases are used here; the performance can only be measured by an outer cross-validation.
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
from HabitatRadiomicsLib.learning.folds import in_deviations
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
    """The score of any learning method: a linear rad-score, or a classifier."""

    @property
    def columns(self) -> np.ndarray:
        """Indices of its columns in the table that it was fitted on."""

    @property
    def held_out(self) -> np.ndarray:
        """Scores of the training cases by fits that had not seen them, see `in_deviations`; shape (cases,)."""

    def score(self, values: np.ndarray) -> np.ndarray:
        """Scores of a table's rows, shape (cases,)."""


@dataclass(frozen=True)
class TrainingTable:
    """A feature table with all other data of its cases that learning may use.

    Attributes:
        columns: names of the columns of ``values``.
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
        columns: names of the table's columns; the scores' columns are indices into these.
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
        score = self.chosen_score
        return score if isinstance(score, RadScore) else None

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
    successful, inner = [], {}
    for candidate in competing:
        score = scores[candidate.name]
        if score is not None:
            successful.append(candidate)
            inner[candidate.name] = _inner_scores(table, candidate, score)
    areas = {name: auc_with_interval(table.outcome, row).auc for name, row in inner.items()}
    if settings.fusion is not None:
        # The fusion was fixed in advance; its parts are fitted for comparison only.
        successful = [candidate for candidate in successful if len(candidate.parts) > 1] or successful
    chosen = max(successful, key=lambda candidate: areas[candidate.name], default=None)  # the first of equal ones
    learned = Learned(table.columns, competing, scores, inner, areas, chosen)
    if settings.nomogram is None or learned.rad_score is None:
        return learned
    try:
        nomogram = fit_nomogram_score(
            table.columns, table.values, learned.rad_score, learned.inner, table.covariates, table.outcome,
            settings.nomogram, seed=seed,
        )  # fmt: skip
    except LearningError as error:  # where rad-scores separate the outcomes, for instance
        _log.info("no nomogram: %s", error.problem)
        return replace(learned, nomogram_problem=error.problem)
    return replace(learned, nomogram=nomogram)


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
    measured = table.rows(present)
    columns = columns[np.isfinite(measured.values[:, columns]).all(axis=0)]
    if not len(columns) or not len(present):
        return None
    try:
        return _fitted(measured, candidate, columns, settings, seed)
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
        return scouted.at(columns)
    if settings.search is not None:
        searched = fit_search(values, outcome, settings.search, folds=settings.folds, seed=seed, groups=groups)
        return replace(searched, columns=columns[searched.columns])
    if settings.fusion is not None and len(candidate.parts) > 1:
        columns_of = {part: np.intersect1d(part.columns(table.columns), columns) for part in candidate.parts}
        deep = [columns_of[part] for part in candidate.parts if part.region == PATCH]
        single = np.concatenate([np.zeros(0, dtype=int), *deep])
        regions = {part.name: columns_of[part] for part in candidate.parts if part.region != PATCH}
        return fit_fused(table.values, outcome, regions, single, settings, settings.fusion, seed=seed, groups=groups)
    score = fit_rad_score(values, outcome, settings, seed=seed, groups=groups)
    return replace(score, columns=columns[score.columns])


def held_out_scores(score: FittedScore | None, training: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of cases, see `in_deviations`; 0, the training mean, for a case that lacks a region, and where nothing was
    learned.

    Args:
        training: values of the training cases, shape (cases, columns); ``test``: of those to score.
    """
    if score is None:
        return np.zeros(len(test))
    seen = score.score(training)
    scaled = in_deviations(seen[np.isfinite(seen)], score.score(test))
    return np.where(np.isfinite(scaled), scaled, 0.0)


def _inner_scores(table: TrainingTable, candidate: Candidate, score: FittedScore) -> np.ndarray:
    """Held-out scores of the training cases; 0 for a case that lacks the region."""
    scores = np.zeros(len(table.outcome))
    scores[candidate.measured(table.columns, table.values)] = score.held_out
    return scores
