"""Nested, repeated cross-validation: the whole learning procedure is repeated in each fold, on its training cases.

The habitats of the training cases are in the table that a fold is given (:mod:`fold_features`); what robustness,
harmonisation, selection, LASSO, the choice between candidates and the cut-off learn is learned here. No function sees
the outcome of a test case before it has been scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from HabitatRadiomicsLib.learning.baselines import Baseline, clinical_baseline, volume_baseline
from HabitatRadiomicsLib.learning.folds import Fold
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.preparation import FoldTable, prepare_fold
from HabitatRadiomicsLib.learning.radscore import calibrate
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.learning.strategy import Learned, held_out_scores, learn
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.statistics import AreaUnderCurve, mean_auc, youden_cut_off
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.tasks import one_thread

#: Names of the scores of a study in tables, figures and reports: the model under study, which is in each fold the
#: candidate that performs best in the training cases,
STRATEGY = "chosen score"
VOLUME = "volume alone"
CLINICAL = "clinical variables alone"
#: with a nomogram its rad-score, chosen in each fold, without clinical factors,
RAD_SCORE_ALONE = "rad-score alone"
#: and the nomogram.
NOMOGRAM = "nomogram"


@dataclass(frozen=True)
class FoldResult:
    """The model learned from one fold's training cases, and its results on the test cases.

    Attributes:
        scores: of the test cases by model, in standard deviations of the fold's training scores.
        cut_offs: the fold's own by model: Youden's, on the training scores, in the same unit.
        probabilities: of the test cases by :data:`STRATEGY`, calibrated on the training cases' inner cross-validation.
        features: names that each candidate selected; empty if nothing could be learned.
        inner_auc: the inner AUC by which the candidate was chosen.
        others: probabilities of the test cases by :data:`RAD_SCORE_ALONE`, calibrated in the same way, and by
            :data:`CLINICAL`; if a nomogram is requested.
        ways: what each candidate's score was made by, where something was chosen: ``relief + svm``, ``lda``. Of
            :data:`STRATEGY` and :data:`CLINICAL`, the clinical factors in it, where a nomogram is asked for:
            ``age + sex``, or ``none``.
    """

    fold: Fold
    scores: Mapping[str, np.ndarray]
    cut_offs: Mapping[str, float]
    probabilities: np.ndarray
    features: Mapping[str, tuple[str, ...]]
    inner_auc: Mapping[str, float]
    chosen: str | None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Scores of one model for cases that it never saw.

    Attributes:
        scores: shape (repeats, cases), in standard deviations of the fold's own training scores: folds differ in how
            far they shrink, and only so can their scores be pooled.
        cut_offs: of each case's fold, shape (repeats, cases); a score at or above it is called positive.
        fits: number of folds over all repeats; in ``empty`` of them nothing could be learned, and all their cases
        have a score of 0.
    """

    scores: np.ndarray
    cut_offs: np.ndarray
    fits: int
    empty: int

    @property
    def folds(self) -> int:
        """The number of folds in each repeat."""
        return self.fits // len(self.scores)

    def area(self, outcome: np.ndarray, patients: np.ndarray | None = None) -> AreaUnderCurve:
        """Mean AUC over the repeats, with the mean DeLong variance; of patients with several cases Obuchowski's.

        Both are corrected for the overlap of the folds' training sets, see `overlap_factor`.

        Args:
            patients: the patient of each case; None: of as many patients.
        """
        return mean_auc(outcome, self.scores, clusters=patients, folds=self.folds)


@dataclass(frozen=True)
class Validation:
    """The results of all folds, and each model's held-out scores.

    Attributes:
        held_out: by model: every candidate, :data:`STRATEGY`, and what it is compared with.
        probabilities: held-out, of :data:`STRATEGY`, shape (repeats, cases).
        others: held-out, of what a nomogram is compared with.
    """

    folds: tuple[FoldResult, ...]
    held_out: Mapping[str, HeldOut]
    probabilities: np.ndarray
    others: Mapping[str, np.ndarray] = field(default_factory=dict)


def cross_validate(
    folds: Sequence[Fold], tables: Iterable[FoldTable], protocol: Protocol, *, jobs: int = 1
) -> Iterator[FoldResult]:
    """The results of the folds, in order.

    Args:
        tables: the table of each fold, with the habitats of its training cases.
    """
    yield from in_order(validate_fold, ((fold, table, protocol) for fold, table in zip(folds, tables)), jobs)


def validate_fold(fold: Fold, table: FoldTable, protocol: Protocol) -> FoldResult:
    """Learn from a fold's training cases, score its test cases."""
    with one_thread():
        prepared = prepare_fold(table, fold.training, protocol)
        training = prepared.training_table(table).rows(fold.training)
        learned = learn(training, protocol.learning, seed=protocol.seed + fold.repeat)
        scored = dict(_candidate_scores(learned, training.values, prepared.values))
        baselines = _baselines(table, fold.training, protocol)
        scored |= {name: baseline.scores for name, baseline in baselines.items()}
        if protocol.learning.nomogram is not None:
            scored[RAD_SCORE_ALONE] = held_out_scores(learned.chosen_score, training.values, prepared.values)
        cut_offs = {name: _cut_off(training.outcome, row[fold.training]) for name, row in scored.items()}
        inner = None if learned.chosen is None else learned.inner
        probabilities = _probabilities(inner, training.outcome, scored[STRATEGY][fold.test])
        others = _other_probabilities(learned, training.outcome, scored, baselines, fold.test)
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
        others=others,
        ways=_ways(learned, baselines, protocol),
    )


def gather(results: Sequence[FoldResult], cases: int) -> Validation:
    """Held-out scores of each model over all folds; a model that a fold does not know (its population has fewer
    habitats, say) has learned nothing there. A clinical model that no fold has a factor for is none."""
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
        if name == CLINICAL and empty == len(results):
            continue
        held_out[name] = HeldOut(scores, cut_offs, len(results), empty)
    probabilities = np.zeros((repeats, cases))
    for result in results:
        probabilities[result.fold.repeat, result.fold.test] = result.probabilities
    others = {name: np.zeros((repeats, cases)) for name in results[0].others if name in held_out}
    for name, rows in others.items():
        for result in results:
            rows[result.fold.repeat, result.fold.test] = result.others[name]
    return Validation(tuple(results), held_out, probabilities, others)


def _learned_nothing(result: FoldResult, name: str) -> bool:
    if name in (STRATEGY, RAD_SCORE_ALONE):
        return result.chosen is None
    if name == CLINICAL:  # where no factor stayed, all have 0
        return name not in result.scores or not result.scores[name].any()
    if name == VOLUME:
        return name not in result.scores
    return not result.features.get(name)


def _cut_off(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Youden's cut-off; if nothing was learned, and all scores are 0, one that predicts the more frequent outcome."""
    if np.ptp(scores) == 0:
        return float(scores[0]) + (1.0 if outcome.mean() < 0.5 else 0.0)
    return youden_cut_off(outcome, scores)


def _probabilities(inner: np.ndarray | None, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Calibrated probabilities; the training prevalence if the held-out scores do not rise with the outcome.

    Args:
        inner: held-out scores of the training cases; None if nothing was learned.
    """
    from scipy.special import expit

    if inner is not None:
        scaling = calibrate(inner[None, :], outcome)
        if scaling.slope > 0:
            return np.asarray(expit(scaling.intercept + scaling.slope * scores))
    return np.full(len(scores), outcome.mean())


def _other_probabilities(
    learned: Learned,
    outcome: np.ndarray,
    scored: Mapping[str, np.ndarray],
    baselines: Mapping[str, Baseline],
    test: np.ndarray,
) -> dict[str, np.ndarray]:
    """Of the test cases, by what a nomogram is compared with."""
    found = {
        name: baseline.probability[test] for name, baseline in baselines.items() if baseline.probability is not None
    }
    if RAD_SCORE_ALONE in scored:
        inner = None if learned.chosen is None else learned.inner_scores[learned.chosen.name]
        found[RAD_SCORE_ALONE] = _probabilities(inner, outcome, scored[RAD_SCORE_ALONE][test])
    return found


def _ways(learned: Learned, baselines: Mapping[str, Baseline], protocol: Protocol) -> dict[str, str]:
    found = {}
    for name, score in learned.scores.items():
        if isinstance(score, SearchedScore):
            found[name] = f"{score.selector} + {score.classifier}"
        elif isinstance(score, FusedScore):
            found[name] = score.classifier
    if protocol.learning.nomogram is not None:
        if learned.nomogram is not None:
            found[STRATEGY] = _factors(factor.name for factor in learned.nomogram.nomogram.factors)
        if CLINICAL in baselines:
            found[CLINICAL] = _factors(baselines[CLINICAL].factors)
    return found


def _factors(names: Iterable[str]) -> str:
    return " + ".join(sorted(names)) or "none"


def _candidate_scores(learned: Learned, training: np.ndarray, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    yield STRATEGY, held_out_scores(learned.score, training, values)
    for name, score in learned.scores.items():
        yield name, held_out_scores(score, training, values)


def _baselines(table: FoldTable, training: np.ndarray, protocol: Protocol) -> dict[str, Baseline]:
    clinical = clinical_baseline(table, training, protocol)
    return {VOLUME: volume_baseline(table, training), **({} if clinical is None else {CLINICAL: clinical})}
