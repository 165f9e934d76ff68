"""Stability of a model: permuted outcomes, bootstrap samples, and learning curves.

Each analysis repeats the whole learning procedure on a feature table, including the choice between candidates. The
habitats are those of all training cases: they are fitted without outcomes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.learning.candidates import Candidate
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.preparation import FoldTable, PreparedFold, prepare_fold
from HabitatRadiomicsLib.learning.strategy import Learned, held_out_scores, learn
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval
from HabitatRadiomicsLib.statistics.resampling import (
    PermutationTest,
    grouped_resample,
    outcome_permutations,
    permutation_test,
    stratified_resample,
)
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.tasks import one_thread

_log = logging.getLogger(__name__)

#: Shares of the training cases of a learning curve.
SHARES = (0.4, 0.6, 0.8, 1.0)
#: Keeps the learning curve's random numbers apart from the others of the same seed.
_CURVE = 1_000_000


@dataclass(frozen=True)
class BootstrapFindings:
    """Results of the bootstrap samples.

    Attributes:
        apparent: AUC of the model on the cases that it was trained on.
        optimism: mean over the samples of the AUC on the sample less that on all cases, by the sample's own model
            (Harrell 1996).
        samples: number of samples in which a model could be learned, of ``count``.
        selected: share of the samples in which the candidate selected a feature, by name.
        differences: the optimism of each sample in which a model could be learned.
    """

    apparent: float
    optimism: float
    samples: int
    count: int
    selected: dict[str, float]
    differences: tuple[float, ...] = ()

    @property
    def corrected(self) -> float:
        """The apparent AUC without its optimism."""
        return self.apparent - self.optimism


@dataclass(frozen=True)
class CurvePoint:
    """AUCs of the whole procedure trained on so many cases, one per repeat: on these cases, and on held-out ones."""

    cases: int
    training: tuple[float, ...]
    held_out: tuple[float, ...]


@dataclass(frozen=True)
class Stability:
    """Each part is None or empty where the protocol does not request it, or where it cannot be computed."""

    permutation: PermutationTest | None
    bootstrap: BootstrapFindings | None
    curve: tuple[CurvePoint, ...]


def trainings_of(settings: LearningSettings) -> tuple[int, int, int]:
    """How often the whole procedure is repeated for permutations, bootstrap samples and the learning curve."""
    outcomes = 1 + settings.permutations if settings.permutations else 0  # the real ones, and permuted ones
    shares = len(SHARES) * settings.repeats if settings.learning_curve else 0
    return outcomes * settings.folds, settings.optimism_bootstraps, shares * settings.folds


def assess_stability(
    table: FoldTable,
    prepared: PreparedFold,
    learned: Learned,
    protocol: Protocol,
    *,
    jobs: int = 1,
    progress: Progress = silent,
) -> Stability:
    """Run every stability analysis that the protocol requests.

    Args:
        prepared, learned: of all cases.
    """
    settings = protocol.learning
    permutation = bootstrap = None
    curve: tuple[CurvePoint, ...] = ()
    trainings = trainings_of(settings)
    first, second = (sum(trainings[:parts]) / max(sum(trainings), 1) for parts in (1, 2))
    if settings.permutations:
        permutation = permuted_outcomes(
            table, protocol, settings.permutations, jobs=jobs, progress=part(progress, 0, first)
        )
    if settings.optimism_bootstraps and learned.chosen is not None:
        scores = held_out_scores(learned.score, prepared.values, prepared.values)
        apparent = auc_with_interval(table.outcome, scores).auc
        bootstrap = bootstrapped(
            table, protocol, learned.chosen, apparent, settings.optimism_bootstraps,
            jobs=jobs, progress=part(progress, first, second),
        )  # fmt: skip
    if settings.learning_curve:
        curve = learning_curve(table, protocol, settings.repeats, jobs=jobs, progress=part(progress, second, 1))
    return Stability(permutation, bootstrap, curve)


def permuted_outcomes(
    table: FoldTable, protocol: Protocol, count: int, *, jobs: int = 1, progress: Progress = silent
) -> PermutationTest | None:
    """Whether the cross-validated AUC could be chance: outcomes are permuted between patients, and the whole
    procedure is repeated.

    None where the cases of a patient have different outcomes, which cannot be permuted.
    """
    try:
        permuted = outcome_permutations(table.outcome, count=count, seed=protocol.seed, groups=table.patients)
    except EvaluationError:
        if len(set(table.patients)) == len(table.patients):
            raise
        return None
    items = [(outcome, table, protocol) for outcome in (table.outcome, *permuted)]
    areas = in_order(_auc_of_outcome, items, jobs)
    observed, *others = _reported(areas, len(items), "permutation", progress, uncounted=1)
    return permutation_test(observed, others)


def bootstrapped(
    table: FoldTable, protocol: Protocol, candidate: Candidate, apparent: float, count: int,
    *, jobs: int = 1, progress: Progress = silent,
) -> BootstrapFindings:  # fmt: skip
    """Optimism of the apparent AUC, and how often each feature is selected.

    Args:
        candidate: whose features are counted.
        apparent: AUC of the final model on its training cases.
    """
    items = [(table, protocol, candidate, number) for number in range(count)]
    samples = list(_reported(in_order(_sample, items, jobs), count, "bootstrap sample", progress))
    differences = [difference for difference, _ in samples if difference is not None]
    names = sorted({name for _, features in samples for name in features})
    return BootstrapFindings(
        apparent=apparent,
        optimism=float(np.mean(differences)) if differences else 0.0,
        samples=len(differences),
        count=count,
        selected={name: sum(name in features for _, features in samples) / count for name in names},
        differences=tuple(differences),
    )


def learning_curve(
    table: FoldTable, protocol: Protocol, repeats: int, *, jobs: int = 1, progress: Progress = silent
) -> tuple[CurvePoint, ...]:
    """Whether more cases would help: each fold is trained on a share of its training cases.

    Empty if the patients cannot be distributed over the folds.
    """
    items = [(table, protocol, share, repeat) for share in SHARES for repeat in range(repeats)]
    try:
        results = list(_reported(in_order(_curve, items, jobs), len(items), "learning curve", progress))
    except LearningError as error:  # some cases could not be measured, and the folds lack an outcome without them
        _log.info("no learning curve: %s", error.problem)
        return ()
    points = []
    for start in range(0, len(results), repeats):
        used, seen, held_out = zip(*results[start : start + repeats])
        points.append(CurvePoint(round(float(np.mean(used))), seen, held_out))
    return tuple(points)


def _auc_of_outcome(outcome: np.ndarray, table: FoldTable, protocol: Protocol) -> float:
    try:
        return _cross_validated(replace(table, outcome=outcome), protocol, protocol.seed, lambda training: training)[2]
    except LearningError:  # patients with several cases that cannot be distributed over the folds
        return 0.5


def _curve(table: FoldTable, protocol: Protocol, share: float, repeat: int) -> tuple[float, float, float]:
    generator = np.random.default_rng((protocol.seed, _CURVE + repeat, round(share * 100)))

    def fewer(training: np.ndarray) -> np.ndarray:
        groups = [training[table.outcome[training] == value] for value in (0, 1)]
        # The inner cross-validation needs a case of each outcome in each of its folds.
        counts = [max(protocol.learning.folds, round(share * len(group))) for group in groups]
        rows = np.concatenate([generator.permutation(group)[:count] for group, count in zip(groups, counts)])
        return np.sort(rows)

    return _cross_validated(table, protocol, protocol.seed + repeat, fewer)


def _cross_validated(
    table: FoldTable, protocol: Protocol, seed: int, taken: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, float]:
    """Mean number of training cases of the folds, mean AUC on them, and AUC of the held-out scores.

    Args:
        taken: gives the training cases to use, from all of a fold.
    """
    scores = np.zeros(len(table.outcome))
    used, areas = [], []
    for rows, test in stratified_folds(table.outcome, protocol.learning.folds, seed, table.patients):
        training = taken(rows)
        learned, seen, everyone = _learned(table, protocol, training, seed)
        scores[test] = held_out_scores(learned.score, seen, everyone[test])
        used.append(len(training))
        areas.append(auc_with_interval(table.outcome[training], held_out_scores(learned.score, seen, seen)).auc)
    return float(np.mean(used)), float(np.mean(areas)), auc_with_interval(table.outcome, scores).auc


def _sample(
    table: FoldTable, protocol: Protocol, candidate: Candidate, number: int
) -> tuple[float | None, tuple[str, ...]]:
    """Optimism of one bootstrap sample's model, and the features that the candidate selected in it."""
    if len(np.unique(table.patients)) == len(table.patients):
        rows = stratified_resample(table.outcome, protocol.seed, number)
    else:
        rows = grouped_resample(table.outcome, table.patients, protocol.seed, number)
    # The copies of a case stay together in every inner split, as the cases of a patient do.
    learned, seen, everyone = _learned(table, protocol, rows, protocol.seed + number)
    score = learned.scores.get(candidate.name)
    features = () if score is None else tuple(learned.columns[column] for column in score.columns)
    if learned.score is None:
        return None, features
    scores = held_out_scores(learned.score, seen, everyone)
    inside, outside = (auc_with_interval(table.outcome[cases], scores[cases]).auc for cases in (rows, slice(None)))
    return inside - outside, features


def _learned(
    table: FoldTable, protocol: Protocol, training: np.ndarray, seed: int
) -> tuple[Learned, np.ndarray, np.ndarray]:
    """The scores learned from training cases, and the prepared values of these and of all cases."""
    with one_thread():
        prepared = prepare_fold(table, training, protocol)
        everyone = prepared.training_table(table)
        learned = learn(everyone.rows(training), protocol.learning, seed=seed)
    return learned, everyone.values[training], everyone.values


def _reported(
    results: Iterable[Any], count: int, name: str, progress: Progress, *, uncounted: int = 0
) -> Iterator[Any]:
    """The results, each reported to ``progress``; so many first ones do not count."""
    for done, result in enumerate(results, start=1):
        progress(done / count, f"{name} {done - uncounted} of {count - uncounted}")
        yield result
