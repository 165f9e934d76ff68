"""Features of a cohort with the habitats of any number of training sets.

Each training set has different habitats, and therefore divides a lesion differently. A habitat of a lesion is a set of
its superpixels: if several training sets give the same set, it is measured once, and its result is stored under these
superpixels for later runs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.extraction.habitat_changes import Volumes
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, Preparation, Unmeasured, superpixel_settings
from HabitatRadiomicsLib.extraction.regions import NAMED, MeasuredCase, Plan, RegionWork, later_settings, no_habitat
from HabitatRadiomicsLib.extraction.superpixels import Lesions, Population
from HabitatRadiomicsLib.features import choose_engine, feature_names_of
from HabitatRadiomicsLib.habitats import Superpixels, assign_habitats, habitat_warnings
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of
from HabitatRadiomicsLib.system.provenance import document_digest, versions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FoldFeatures:
    """Features of all cases with the habitats of each training set.

    Attributes:
        case_ids: the cases that could be measured, in the cohort's order.
        populations: the habitats of each training set.
        problems: why the other cases could not be measured.
        warnings: about the images, as sentences by case.
        reused: number of cases of which an earlier run measured all regions.
        volumes: of each case's lesion in ml, the mean over its sequences; with two time points, at baseline.
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
        """The features with a training set's habitats, a row per case (index ``case_id``); NaN if a region is missing
        or a feature is not defined.

        Args:
            training_set: its index in the populations.
            view: ``original``, a kind of repeated segmentation, or a perturbed copy.
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
        """Sequence (with two time points, the case's key) and region of each group of the table's columns."""
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
        """A row for each region and reason, with the number of undefined features and the first five."""
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
        """Warnings about a case's images, and about its habitats with a training set's centroids."""
        texts: list[str] = []
        for sequence, image_warnings in self.measured[case_id].warnings.items():
            texts += image_warnings
            model = self.populations[training_set].get(sequence_of(sequence))
            if model is not None:
                superpixels = self.lesions.superpixels[case_id][ORIGINAL][sequence]
                texts += habitat_warnings(superpixels, model, title_of(sequence))
                texts += self.lesions.doubts[case_id][sequence]
        return tuple(texts)

    def habitat_volumes(self, case_id: str, training_set: int) -> Volumes:
        """Volume of each habitat in ml, on the input's grid, by sequence; only with two time points."""
        volumes: dict[str, dict[str, float]] = {}
        for sequence, (voxels, voxel_ml) in self.lesions.input_ml.get(case_id, {}).items():
            model = self.populations[training_set][sequence_of(sequence)]
            if model is not None:
                means = self.lesions.superpixels[case_id][ORIGINAL][sequence].means
                habitats = assign_habitats(means, model.centroids)
                volumes[sequence] = {
                    name: int(voxels[habitats == index].sum()) * voxel_ml for index, name in enumerate(model.names)
                }
        return volumes

    def habitat_means(self, training_set: int, sequence: str) -> dict[str, np.ndarray]:
        """Mean intensity and mean local entropy (bits) of each habitat in each case, shape (cases, 2), by habitat; NaN
        if the case lacks it. With two time points, at baseline."""
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
            for index, name in enumerate(model.names):
                inside = habitats == index
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
        """The values of a region, the reason why it has none, or None if it was not measured."""
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
    """Measure all regions that the habitats of the training sets define; a failing case never stops the others.

    Args:
        lesions: from :func:`find_superpixels`.
        populations: from :func:`fit_populations`, one per training set.
        folder: where measured regions are stored, for this run and the next.
        perturbed: cases of which each repeated segmentation or perturbed copy is measured, too.

    Raises:
        CohortError: no case could be measured.
    """
    engine = choose_engine(protocol.features)
    name = f"{engine.name} {engine.version}"
    document = protocol.document()
    measuring = {name: document[name] for name in ("ring_mm", "features")}
    settings = {**superpixel_settings(protocol), **measuring, **later_settings(protocol)}
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
    return FoldFeatures(
        case_ids=tuple(measured),
        populations=tuple(populations),
        problems=tuple(problems),
        warnings={case_id: tuple(chain(*case.warnings.values())) for case_id, case in measured.items()},
        engine=name,
        reused=reused,
        volumes={case_id: case.volume_ml for case_id, case in measured.items()},
        protocol=protocol,
        lesions=lesions,
        measured=measured,
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
            # A copy is measured unless superpixels are needed and its lesion could not be divided into them.
            if sequence in described or view == ORIGINAL or not any(populations):
                plan[view][sequence] = list(dict.fromkeys(keys))
    return plan


def _habitats(model: HabitatModel | None, wanted: Sequence[str]) -> list[str]:
    """The habitats of a population that a protocol requests."""
    return [name for name in (model.names if model else ()) if "habitats" in wanted or name in wanted]


def _habitat_keys(superpixels: Superpixels, model: HabitatModel) -> dict[str, str]:
    """The superpixels of each habitat that a lesion has: ``{"S1": "0 3 4", ...}``."""
    habitats = assign_habitats(superpixels.means, model.centroids)
    return {
        name: " ".join(map(str, np.flatnonzero(habitats == index)))
        for index, name in enumerate(model.names)
        if (habitats == index).any()
    }
