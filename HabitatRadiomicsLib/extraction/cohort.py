"""Features of a cohort, with habitats fitted on all its cases or on any number of training sets.

Each case is visited twice: its superpixels are found and its prepared images kept (``superpixels.py``,
``prepared_cases.py``); then, when the habitats of all training sets are known, its regions are measured
(``regions.py``). Without habitats only the second visit takes place. Each training set has its own habitats, and
therefore each lesion its own regions. A habitat of a lesion is a set of its superpixels: if several training sets
give the same set, it is measured once, and its result is stored under these superpixels for later runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.extraction.habitat_changes import HabitatChange, Volumes, habitat_changes
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.extraction.maps import needs_habitats
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, Preparation, Unmeasured, superpixel_settings
from HabitatRadiomicsLib.extraction.regions import (
    NAMED,
    MeasuredCase,
    Plan,
    RegionWork,
    later_settings,
    no_habitat,
    unknown_habitat,
)
from HabitatRadiomicsLib.extraction.superpixels import Lesions, Population, find_superpixels, fit_populations, unread
from HabitatRadiomicsLib.features import choose_engine, feature_names_of
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.habitats import Superpixels, assign_habitats, habitat_warnings
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of
from HabitatRadiomicsLib.system.provenance import document_digest, versions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Extraction:
    """The result of extracting features from a cohort.

    Attributes:
        table: a row per case that could be measured (index ``case_id``, in the cohort's order), a column per feature;
            of two time points, the features at both and their changes. ``column_definitions`` says what each column is.
        habitat_changes: of cases with two time points; empty where no region is a habitat.
        protocol: the requested protocol, with the population's habitats added.
        problems: the cases that could not be measured, and features without a defined value.
        warnings: sentences by case.
        reused: number of cases reused from an earlier run.
    """

    table: pd.DataFrame
    protocol: Protocol
    problems: tuple[CaseProblem, ...]
    warnings: Mapping[str, tuple[str, ...]]
    engine: str
    reused: int
    habitat_changes: tuple[HabitatChange, ...] = ()


def extract_features(
    cohort: Cohort,
    protocol: Protocol,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Extraction:
    """Features of all cases, with habitats fitted on all of them or taken from the protocol.

    A single patient measured with the resulting protocol has exactly the same values as within the cohort. A failing
    case never stops the others. One that lacks a region is left out; with two time points only the region's features
    have no value: that a habitat is gone at follow-up is a finding.

    Args:
        folder: where finished cases are kept, for this run and the next, also of a training.
        jobs: processes; the result does not depend on it.

    Raises:
        CohortError: no case could be measured.
        RegionError: the cohort has no acceptable habitats, or lacks one that the protocol requests.
    """
    choose_engine(protocol.features)
    check_writable(folder)
    lesions, start = unread(cohort, protocol, ()), 0.0
    populations: list[Population] = [{}]
    if needs_habitats(protocol):
        start = 0.15
        lesions = find_superpixels(
            cohort, protocol, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, start)
        )
        populations = fit_populations(lesions, protocol, [tuple(lesions.superpixels)])
        fitted = {name: model for name, model in populations[0].items() if model is not None}
        protocol = protocol.model_copy(update={"population": {**protocol.population, **fitted}})
        _check_regions(protocol, fitted)
    features = measure_folds(
        cohort, protocol, lesions, populations, folder, jobs=jobs, resample_mask=resample_mask,
        progress=part(progress, start, 1),
    )  # fmt: skip
    problems = [replace(row, step="features") if row.step == "regions" else row for row in features.problems]
    if protocol.timepoints is None:
        lacking = {case_id: rows[0] for case_id in features.case_ids if (rows := features.missing_regions(case_id, 0))}
        problems += lacking.values()
        features = replace(features, case_ids=tuple(name for name in features.case_ids if name not in lacking))
        refuse_empty(features.case_ids, problems)
    ids = features.case_ids
    volumes = {case_id: features.habitat_volumes(case_id, 0) for case_id in ids}
    return Extraction(
        table=with_deltas(features.table(0), protocol.timepoints, with_followup=True),
        protocol=protocol,
        problems=(*problems, *features.region_problems(0)),
        warnings={case_id: features.all_warnings(case_id, 0) for case_id in ids},
        engine=features.engine,
        reused=features.reused,
        habitat_changes=tuple(row for name in ids for row in habitat_changes(name, volumes[name], protocol)),
    )


def _check_regions(protocol: Protocol, population: Mapping[str, HabitatModel]) -> None:
    """Refuse a habitat that a sequence does not have."""
    for sequence, model in population.items():
        for name in protocol.regions:
            if name not in (*NAMED, "habitats", *model.names):
                raise unknown_habitat(name, model.names, sequence)


@dataclass(frozen=True)
class FoldFeatures:
    """Features of all cases, with each training set's habitats.

    Attributes:
        case_ids: the cases that could be measured, in the cohort's order.
        populations: the habitats of each training set.
        problems: the cases that could not be measured.
        warnings: of the images, sentences by case.
        reused: number of cases reused completely from an earlier run.
        volumes: of each case's lesion in ml, the mean over its sequences; of two time points, at baseline.
    """

    case_ids: tuple[str, ...]
    populations: tuple[Population, ...]
    problems: tuple[CaseProblem, ...]
    warnings: Mapping[str, tuple[str, ...]]
    engine: str
    reused: int
    volumes: Mapping[str, float]
    protocol: Protocol
    lesions: Lesions
    measured: Mapping[str, MeasuredCase]

    def table(self, training_set: int, *, view: str = ORIGINAL, case_ids: Sequence[str] | None = None) -> pd.DataFrame:
        """The features with a training set's habitats, a row per case (index ``case_id``); NaN where a region is
        missing or a feature not defined.

        Args:
            training_set: its place among the populations.
            view: ``original``, or a perturbation, for those of the ``case_ids`` that have it.
            case_ids: rows; None: all cases.
        """
        import pandas as pd

        regions = self.regions(training_set)
        names = {region: feature_names_of(self.protocol, region) for region in dict.fromkeys(row[1] for row in regions)}
        columns = [f"{sequence}_{region}_{name}" for sequence, region in regions for name in names[region]]
        ids = self.case_ids if case_ids is None else tuple(case_ids)
        values = np.full((len(ids), len(columns)), np.nan)
        for row, case_id in enumerate(ids):
            start = 0
            for sequence, region in regions:
                end = start + len(names[region])
                measured = self._region(case_id, view, sequence, region, training_set)
                if isinstance(measured, np.ndarray):
                    values[row, start:end] = measured
                start = end
        return pd.DataFrame(values, index=pd.Index(ids, name="case_id"), columns=columns)

    def regions(self, training_set: int) -> list[tuple[str, str]]:
        """Sequence (of two time points: the case's key) and region of the table's column groups."""
        regions: dict[tuple[str, str], None] = {}
        for sequence in self._sequences():
            model = self.populations[training_set].get(sequence_of(sequence))
            for wanted in self.protocol.regions:
                names = [wanted] if wanted in NAMED else _habitats(model, [wanted])
                regions |= dict.fromkeys((sequence, name) for name in names)
        return list(regions)

    def region_problems(self, training_set: int) -> list[CaseProblem]:
        """Rows for regions that could not be measured with a training set's habitats, and for undefined features."""
        rows = []
        for case_id in self.case_ids:
            rows += self.missing_regions(case_id, training_set)
            rows += self._undefined_features(case_id, training_set)
        return rows

    def missing_regions(self, case_id: str, training_set: int) -> list[CaseProblem]:
        """Rows for the regions of a case that could not be measured with a training set's habitats."""
        rows = []
        for sequence, region in self.regions(training_set):
            measured = self._region(case_id, ORIGINAL, sequence, region, training_set)
            if isinstance(measured, Unmeasured):
                where = f"{title_of(sequence)} {region}"
                rows.append(CaseProblem(case_id, "features", measured.problem, where, measured.remedy))
        return rows

    def _undefined_features(self, case_id: str, training_set: int) -> list[CaseProblem]:
        """A row for each reason in each region, with the number of features and the first of them."""
        rows = []
        for sequence, region in self.regions(training_set):
            key = self._key(case_id, ORIGINAL, sequence, region, training_set)
            reasons = self.measured[case_id].undefined.get(sequence, {}).get(key or "", {})
            for reason in dict.fromkeys(reasons.values()):
                names = [name for name in reasons if reasons[name] == reason]
                shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
                problem = f"{reason} Features without a value: {len(names)} ({shown})."
                remedy = "The other features of the case are in the table."
                rows.append(CaseProblem(case_id, "features", problem, f"{title_of(sequence)} {region}", remedy))
        return rows

    def all_warnings(self, case_id: str, training_set: int) -> tuple[str, ...]:
        """Warnings about a case's images, and about its habitats with a training set's habitats; by sequence."""
        texts: list[str] = []
        for sequence, of_image in self.measured[case_id].warnings.items():
            texts += of_image
            model = self.populations[training_set].get(sequence_of(sequence))
            if model is not None:
                superpixels = self.lesions.superpixels[case_id][ORIGINAL][sequence]
                texts += habitat_warnings(superpixels, model, title_of(sequence))
                texts += self.lesions.doubts[case_id][sequence]
        return tuple(texts)

    def habitat_volumes(self, case_id: str, training_set: int) -> Volumes:
        """Volume of each habitat in ml, on the input's grid, by sequence; empty unless there are two time points."""
        volumes: dict[str, dict[str, float]] = {}
        for sequence, (voxels, voxel_ml) in self.lesions.input_ml.get(case_id, {}).items():
            model = self.populations[training_set][sequence_of(sequence)]
            if model is not None:
                means = self.lesions.superpixels[case_id][ORIGINAL][sequence].means
                habitats = assign_habitats(means, model.centroids)
                counts = [int(voxels[habitats == place].sum()) for place in range(len(model.names))]
                volumes[sequence] = {name: count * voxel_ml for name, count in zip(model.names, counts)}
        return volumes

    def habitat_means(self, training_set: int, sequence: str) -> dict[str, np.ndarray]:
        """Mean intensity and mean local entropy (bits) of each habitat in each case, shape (cases, 2), by habitat; NaN
        where the case has none of it. Of two time points, at baseline."""
        model = self.populations[training_set][sequence]
        if model is None:
            return {}
        key = self.protocol.baseline_key(sequence)
        means = {name: np.full((len(self.case_ids), 2), np.nan) for name in model.names}
        for row, case_id in enumerate(self.case_ids):
            superpixels = self.lesions.superpixels[case_id][ORIGINAL].get(key)
            if superpixels is None:
                continue
            habitats = assign_habitats(superpixels.means, model.centroids)
            for place, name in enumerate(model.names):
                inside = habitats == place
                if inside.any():
                    measured = self.lesions.measured[case_id][key][inside]
                    means[name][row] = np.average(measured, axis=0, weights=superpixels.sizes[inside])
        return means

    def _sequences(self) -> tuple[str, ...]:
        if self.protocol.keys is not None:
            return self.protocol.keys
        return tuple(sorted({name for case_id in self.case_ids for name in self.measured[case_id].regions[ORIGINAL]}))

    def _region(
        self, case_id: str, view: str, sequence: str, region: str, training_set: int
    ) -> np.ndarray | Unmeasured | None:
        """The values of a region, the reason why there are none, or None if the region was not measured."""
        key = self._key(case_id, view, sequence, region, training_set)
        if key == "":
            return no_habitat(region)
        return None if key is None else self.measured[case_id].regions.get(view, {}).get(sequence, {}).get(key)

    def _key(self, case_id: str, view: str, sequence: str, region: str, training_set: int) -> str | None:
        """The key under which a region is stored; empty if the lesion has no such habitat."""
        if region in NAMED:
            return region
        model = self.populations[training_set][sequence_of(sequence)]
        superpixels = self.lesions.superpixels[case_id].get(view, {}).get(sequence)
        if model is None or superpixels is None:
            return None
        return _habitat_keys(superpixels, model).get(region, "")


def measure_folds(
    cohort: Cohort,
    protocol: Protocol,
    lesions: Lesions,
    populations: Sequence[Population],
    folder: Path,
    *,
    perturbed: Collection[str] = (),
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> FoldFeatures:
    """Measure every region that any training set's habitats lead to; a failing case never stops the others.

    Args:
        lesions: of :func:`find_superpixels`, or :func:`unread` for a protocol without habitats.
        populations: of :func:`fit_populations`, one per training set.
        folder: where measured regions are kept, for this run and the next.
        perturbed: cases that are also measured in each further reading or under each perturbation.

    Raises:
        CohortError: no case could be measured.
    """
    engine = choose_engine(protocol.features)
    name = f"{engine.name} {engine.version}"
    document = protocol.document()
    settings = {
        **superpixel_settings(protocol),
        "ring_mm": document["ring_mm"],
        "features": document["features"],
        **later_settings(protocol),
    }
    key = document_digest({"versions": {**versions(), "engine": name}, "settings": settings, "resample": resample_mask})
    cases = [case for case in cohort.cases if case.case_id in lesions.superpixels]
    preparation = Preparation.of(protocol, folder, resample_mask=resample_mask)
    work = {}
    for case in cases:
        sequences = protocol.keys or tuple(image.sequence for image in case.images)
        plan = _plan(lesions, case.case_id, sequences, protocol, populations, case.case_id in perturbed)
        work[case.case_id] = CaseWork(
            folder / "regions", key, protocol.keys, resample_mask, RegionWork(preparation, plan)
        )
    measured, problems, reused = run_cases(cases, work, jobs, progress, take=MeasuredCase.of)
    problems = [*lesions.problems, *problems]
    refuse_empty(measured, problems)
    ids = tuple(case.case_id for case in cases if case.case_id in measured)
    return FoldFeatures(
        case_ids=ids,
        populations=tuple(populations),
        problems=tuple(problems),
        warnings={name: tuple(text for texts in measured[name].warnings.values() for text in texts) for name in ids},
        engine=name,
        reused=reused,
        volumes={case_id: measured[case_id].volume_ml for case_id in ids},
        protocol=protocol,
        lesions=lesions,
        measured={case_id: measured[case_id] for case_id in ids},
    )


def _plan(
    lesions: Lesions,
    case_id: str,
    sequences: Sequence[str],
    protocol: Protocol,
    populations: Sequence[Population],
    perturbed: bool,
) -> Plan:
    plan: Plan = {}
    for view, described in lesions.superpixels[case_id].items():
        if view != ORIGINAL and not perturbed:
            continue
        plan[view] = {}
        for sequence in sequences:
            keys = [name for name in NAMED if name in protocol.regions]
            for population in populations:
                model = population.get(sequence_of(sequence))
                if model is not None and sequence in described:
                    of_name = _habitat_keys(described[sequence], model)
                    keys += [of_name[name] for name in _habitats(model, protocol.regions) if name in of_name]
            # A copy whose lesion could not be split into superpixels is not measured; one that needs no superpixels
            # is.
            if sequence in described or view == ORIGINAL or not any(populations):
                plan[view][sequence] = list(dict.fromkeys(keys))
    return plan


def _habitats(model: HabitatModel | None, wanted: Sequence[str]) -> list[str]:
    """The habitats of a population that a protocol requests."""
    if model is None:
        return []
    return [name for name in model.names if "habitats" in wanted or name in wanted]


def _habitat_keys(superpixels: Superpixels, model: HabitatModel) -> dict[str, str]:
    """The superpixels of each habitat that this lesion has: ``{"S1": "0 3 4", ...}``."""
    habitats = assign_habitats(superpixels.means, model.centroids)
    return {
        name: " ".join(str(number) for number in np.flatnonzero(habitats == place))
        for place, name in enumerate(model.names)
        if (habitats == place).any()
    }
