"""A cohort's features under the habitats of any number of training sets, each image read and filtered once.

Other training sets have other habitats, and so each lesion other regions. A habitat of a lesion is a set of its
superpixels: however many training sets lead to the same set, it is measured once, and kept under its superpixels for
every later run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.batch import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import Cohort
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.features import choose_engine, feature_names, measure_regions
from HabitatRadiomicsLib.features.measure import check_size
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.habitats import Superpixels, assign_habitats, describe_lesion
from HabitatRadiomicsLib.imaging import PreparedSequence, peritumoral_ring
from HabitatRadiomicsLib.lesions import ORIGINAL, SUPERPIXEL_SETTINGS, Lesions, Population, prepared_views
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.provenance import document_digest, versions

_FEATURE_SETTINGS = (*SUPERPIXEL_SETTINGS, "ring_mm", "features")
_NAMED = ("whole", "ring")

#: Regions of a case by view and sequence: "whole", "ring", or the superpixels that a habitat consists of.
_Plan = dict[str, dict[str, list[str]]]
#: Measured regions of a case by view, sequence and region; a sentence where a region cannot be measured.
_Measured = dict[str, dict[str, dict[str, np.ndarray | str]]]


@dataclass(frozen=True)
class FoldFeatures:
    """Features of all cases under each training set's habitats.

    Attributes:
        case_ids: the cases that could be measured, in the cohort's order.
        populations: the habitats of each training set.
        problems: the cases that could not be measured.
        warnings: sentences by case.
        reused: cases of which all was there before.
        volumes: of each case's lesion in ml, the mean over its sequences.
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
    measured: Mapping[str, _Measured]

    def table(self, training_set: int, *, view: str = ORIGINAL, case_ids: Sequence[str] | None = None) -> FeatureTable:
        """The features under a training set's habitats; NaN where a region is missing or a feature not defined.

        Args:
            training_set: its place among the populations.
            view: ``original``, or a perturbation, for those of the ``case_ids`` that have it.
            case_ids: rows; None: all cases.
        """
        names = feature_names(self.protocol.features)
        regions = list(self.regions(training_set))
        ids = self.case_ids if case_ids is None else tuple(case_ids)
        values = np.full((len(ids), len(regions), len(names)), np.nan)
        for row, case_id in enumerate(ids):
            for place, (sequence, region) in enumerate(regions):
                found = self._region(case_id, view, sequence, region, training_set)
                if isinstance(found, np.ndarray):
                    values[row, place] = found
        columns = tuple(f"{sequence}_{region}_{name}" for sequence, region in regions for name in names)
        return FeatureTable(ids, columns, values.reshape(len(ids), len(columns)))

    def regions(self, training_set: int) -> list[tuple[str, str]]:
        """Sequence and region of the table's column groups."""
        found = []
        for sequence in self._sequences():
            model = self.populations[training_set].get(sequence)
            for wanted in self.protocol.regions:
                names = [wanted] if wanted in _NAMED else _habitats(model, [wanted])
                found += [(sequence, name) for name in names if (sequence, name) not in found]
        return found

    def region_problems(self, training_set: int) -> list[CaseProblem]:
        """A row for each region of a case that could not be measured under a training set's habitats."""
        rows = []
        for case_id in self.case_ids:
            for sequence, region in self.regions(training_set):
                found = self._region(case_id, ORIGINAL, sequence, region, training_set)
                if isinstance(found, str):
                    rows.append(CaseProblem(case_id, "features", found, f"{sequence} {region}"))
        return rows

    def habitat_means(self, training_set: int, sequence: str) -> dict[str, np.ndarray]:
        """Mean intensity and mean local entropy (bits) of each habitat in each case, shape (cases, 2), by habitat; NaN
        where the case has none of it."""
        model = self.populations[training_set][sequence]
        if model is None:
            return {}
        found = {name: np.full((len(self.case_ids), 2), np.nan) for name in model.names}
        for row, case_id in enumerate(self.case_ids):
            superpixels = self.lesions.superpixels[case_id][ORIGINAL].get(sequence)
            if superpixels is None:
                continue
            habitats = assign_habitats(superpixels.means, model.centroids)
            for place, name in enumerate(model.names):
                own = habitats == place
                if own.any():
                    weights = superpixels.sizes[own]
                    found[name][row] = np.average(
                        self.lesions.measured[case_id][sequence][own], axis=0, weights=weights
                    )
        return found

    def _sequences(self) -> tuple[str, ...]:
        if self.protocol.sequences is not None:
            return self.protocol.sequences
        return tuple(sorted({name for case_id in self.case_ids for name in self.measured[case_id][ORIGINAL]}))

    def _region(
        self, case_id: str, view: str, sequence: str, region: str, training_set: int
    ) -> np.ndarray | str | None:
        measured = self.measured[case_id].get(view, {}).get(sequence, {})
        if region in _NAMED:
            return measured.get(region)
        model = self.populations[training_set][sequence]
        superpixels = self.lesions.superpixels[case_id].get(view, {}).get(sequence)
        if model is None or superpixels is None:
            return None
        key = _habitat_keys(superpixels, model).get(region)
        return f"The lesion has no voxel of habitat {region}." if key is None else measured.get(key)


def measure_folds(
    cohort: Cohort,
    protocol: Protocol,
    lesions: Lesions,
    populations: Sequence[Population],
    folder: Path,
    *,
    perturbed: Sequence[str] = (),
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> FoldFeatures:
    """Measure every region that any training set's habitats lead to; a failing case never stops the others.

    Args:
        populations: of :func:`HabitatRadiomicsLib.lesions.fit_populations`, one per training set.
        folder: where measured regions are kept, for this run and the next.
        perturbed: cases that are also measured under each perturbation.

    Raises:
        CohortError: no case could be measured.
    """
    engine = choose_engine(protocol.features)
    name = f"{engine.name} {engine.version}"
    settings = {key: value for key, value in protocol.document().items() if key in _FEATURE_SETTINGS}
    common = document_digest(
        {"versions": {**versions(), "engine": name}, "settings": settings, "resample": resample_mask}
    )
    cases = [case for case in cohort.cases if case.case_id in lesions.superpixels]
    work = {}
    for case in cases:
        sequences = protocol.sequences or tuple(image.sequence for image in case.images)
        plan = _plan(lesions, case.case_id, sequences, protocol, populations, case.case_id in perturbed)
        measuring = _Measuring(protocol, plan)
        work[case.case_id] = CaseWork(
            folder / "regions", common, protocol.sequences, resample_mask, measuring.answer, measuring
        )
    measured, problems, reused = run_cases(cases, work, jobs, progress, take=_InMemory.of)
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
        measured={case_id: measured[case_id].regions for case_id in ids},
    )


@dataclass(frozen=True)
class _Measuring:
    """The regions of one case that are needed; travels to other processes."""

    protocol: Protocol
    plan: _Plan

    def answer(self, case: Case) -> Answer:
        return self.completed(case, {"regions": {}, "warnings": [], "volumes_ml": {}})

    def lacks(self, kept: Answer) -> bool:
        return any(
            key not in kept["regions"].get(view, {}).get(sequence, {})
            for view, sequences in self.plan.items()
            for sequence, keys in sequences.items()
            for key in keys
        )

    def completed(self, case: Case, kept: Answer) -> Answer:
        regions, volumes = kept["regions"], kept["volumes_ml"]
        warnings = list(kept["warnings"])
        for view, prepared in prepared_views(case, self.protocol, perturbed=len(self.plan) > 1):
            if view == ORIGINAL:
                warnings = [f"{name}: {text}" for name, sequence in prepared.items() for text in sequence.warnings]
                volumes = {name: _volume_ml(sequence.source.mask) for name, sequence in prepared.items()}
            for name, keys in self.plan.get(view, {}).items():
                place = regions.setdefault(view, {}).setdefault(name, {})
                place.update(_measure(prepared[name], [key for key in keys if key not in place], self.protocol))
        return {"regions": regions, "warnings": warnings, "volumes_ml": volumes}


def _measure(prepared: PreparedSequence, keys: Sequence[str], protocol: Protocol) -> dict[str, Any]:
    """Feature values of regions in the catalogue's order, null for an undefined one; or why there are none."""
    if not keys:
        return {}
    found: dict[str, Any] = {}
    masks: dict[str, sitk.Image] = {}
    labels = None
    if any(key not in _NAMED for key in keys):
        labels = describe_lesion(prepared, protocol.habitats, seed=protocol.seed)[1].labels
    for key in keys:
        try:
            mask = _mask(prepared, key, labels, protocol)
            check_size(mask, protocol.features.minimum_region_voxels, prepared.name)
            masks[key] = mask
        except RegionError as error:
            found[key] = error.problem
    if not masks:
        return found
    # Column names may not hold just any region name.
    numbered = {f"R{number}": mask for number, mask in enumerate(masks.values())}
    values = measure_regions(prepared, numbered, protocol, choose_engine(protocol.features))
    names = feature_names(protocol.features)
    for number, key in enumerate(masks):
        row = [values[f"{prepared.name}_R{number}_{name}"] for name in names]
        found[key] = [value if np.isfinite(value) else None for value in row]
    return found


def _mask(prepared: PreparedSequence, key: str, labels: np.ndarray | None, protocol: Protocol) -> sitk.Image:
    if key == "whole":
        return prepared.mask
    if key == "ring":
        return peritumoral_ring(prepared.mask, protocol.ring_mm)
    assert labels is not None
    return _mask_of(prepared, np.isin(labels, [int(number) for number in key.split()]))


def _mask_of(prepared: PreparedSequence, inside: np.ndarray) -> sitk.Image:
    """A mask of some of the lesion's voxels, given in C order."""
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    voxels = np.zeros(roi.shape, dtype=np.uint8)
    voxels[roi] = inside
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(prepared.mask)
    return mask


def _plan(
    lesions: Lesions,
    case_id: str,
    sequences: Sequence[str],
    protocol: Protocol,
    populations: Sequence[Population],
    perturbed: bool,
) -> _Plan:
    plan: _Plan = {}
    for view, described in lesions.superpixels[case_id].items():
        if view != ORIGINAL and not perturbed:
            continue
        plan[view] = {}
        for sequence in sequences:
            keys = [name for name in _NAMED if name in protocol.regions]
            for population in populations:
                model = population.get(sequence)
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


def _volume_ml(mask: sitk.Image) -> float:
    return float(np.count_nonzero(sitk.GetArrayViewFromImage(mask))) * float(np.prod(mask.GetSpacing())) / 1000


@dataclass(frozen=True)
class _InMemory:
    """What is held of a case: numbers as arrays, for a list of a cohort's numbers would take four times the room."""

    regions: _Measured
    warnings: tuple[str, ...]
    volume_ml: float

    @classmethod
    def of(cls, answer: Answer) -> _InMemory:
        regions = {
            view: {
                sequence: {
                    key: row if isinstance(row, str) else np.array(row, dtype=float) for key, row in rows.items()
                }
                for sequence, rows in sequences.items()
            }
            for view, sequences in answer["regions"].items()
        }
        return cls(regions, tuple(answer["warnings"]), float(np.mean(list(answer["volumes_ml"].values()))))
