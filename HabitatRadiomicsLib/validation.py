"""Nested, repeated cross-validation: the whole of what learns is learned again in each fold, from its training cases.

The habitats of the training cases are in the table that a fold is given (:mod:`fold_features`); what robustness,
harmonisation, selection, LASSO, the choice between candidates and the cut-off learn is learned here. No function sees
the outcome of a test case before it has been scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.evaluation import AreaUnderCurve, auc_with_interval, mean_auc, youden_cut_off
from HabitatRadiomicsLib.fold_preparation import FoldTable, prepare_fold
from HabitatRadiomicsLib.learning import calibrate, stratified_folds
from HabitatRadiomicsLib.learning.clinical import fit_clinical
from HabitatRadiomicsLib.learning.strategy import Learned, held_out_scores, learn
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.workers import in_order

#: The model that is built: in each fold the candidate that the training cases prefer.
STRATEGY = "chosen score"
VOLUME = "volume alone"
CLINICAL = "clinical variables alone"


@dataclass(frozen=True)
class Fold:
    """One split of the cases; places in their order."""

    repeat: int
    number: int
    training: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class FoldResult:
    """What one fold's training cases taught, and what it says of its test cases.

    Attributes:
        scores: of the test cases by model, in standard deviations of the fold's training scores.
        cut_offs: the fold's own by model: Youden's, on the training scores, in the same unit.
        probabilities: of the test cases by :data:`STRATEGY`, calibrated on the training cases' inner cross-validation.
        features: names that each candidate selected; empty where nothing could be learned.
        inner_auc: what the candidate was chosen by.
    """

    fold: Fold
    scores: Mapping[str, np.ndarray]
    cut_offs: Mapping[str, float]
    probabilities: np.ndarray
    features: Mapping[str, tuple[str, ...]]
    inner_auc: Mapping[str, float]
    chosen: str | None


@dataclass(frozen=True)
class HeldOut:
    """Scores of one model for cases that it never saw.

    Attributes:
        scores: shape (repeats, cases), in standard deviations of the fold's own training scores: folds differ in how
            far they shrink, and only so can their scores be pooled.
        cut_offs: of each case's fold, shape (repeats, cases); a score at or above it is called positive.
        fits: folds over all repeats; in ``empty`` of them nothing could be learned, and all their cases have 0.
    """

    scores: np.ndarray
    cut_offs: np.ndarray
    fits: int
    empty: int

    def area(self, outcome: np.ndarray) -> AreaUnderCurve:
        """Mean AUC over the repeats, with the mean DeLong variance.

        The interval takes cases as independent, which held-out scores of overlapping training sets are not quite.
        """
        return mean_auc(outcome, self.scores)


@dataclass(frozen=True)
class Validation:
    """All folds, and each model's held-out scores.

    Attributes:
        held_out: by model: every candidate, :data:`STRATEGY`, and what it is compared with.
        probabilities: held-out, of :data:`STRATEGY`, shape (repeats, cases).
    """

    folds: tuple[FoldResult, ...]
    held_out: Mapping[str, HeldOut]
    probabilities: np.ndarray


def outer_folds(outcome: np.ndarray, patients: np.ndarray, protocol: Protocol) -> tuple[Fold, ...]:
    """The folds of all repeats, stratified by outcome, every case of a patient on one side.

    Args:
        outcome: 0 or 1, shape (cases,); ``patients``: whose case it is.
    """
    settings = protocol.learning
    return tuple(
        Fold(repeat, number, training, test)
        for repeat in range(settings.repeats)
        for number, (training, test) in enumerate(
            stratified_folds(outcome, settings.folds, protocol.seed + repeat, patients)
        )
    )


def cross_validate(
    folds: Sequence[Fold], tables: Iterable[FoldTable], protocol: Protocol, *, jobs: int = 1
) -> Iterator[FoldResult]:
    """The result of each fold, in order.

    Args:
        tables: the table of each fold, under its training cases' habitats.
    """
    yield from in_order(validate_fold, ((fold, table, protocol) for fold, table in zip(folds, tables)), jobs)


def validate_fold(fold: Fold, table: FoldTable, protocol: Protocol) -> FoldResult:
    """Learn from a fold's training cases, score its test cases."""
    from threadpoolctl import threadpool_limits

    # Sums over threads depend on how many there are; one keeps the bits the same on every machine.
    with threadpool_limits(limits=1):
        prepared = prepare_fold(table, fold.training, protocol)
        training = prepared.training_table(table).rows(fold.training)
        learned = learn(training, protocol.learning, seed=protocol.seed + fold.repeat)
        scored = dict(_candidate_scores(learned, training.values, prepared.values))
        scored |= _baseline_scores(table, fold.training)
        cut_offs = {name: _cut_off(training.outcome, row[fold.training]) for name, row in scored.items()}
        probabilities = _probabilities(learned, training.outcome, scored[STRATEGY][fold.test])
    return FoldResult(
        fold=fold,
        scores={name: scores[fold.test] for name, scores in scored.items()},
        cut_offs=cut_offs,
        probabilities=probabilities,
        features={
            name: () if score is None else tuple(prepared.columns[column] for column in score.columns)
            for name, score in learned.scores.items()
        },
        inner_auc=learned.inner_auc,
        chosen=None if learned.chosen is None else learned.chosen.name,
    )


def gather(results: Sequence[FoldResult], cases: int) -> Validation:
    """Held-out scores of each model over all folds; a model that a fold does not know (its population has fewer
    habitats, say) has learned nothing there."""
    repeats = 1 + max(result.fold.repeat for result in results)
    names = list(dict.fromkeys(name for result in results for name in result.scores))
    held_out = {}
    for name in names:
        scores, cut_offs = np.zeros((repeats, cases)), np.zeros((repeats, cases))
        empty = 0
        for result in results:
            place = result.fold.repeat, result.fold.test
            if name in result.scores:
                scores[place], cut_offs[place] = result.scores[name], result.cut_offs[name]
            empty += _learned_nothing(result, name)
        held_out[name] = HeldOut(scores, cut_offs, len(results), empty)
    probabilities = np.zeros((repeats, cases))
    for result in results:
        probabilities[result.fold.repeat, result.fold.test] = result.probabilities
    return Validation(tuple(results), held_out, probabilities)


def _learned_nothing(result: FoldResult, name: str) -> bool:
    if name == STRATEGY:
        return result.chosen is None
    if name in (VOLUME, CLINICAL):
        return name not in result.scores
    return not result.features.get(name)


def _cut_off(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Youden's; where nothing was learned, and all scores are 0, the more frequent outcome is called."""
    if np.ptp(scores) == 0:
        return float(scores[0]) + (1.0 if outcome.mean() < 0.5 else 0.0)
    return youden_cut_off(outcome, scores)


def _probabilities(learned: Learned, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The training cases' prevalence where their held-out scores do not rise with the outcome."""
    if learned.chosen is not None:
        scaling = calibrate(learned.inner[None, :], outcome)
        if scaling.slope > 0:
            return 1 / (1 + np.exp(-(scaling.intercept + scaling.slope * scores)))
    return np.full(len(scores), outcome.mean())


def _candidate_scores(learned: Learned, training: np.ndarray, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield STRATEGY, held_out_scores(learned.score, training, values)
    for name, score in learned.scores.items():
        yield name, held_out_scores(score, training, values)


def _baseline_scores(table: FoldTable, training: np.ndarray) -> dict[str, np.ndarray]:
    """Of all cases, in standard deviations of the training cases' scores."""
    found = {}
    outcome = table.outcome[training]
    volume = np.log(table.volumes)
    # Which way a volume points is learned, too.
    larger = auc_with_interval(outcome, volume[training]).auc >= 0.5
    found[VOLUME] = volume if larger else -volume
    clinical = fit_clinical([table.covariates[row] for row in training], outcome)
    if clinical is not None:
        found[CLINICAL] = clinical.score(table.covariates)
    return {name: _standardised(scores, training) for name, scores in found.items()}


def _standardised(scores: np.ndarray, training: np.ndarray) -> np.ndarray:
    deviation = scores[training].std()
    return (scores - scores[training].mean()) / (deviation if deviation > 0 else 1.0)
