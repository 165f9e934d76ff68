"""A cohort measured for nested validation: its folds, and each fold's feature table with the habitats of its training
cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.extraction.fold_features import FoldFeatures, measure_folds
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, PERTURBED
from HabitatRadiomicsLib.extraction.superpixels import Lesions, Population, find_superpixels, fit_populations
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.imaging.perturbation import perturbation_names
from HabitatRadiomicsLib.learning.folds import Fold, outer_folds
from HabitatRadiomicsLib.learning.preparation import FoldTable, Repetitions
from HabitatRadiomicsLib.progress import Progress, part
from HabitatRadiomicsLib.protocol import Protocol

if TYPE_CHECKING:
    import pandas as pd

#: The fewest cases from which an intraclass correlation can be computed.
FEWEST_REPEATED = 2


@dataclass(frozen=True)
class MeasuredStudy:
    """Cases, folds and features.

    Attributes:
        cohort: the cases that could be measured.
        folds: as indices of these cases.
        features: with the habitats of all cases (training set 0), then with the habitats of each fold's training cases.
        repeated: indices of the cases with repeated measurements, by kind: ``PERTURBED``, or ``INTER_OBSERVER`` and
            ``INTRA_OBSERVER``.
        frozen_habitats: all folds use the habitats of all cases.
    """

    cohort: Cohort
    folds: tuple[Fold, ...]
    features: FoldFeatures
    repeated: Mapping[str, np.ndarray]
    frozen_habitats: bool

    def table(self) -> FoldTable:
        """The features of all cases, with habitats fitted on all of them."""
        return self._table(0)

    def fold_tables(self) -> Iterator[FoldTable]:
        """The table of each fold, built on demand: all of them would not fit into memory."""
        return (self._table(0 if self.frozen_habitats else 1 + number) for number in range(len(self.folds)))

    def _table(self, training_set: int) -> FoldTable:
        cohort, features = self.cohort, self.features
        ids = features.case_ids
        table = self._learned_from(training_set)
        return FoldTable(
            columns=tuple(table.columns),
            values=np.array(table, order="C"),
            outcome=np.array([cohort.outcomes[case_id] for case_id in ids]),
            patients=np.array([cohort.patient_of(case_id) for case_id in ids]),
            sites=np.array([cohort.sites.get(case_id, "") for case_id in ids]),
            volumes=np.array([features.volumes[case_id] for case_id in ids]),
            covariates=tuple(cohort.covariates.get(case_id, {}) for case_id in ids),
            repeated={kind: self._repetitions(training_set, kind) for kind in self.repeated},
        )

    def _repetitions(self, training_set: int, kind: str) -> Repetitions:
        rows, settings = self.repeated[kind], self.features.protocol.robustness
        assert settings is not None
        case_ids = [self.features.case_ids[row] for row in rows]
        # A perturbed copy that could not be made has no values.
        views = perturbation_names(settings) if kind == PERTURBED else (kind,)
        tables = [self._learned_from(training_set, view=view, case_ids=case_ids).to_numpy() for view in views]
        return Repetitions(rows, np.stack(tables, axis=1))

    def _learned_from(
        self, training_set: int, *, view: str = ORIGINAL, case_ids: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """The features to learn from; with two time points, those at baseline and their changes."""
        table = self.features.table(training_set, view=view, case_ids=case_ids)
        return with_deltas(table, self.features.protocol.timepoints)


def measure_study(
    cohort: Cohort,
    protocol: Protocol,
    folder: Path,
    *,
    frozen_habitats: bool,
    jobs: int,
    resample_mask: bool,
    progress: Progress,
) -> MeasuredStudy:
    """Compute superpixels of all cases, habitats of every training set, and the features for each set of habitats.

    Args:
        folder: where finished cases are kept, for this run and the next.

    Raises:
        CohortError: no case could be measured.
        RegionError: the cohort has no acceptable habitats.
        LearningError: too few cases are left for the folds.
        RobustnessError: fewer than two of the cases that robustness is tested on could be measured.
    """
    repeated = repeated_cases(cohort, protocol)
    perturbed = frozenset().union(*repeated.values())
    lesions = find_superpixels(
        cohort, protocol, folder, perturbed=perturbed, jobs=jobs, resample_mask=resample_mask,
        progress=part(progress, 0, 0.2),
    )  # fmt: skip
    cohort = cohort.only(lesions.superpixels)
    folds = folds_of(cohort, protocol)
    populations = _populations(cohort, folds, lesions, protocol, frozen_habitats, jobs, part(progress, 0.2, 0.3))
    features = measure_folds(
        cohort, protocol, lesions, populations, folder, perturbed=perturbed, jobs=jobs, resample_mask=resample_mask,
        progress=part(progress, 0.3, 1),
    )  # fmt: skip
    left = cohort.only(features.case_ids)
    if len(left.cases) < len(cohort.cases):
        folds = tuple(_renumbered(fold, cohort, left) for fold in folds)
    rows = {kind: np.flatnonzero(np.isin(features.case_ids, ids)) for kind, ids in repeated.items()}
    for kind, ids in repeated.items():
        if len(rows[kind]) < FEWEST_REPEATED:
            raise RobustnessError(
                f"{tested(kind)} is tested on {len(ids)} cases, of which {len(rows[kind])} could be measured; at least "
                f"{FEWEST_REPEATED} are needed.",
                where="cohort",
                remedy=f"See to the cases that failed, or {more_of(kind)}.",
            )
    return MeasuredStudy(left, folds, features, rows, frozen_habitats)


def repeated_cases(cohort: Cohort, protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """The cases on which robustness is tested, by kind of the repeated measurement: the cases of each further reading;
    without further readings, cases spread evenly over the table."""
    if protocol.robustness is None:
        return {}
    readings = {
        kind: tuple(case.case_id for case in cohort.cases if kind in case.readings)
        for kind in (INTER_OBSERVER, INTRA_OBSERVER)
    }
    if any(readings.values()):
        return {kind: ids for kind, ids in readings.items() if ids}
    count = min(protocol.robustness.cases, len(cohort.cases))
    rows = np.unique(np.linspace(0, len(cohort.cases) - 1, count).round().astype(int))
    return {PERTURBED: tuple(cohort.cases[row].case_id for row in rows)}


def tested(kind: str) -> str:
    """The property that a kind of repeated measurement tests, as the start of a sentence."""
    return "Robustness" if kind == PERTURBED else f"{kind.capitalize()} agreement"


def more_of(kind: str) -> str:
    """How to get more cases of a kind, as the end of a sentence."""
    return "raise 'cases' under 'robustness' in the protocol" if kind == PERTURBED else "add cases to that reading"


def folds_of(cohort: Cohort, protocol: Protocol) -> tuple[Fold, ...]:
    """The outer folds of a cohort, as indices of its cases.

    Raises:
        LearningError: too few cases, or patients that cannot be distributed, to have both outcomes in every fold.
    """
    outcome = np.array([cohort.outcomes[case.case_id] for case in cohort.cases])
    patients = np.array([cohort.patient_of(case.case_id) for case in cohort.cases])
    return outer_folds(outcome, patients, protocol)


def _populations(
    cohort: Cohort,
    folds: Sequence[Fold],
    lesions: Lesions,
    protocol: Protocol,
    frozen: bool,
    jobs: int,
    progress: Progress,
) -> list[Population]:
    ids = [case.case_id for case in cohort.cases]
    groups = [ids] if frozen else [ids, *([ids[row] for row in fold.training] for fold in folds)]
    return fit_populations(lesions, protocol, groups, jobs=jobs, progress=progress)


def _renumbered(fold: Fold, before: Cohort, after: Cohort) -> Fold:
    """A fold as indices of the remaining cases; the others had superpixels but could not be measured."""
    new_rows = {case.case_id: row for row, case in enumerate(after.cases)}
    kept = [
        np.array([new_rows[name] for row in rows if (name := before.cases[row].case_id) in new_rows], dtype=int)
        for rows in (fold.training, fold.test)
    ]
    return Fold(fold.repeat, fold.number, *kept)
