"""Stability of a model: permuted outcomes, bootstrap samples, and learning curves.

Each analysis repeats the whole learning procedure on a feature table, including the choice between candidates, with
the habitats of all training cases (which never see an outcome).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.learning import stratified_folds
from HabitatRadiomicsLib.learning.candidates import Candidate
from HabitatRadiomicsLib.learning.preparation import FoldTable, PreparedFold, prepare_fold
from HabitatRadiomicsLib.learning.strategy import Learned, held_out_scores, learn
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.statistics import PermutationTest, auc_with_interval, permutation_test, stratified_resample
from HabitatRadiomicsLib.statistics.resampling import grouped_resample
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.tasks import one_thread

_log = logging.getLogger(__name__)

#: Shares of the training cases of a learning curve.
SHARES = (0.4, 0.6, 0.8, 1.0)
#: Keeps the curve's draws apart from the others of the same seed.
_CURVE = 1_000_000


@dataclass(frozen=True)
class BootstrapFindings:
    """Results of the bootstrap samples.

    Attributes:
        apparent: AUC of the model on the cases that it was trained on.
        optimism: mean over the samples of AUC on the sample less AUC on all cases, of the sample's own model
            (Harrell 1996).
        samples: in which a model could be learned, of ``count``.
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
    """AUC of the whole procedure trained on so many cases, of each repeat: on these cases, and on held-out ones."""

    cases: int
    training: tuple[float, ...]
    held_out: tuple[float, ...]


@dataclass(frozen=True)
class Stability:
    """Each part is None or empty if the protocol does not request it, or if it cannot be computed."""

    permutation: PermutationTest | None
    bootstrap: BootstrapFindings | None
    curve: tuple[CurvePoint, ...]


def trainings_of(settings: LearningSettings) -> tuple[int, int, int]:
    """How often the whole procedure is repeated for permutations, bootstrap samples and the learning curve."""
    outcomes = 1 + settings.permutations if settings.permutations else 0  # as they are, and permuted
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
    permuted, resampled, _ = trainings_of(settings)
    all_of_them = max(sum(trainings_of(settings)), 1)
    first, second = permuted / all_of_them, (permuted + resampled) / all_of_them
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

    def run(tasks: Sequence[Callable[[], float]]) -> list[float]:
        results = in_order(_called, ((task,) for task in tasks), jobs)
        return list(_told(results, len(tasks), "permutation", progress, before=1))  # first the outcomes as they are

    statistic = partial(_auc_of_outcome, table=table, protocol=protocol)
    try:
        return permutation_test(
            table.outcome, statistic, count=count, seed=protocol.seed, groups=table.patients, run=run
        )
    except EvaluationError:
        if len(set(table.patients)) == len(table.patients):
            raise
        return None


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
    found = list(_told(in_order(_sample, items, jobs), count, "bootstrap sample", progress))
    differences = [difference for difference, _ in found if difference is not None]
    names = sorted({name for _, features in found for name in features})
    return BootstrapFindings(
        apparent=apparent,
        optimism=float(np.mean(differences)) if differences else 0.0,
        samples=len(differences),
        count=count,
        selected={name: sum(name in features for _, features in found) / count for name in names},
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
        found = list(_told(in_order(_curve, items, jobs), len(items), "learning curve", progress))
    except LearningError as error:  # cases were lost, and the patients that are left are not shared out
        _log.info("no learning curve: %s", error.problem)
        return ()
    points = []
    for place in range(len(SHARES)):
        own = found[place * repeats : (place + 1) * repeats]
        cases = round(float(np.mean([used for used, _, _ in own])))
        points.append(CurvePoint(cases, tuple(seen for _, seen, _ in own), tuple(unseen for _, _, unseen in own)))
    return tuple(points)


def _called(task: Callable[[], float]) -> float:
    return task()


def _auc_of_outcome(outcome: np.ndarray, table: FoldTable, protocol: Protocol) -> float:
    try:
        return _cross_validated(replace(table, outcome=outcome), protocol, protocol.seed, lambda training: training)[2]
    except LearningError:  # patients with several cases that no folds share out: nothing can be learned
        return 0.5


def _curve(table: FoldTable, protocol: Protocol, share: float, repeat: int) -> tuple[float, float, float]:
    generator = np.random.default_rng((protocol.seed, _CURVE + repeat, round(share * 100)))

    def fewer(training: np.ndarray) -> np.ndarray:
        groups = [training[table.outcome[training] == value] for value in (0, 1)]
        # The cross-validation within needs a case of each outcome in each of its folds.
        counts = [max(protocol.learning.folds, round(share * len(group))) for group in groups]
        rows = np.concatenate([generator.permutation(group)[:count] for group, count in zip(groups, counts)])
        return np.sort(rows)

    return _cross_validated(table, protocol, protocol.seed + repeat, fewer)


def _cross_validated(
    table: FoldTable, protocol: Protocol, seed: int, taken: Callable[[np.ndarray], np.ndarray]
) -> tuple[float, float, float]:
    """Mean number of training cases of the folds, mean AUC on them, and AUC of the held-out scores."""
    scores = np.zeros(len(table.outcome))
    used, areas = [], []
    for rows, test in stratified_folds(table.outcome, protocol.learning.folds, seed, table.patients):
        training = taken(rows)
        learned, seen, everybody = _learned(table, protocol, training, seed)
        scores[test] = held_out_scores(learned.score, seen, everybody[test])
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
    # The copies of a case stay together in every split within, as the cases of a patient do.
    learned, seen, everybody = _learned(table, protocol, rows, protocol.seed + number)
    own = learned.scores.get(candidate.name)
    features = () if own is None else tuple(learned.columns[column] for column in own.columns)
    if learned.score is None:
        return None, features
    scores = held_out_scores(learned.score, seen, everybody)
    inside, outside = (auc_with_interval(table.outcome[places], scores[places]).auc for places in (rows, slice(None)))
    return inside - outside, features


def _learned(
    table: FoldTable, protocol: Protocol, training: np.ndarray, seed: int
) -> tuple[Learned, np.ndarray, np.ndarray]:
    """What training cases teach, and the prepared values of them and of all cases."""
    with one_thread():
        prepared = prepare_fold(table, training, protocol)
        everybody = prepared.training_table(table)
        learned = learn(everybody.rows(training), protocol.learning, seed=seed)
    return learned, everybody.values[training], everybody.values


def _told(results: Iterable[Any], count: int, name: str, progress: Progress, *, before: int = 0) -> Iterator[Any]:
    """Results as they come, told of; the first ones, ``before``, go uncounted."""
    for done, result in enumerate(results, start=1):
        progress(done / count, f"{name} {done - before} of {count - before}")
        yield result
