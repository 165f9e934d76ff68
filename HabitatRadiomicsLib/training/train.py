"""Trains a frozen model from a cohort and a protocol, and estimates its performance.

No test case takes part in learning: the habitats, the choice of K, robustness, harmonisation, selection, LASSO, the
choice between candidates and the cut-off are learned anew in each fold of the cross-validation.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.features import feature_names_of, parse
from HabitatRadiomicsLib.features.deep.measure import KNOWN_IMAGE
from HabitatRadiomicsLib.features.delta import DELTA
from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.learning.preparation import FoldTable, PreparedFold, prepare_fold
from HabitatRadiomicsLib.learning.strategy import Learned, learn
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.system.tasks import one_thread
from HabitatRadiomicsLib.training.checks import Exclusion, check_outcomes, check_study
from HabitatRadiomicsLib.training.freezing import Purpose, check_name, freeze
from HabitatRadiomicsLib.training.measured import MeasuredStudy, measure_study
from HabitatRadiomicsLib.validation.nested import Validation, cross_validate, gather
from HabitatRadiomicsLib.validation.stability import Stability, assess_stability, trainings_of

#: Rough processor seconds per fit, with the rankings before it, and per feature of a lesion's image. They only divide
#: the progress bar between measuring and learning.
_SECONDS_PER_FIT = {"search": 0.002, "LASSO": 0.03}
_SECONDS_PER_FEATURE = 0.001
#: Smallest and largest share of measuring in the progress bar.
_LEAST, _MOST = 0.05, 0.8


@dataclass(frozen=True)
class TrainingWork:
    """How often the learning procedure is repeated, by purpose, and the estimated work.

    Attributes:
        validation, permutations, bootstraps, curve: number of trainings; one more gives the model.
        fits: largest number of fits of classifiers, or of LASSO paths, in each training.
        measuring: estimated share of measuring in the total time.
    """

    validation: int
    permutations: int
    bootstraps: int
    curve: int
    fits: int
    measuring: float

    @property
    def trainings(self) -> int:
        """The total number of trainings."""
        return 1 + self.validation + self.permutations + self.bootstraps + self.curve

    def sentence(self) -> str:
        """The expected work, for the user."""
        parts = {
            "in the nested cross-validation": self.validation,
            "for the permutations": self.permutations,
            "for the bootstrap samples": self.bootstraps,
            "for the learning curve": self.curve,
        }
        named = ", ".join(f"{count:,} {purpose}" for purpose, count in parts.items() if count)
        times = f"everything is learned {self.trainings:,} times (the model, {named})"
        each = f"each time in up to {self.fits:,} fits"
        return f"{self.trainings * self.fits:,} fits: {times}, {each}; --jobs distributes them over processes."


def training_work(protocol: Protocol, sequences: Collection[str], cases: int) -> TrainingWork:
    """Estimate the work of a training.

    Args:
        sequences: of the cohort, if the protocol names none.
        cases: number of cases in the cohort.
    """
    learning = protocol.learning
    columns = _columns(protocol, protocol.sequences or sorted(sequences))
    fits = sum(_fits(candidate, columns, learning) for candidate in candidates_of(columns, learning))
    work = TrainingWork(learning.folds * learning.repeats, *trainings_of(learning), fits=fits, measuring=_MOST)
    learned = work.trainings * fits * _SECONDS_PER_FIT["LASSO" if learning.search is None else "search"]
    copies = 0 if protocol.robustness is None else protocol.robustness.copies * min(protocol.robustness.cases, cases)
    measured = len(columns) * (cases + copies) * _SECONDS_PER_FEATURE
    share = measured / (measured + learned) if columns else _MOST
    return replace(work, measuring=min(max(share, _LEAST), _MOST))


def _columns(protocol: Protocol, sequences: Collection[str]) -> tuple[str, ...]:
    """Names of the features of a table with the smallest possible number of habitats."""
    regions = []
    for region in protocol.regions:
        habitats = [f"S{number}" for number in range(1, protocol.habitats.k_min + 1)]
        regions += habitats if region == "habitats" else [region]
    keys = [protocol.baseline_key(name) for name in sequences]
    if protocol.timepoints is not None:
        keys += [f"{DELTA}_{name}" for name in sequences]
    names = {region: feature_names_of(protocol, region) for region in regions}
    return tuple(f"{key}_{region}_{name}" for key in keys for region in regions for name in names[region])


def _fits(candidate: Candidate, columns: Sequence[str], learning: LearningSettings) -> int:
    """The fits of one candidate in one training."""
    if learning.search is not None:
        search = learning.search
        fits = len(search.selectors) * len(search.classifiers) * len(search.features) * learning.folds + 1
        images = {parse(columns[column]).image for column in candidate.columns(columns)}
        return fits if learning.scouts is None else fits * (learning.folds + 1) * (len(images) + 1)
    paths = 1 + learning.folds
    if learning.fusion is None or len(candidate.parts) == 1:
        return paths
    return paths * len(candidate.parts) + len(learning.fusion.classifiers) * learning.folds + 1


@dataclass(frozen=True)
class Training:
    """A trained model with its training data and its performance.

    Attributes:
        protocol: as it was given; the model's protocol also holds the habitats.
        cohort: as it was given.
        excluded: its cases that were left out before anything was measured.
        study: the measured cases.
        table: their features, with habitats fitted on all of them.
        prepared: their robust, harmonised columns.
        learned: every candidate's score, fitted on all cases.
    """

    model: Model
    protocol: Protocol
    cohort: Cohort
    excluded: tuple[Exclusion, ...]
    study: MeasuredStudy
    table: FoldTable
    prepared: PreparedFold
    learned: Learned
    validation: Validation
    stability: Stability


def train_model(
    cohort: Cohort,
    protocol: Protocol,
    purpose: Purpose,
    folder: Path,
    *,
    frozen_habitats: bool = False,
    complete_cases: bool = False,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Training:
    """Measure a cohort, learn a score, validate it and freeze it.

    Args:
        cohort: with outcomes.
        folder: where finished cases are kept, for this run and the next.
        frozen_habitats: fit the habitats once, on all cases, instead of in each fold. They see no outcome, but a
            fold's test cases contribute to them: the model's evidence states this.
        complete_cases: leave out cases that lack a sequence.
        jobs: processes; the result does not depend on it.

    Raises:
        LearningError: too few cases of an outcome, or nothing to learn.
        HabitatRadiomicsError: a cohort that is refused, no case that could be measured, or no habitats that fit.
    """
    check_name(purpose.name)
    whole_cohort = cohort
    cohort, excluded = check_study(cohort, protocol, complete_cases=complete_cases)
    check_writable(folder)
    work = work_of(cohort, protocol)
    study = measure_study(
        cohort, protocol, folder, frozen_habitats=frozen_habitats, jobs=jobs, resample_mask=resample_mask,
        progress=part(progress, 0, work.measuring),
    )  # fmt: skip
    _check_network(study)
    table = study.table()
    check_outcomes(table.outcome.tolist(), table.patients.tolist(), protocol.learning)
    learning = part(progress, work.measuring, 1)
    learning(0, "learning the score")
    with one_thread():
        prepared = prepare_fold(table, np.arange(len(table.outcome)), protocol)
        learned = learn(prepared.training_table(table), protocol.learning, seed=protocol.seed)
    if learned.score is None:
        raise LearningError(
            f"No feature of any region tells the outcomes of {len(table.outcome)} cases apart.",
            where="cohort",
            remedy="There is nothing to learn from this table.",
        )
    modelled, validated = 1 / work.trainings, (1 + work.validation) / work.trainings
    learning(modelled, "the model is learned")
    results = []
    for result in cross_validate(study.folds, study.fold_tables(), protocol, jobs=jobs):
        results.append(result)
        share = len(results) / len(study.folds)
        learning(modelled + (validated - modelled) * share, f"fold {len(results)} of {len(study.folds)}")
    validation = gather(results, len(table.outcome))
    stability = assess_stability(table, prepared, learned, protocol, jobs=jobs, progress=part(learning, validated, 1))
    with one_thread():
        model = freeze(study, table, prepared, learned, validation, protocol, purpose, len(whole_cohort.cases))
    return Training(model, protocol, whole_cohort, excluded, study, table, prepared, learned, validation, stability)


def work_of(cohort: Cohort, protocol: Protocol) -> TrainingWork:
    """Estimate the work of training on a cohort."""
    sequences = {row.sequence for case in cohort.cases for row in case.images}
    return training_work(protocol, sequences, len(cohort.cases))


def _check_network(study: MeasuredStudy) -> None:
    """Refuse a network that was trained on the cohort's cases: its features carry their outcomes."""
    known = sum(any(text.endswith(KNOWN_IMAGE) for text in row) for row in study.features.warnings.values())
    if known:
        raise LearningError(
            f"The network of the deep features was trained on {known} of {len(study.cohort.cases)} cases, with their "
            "outcomes: the performance of the model would be overestimated.",
            where="cohort",
            remedy="Use a network that was trained on other patients, or leave these cases out.",
        )
