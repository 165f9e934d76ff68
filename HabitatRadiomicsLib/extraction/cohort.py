"""A cohort's features under the habitats of any number of training sets, each image read and filtered once.

Other training sets have other habitats, and so each lesion other regions. A habitat of a lesion is a set of its
superpixels: however many training sets lead to the same set, it is measured once, and kept under its superpixels for
every later run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.extraction.measure import later_settings
from HabitatRadiomicsLib.extraction.problems import undefined_problems
from HabitatRadiomicsLib.extraction.regions import NAMED, MeasuredCase, Plan, RegionMeasuring
from HabitatRadiomicsLib.extraction.superpixels import ORIGINAL, Lesions, Population, superpixel_settings
from HabitatRadiomicsLib.features import choose_engine, feature_names_of
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.habitats import Superpixels, assign_habitats
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of
from HabitatRadiomicsLib.system.provenance import document_digest, versions


@dataclass(frozen=True)
class FoldFeatures:
    """Features of all cases under each training set's habitats.

    Attributes:
        case_ids: the cases that could be measured, in the cohort's order.
        populations: the habitats of each training set.
        problems: the cases that could not be measured.
        warnings: sentences by case.
        reused: cases of which all was there before.
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

    def table(self, training_set: int, *, view: str = ORIGINAL, case_ids: Sequence[str] | None = None) -> FeatureTable:
        """The features under a training set's habitats; NaN where a region is missing or a feature not defined.

        Args:
            training_set: its place among the populations.
            view: ``original``, or a perturbation, for those of the ``case_ids`` that have it.
            case_ids: rows; None: all cases.
        """
        regions = self.regions(training_set)
        names = {region: feature_names_of(self.protocol, region) for region in dict.fromkeys(row[1] for row in regions)}
        columns = tuple(f"{sequence}_{region}_{name}" for sequence, region in regions for name in names[region])
        ids = self.case_ids if case_ids is None else tuple(case_ids)
        values = np.full((len(ids), len(columns)), np.nan)
        for row, case_id in enumerate(ids):
            start = 0
            for sequence, region in regions:
                end = start + len(names[region])
                found = self._region(case_id, view, sequence, region, training_set)
                if isinstance(found, np.ndarray):
                    values[row, start:end] = found
                start = end
        return FeatureTable(ids, columns, values)

    def regions(self, training_set: int) -> list[tuple[str, str]]:
        """Sequence (of two time points: the case's key) and region of the table's column groups."""
        found = []
        for sequence in self._sequences():
            model = self.populations[training_set].get(sequence_of(sequence))
            for wanted in self.protocol.regions:
                names = [wanted] if wanted in NAMED else _habitats(model, [wanted])
                found += [(sequence, name) for name in names if (sequence, name) not in found]
        return found

    def region_problems(self, training_set: int) -> list[CaseProblem]:
        """Rows for regions of cases that could not be measured under a training set's habitats, and for their features
        that are not defined."""
        rows = []
        for case_id in self.case_ids:
            for sequence, region in self.regions(training_set):
                found = self._region(case_id, ORIGINAL, sequence, region, training_set)
                if isinstance(found, str):
                    rows.append(CaseProblem(case_id, "features", found, f"{title_of(sequence)} {region}"))
                key = self._key(case_id, ORIGINAL, sequence, region, training_set)
                reasons = self.measured[case_id].undefined.get(sequence, {}).get(key or "", {})
                columns = {f"{sequence}_{region}_{name}": reason for name, reason in reasons.items()}
                rows += undefined_problems(case_id, columns)
        return rows

    def habitat_means(self, training_set: int, sequence: str) -> dict[str, np.ndarray]:
        """Mean intensity and mean local entropy (bits) of each habitat in each case, shape (cases, 2), by habitat; NaN
        where the case has none of it. Of two time points, at baseline."""
        model = self.populations[training_set][sequence]
        if model is None:
            return {}
        key = self.protocol.baseline_key(sequence)
        found = {name: np.full((len(self.case_ids), 2), np.nan) for name in model.names}
        for row, case_id in enumerate(self.case_ids):
            superpixels = self.lesions.superpixels[case_id][ORIGINAL].get(key)
            if superpixels is None:
                continue
            habitats = assign_habitats(superpixels.means, model.centroids)
            for place, name in enumerate(model.names):
                own = habitats == place
                if own.any():
                    weights = superpixels.sizes[own]
                    found[name][row] = np.average(self.lesions.measured[case_id][key][own], axis=0, weights=weights)
        return found

    def _sequences(self) -> tuple[str, ...]:
        if self.protocol.keys is not None:
            return self.protocol.keys
        return tuple(sorted({name for case_id in self.case_ids for name in self.measured[case_id].regions[ORIGINAL]}))

    def _region(
        self, case_id: str, view: str, sequence: str, region: str, training_set: int
    ) -> np.ndarray | str | None:
        """Values, why there are none, or None where there is nothing to say."""
        key = self._key(case_id, view, sequence, region, training_set)
        if key == "":
            return f"The lesion has no voxel of habitat {region}."
        return None if key is None else self.measured[case_id].regions.get(view, {}).get(sequence, {}).get(key)

    def _key(self, case_id: str, view: str, sequence: str, region: str, training_set: int) -> str | None:
        """Under which a region is kept; empty where the lesion has no such habitat."""
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
        populations: of :func:`HabitatRadiomicsLib.extraction.superpixels.fit_populations`, one per training set.
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
    common = document_digest(
        {"versions": {**versions(), "engine": name}, "settings": settings, "resample": resample_mask}
    )
    cases = [case for case in cohort.cases if case.case_id in lesions.superpixels]
    work = {}
    for case in cases:
        sequences = protocol.keys or tuple(image.sequence for image in case.images)
        plan = _plan(lesions, case.case_id, sequences, protocol, populations, case.case_id in perturbed)
        measuring = RegionMeasuring(protocol, plan)
        work[case.case_id] = CaseWork(
            folder / "regions", common, protocol.keys, resample_mask, measuring.answer, measuring
        )
    measured, problems, reused = run_cases(cases, work, jobs, progress, take=MeasuredCase.of)
    problems = [*lesions.problems, *problems]
    refuse_empty(measured, problems)
    ids = tuple(case.case_id for case in cases if case.case_id in measured)
    return FoldFeatures(
        case_ids=ids,
        populations=tuple(populations),
        problems=tuple(problems),
        warnings={case_id: measured[case_id].warnings for case_id in ids},
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
            # A copy whose lesion could not be described is not measured; one that nobody had to describe is.
            if sequence in described or view == ORIGINAL or not any(populations):
                plan[view][sequence] = list(dict.fromkeys(keys))
    return plan


def _habitats(model: HabitatModel | None, wanted: Sequence[str]) -> list[str]:
    """The habitats of a population that a protocol asks for."""
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
