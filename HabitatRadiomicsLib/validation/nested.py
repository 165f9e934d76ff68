"""Nested, repeated cross-validation: the whole learning procedure is repeated in each fold, on its training cases.

The table of a fold contains the habitats of its training cases. All other steps (robustness, harmonisation, selection,
LASSO, the choice between candidates, the cut-off) are learned here, in each fold, from its training cases. No function
uses the outcome of a test case before the case has been scored.
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
        scores: of the test cases by model, see `in_deviations`.
        cut_offs: by model, Youden's on the training scores, in the same unit.
        probabilities: of the test cases by model: :data:`STRATEGY`, calibrated on the training cases' inner
            cross-validation; if a nomogram is requested, also :data:`CLINICAL`, and :data:`RAD_SCORE_ALONE`, calibrated
            in the same way.
        features: names that each candidate selected; empty if nothing could be learned.
        inner_auc: the inner AUC by which the candidate was chosen.
        ways: selector and classifier of each candidate's score, where they were chosen: ``relief + svm``, ``lda``. If a
            nomogram is requested, also the clinical factors of :data:`STRATEGY` and :data:`CLINICAL`: ``age + sex``, or
            ``none``.
    """

    fold: Fold
    scores: Mapping[str, np.ndarray]
    cut_offs: Mapping[str, float]
    probabilities: Mapping[str, np.ndarray]
    features: Mapping[str, tuple[str, ...]]
    inner_auc: Mapping[str, float]
    chosen: str | None
    ways: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Scores of one model for cases that it never saw.

    Attributes:
        scores: shape (repeats, cases), see `in_deviations`.
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
        """Mean AUC over the repeats, with its interval corrected for the overlap of the training sets, see `mean_auc`.

        Args:
            patients: the patient of each case; None: each case has its own.
        """
        return mean_auc(outcome, self.scores, clusters=patients, folds=self.folds)


@dataclass(frozen=True)
class Validation:
    """The results of all folds, and each model's held-out scores.

    Attributes:
        held_out: by model: every candidate, :data:`STRATEGY`, and the models that it is compared with.
        probabilities: held-out, by model, as in a `FoldResult`, shape (repeats, cases).
    """

    folds: tuple[FoldResult, ...]
    held_out: Mapping[str, HeldOut]
    probabilities: Mapping[str, np.ndarray]


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
        models = {STRATEGY: learned.score, **learned.scores}
        scored = {name: held_out_scores(score, training.values, prepared.values) for name, score in models.items()}
        baselines = {VOLUME: volume_baseline(table, fold.training)}
        clinical = clinical_baseline(table, fold.training, protocol)
        if clinical is not None:
            baselines[CLINICAL] = clinical
        scored |= {name: baseline.scores for name, baseline in baselines.items()}
        if protocol.learning.nomogram is not None:
            scored[RAD_SCORE_ALONE] = held_out_scores(learned.chosen_score, training.values, prepared.values)
        cut_offs = {name: _cut_off(training.outcome, row[fold.training]) for name, row in scored.items()}
        probabilities = _probabilities(learned, training.outcome, scored, baselines, fold.test)
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
        ways=_ways(learned, baselines, protocol),
    )


def gather(results: Sequence[FoldResult], cases: int) -> Validation:
    """Held-out scores of each model over all folds.

    A model that a fold does not have (its population has fewer habitats, say) has learned nothing there. A clinical
    model without a factor in any fold is left out.
    """
    repeats = 1 + max(result.fold.repeat for result in results)

    def pooled(values: Iterable[tuple[FoldResult, np.ndarray | float]]) -> np.ndarray:
        rows = np.zeros((repeats, cases))
        for result, value in values:
            rows[result.fold.repeat, result.fold.test] = value
        return rows

    held_out = {}
    for name in dict.fromkeys(name for result in results for name in result.scores):
        empty = sum(_learned_nothing(result, name) for result in results)
        if name == CLINICAL and empty == len(results):
            continue
        having = [result for result in results if name in result.scores]
        scores = pooled((result, result.scores[name]) for result in having)
        cut_offs = pooled((result, result.cut_offs[name]) for result in having)
        held_out[name] = HeldOut(scores, cut_offs, len(results), empty)
    probabilities = {
        name: pooled((result, result.probabilities[name]) for result in results)
        for name in results[0].probabilities
        if name in held_out
    }
    return Validation(tuple(results), held_out, probabilities)


def _learned_nothing(result: FoldResult, name: str) -> bool:
    if name in (STRATEGY, RAD_SCORE_ALONE):
        return result.chosen is None
    if name == CLINICAL:  # without a factor, all cases have a score of 0
        return name not in result.scores or not result.scores[name].any()
    if name == VOLUME:
        return name not in result.scores
    return not result.features.get(name)


def _cut_off(outcome: np.ndarray, scores: np.ndarray) -> float:
    """Youden's cut-off; if nothing was learned, and all scores are 0, one that predicts the more frequent outcome."""
    if np.ptp(scores) == 0:
        return float(scores[0]) + (1.0 if outcome.mean() < 0.5 else 0.0)
    return youden_cut_off(outcome, scores)


def _probabilities(
    learned: Learned,
    outcome: np.ndarray,
    scored: Mapping[str, np.ndarray],
    baselines: Mapping[str, Baseline],
    test: np.ndarray,
) -> dict[str, np.ndarray]:
    """Of the test cases, by model."""
    chosen = learned.chosen
    inner = None if chosen is None else learned.inner
    probabilities = {STRATEGY: _calibrated(inner, outcome, scored[STRATEGY][test])}
    for name, baseline in baselines.items():
        if baseline.probability is not None:
            probabilities[name] = baseline.probability[test]
    if RAD_SCORE_ALONE in scored:
        inner = None if chosen is None else learned.inner_scores[chosen.name]
        probabilities[RAD_SCORE_ALONE] = _calibrated(inner, outcome, scored[RAD_SCORE_ALONE][test])
    return probabilities


def _calibrated(inner: np.ndarray | None, outcome: np.ndarray, scores: np.ndarray) -> np.ndarray:
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


def _ways(learned: Learned, baselines: Mapping[str, Baseline], protocol: Protocol) -> dict[str, str]:
    ways = {}
    for name, score in learned.scores.items():
        if isinstance(score, SearchedScore):
            ways[name] = f"{score.selector} + {score.classifier}"
        elif isinstance(score, FusedScore):
            ways[name] = score.classifier
    if protocol.learning.nomogram is not None:
        if learned.nomogram is not None:
            ways[STRATEGY] = _factors(factor.name for factor in learned.nomogram.nomogram.factors)
        if CLINICAL in baselines:
            ways[CLINICAL] = _factors(baselines[CLINICAL].factors)
    return ways


def _factors(names: Iterable[str]) -> str:
    return " + ".join(sorted(names)) or "none"
