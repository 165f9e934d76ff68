"""The superpixels of a cohort: any subset of cases can be clustered from them without reading an image again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.extraction.kept_cases import (
    Answer,
    CaseImages,
    CaseProblem,
    CaseWork,
    refuse_empty,
    run_cases,
)
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, Preparation, superpixel_settings, views_of
from HabitatRadiomicsLib.habitats import Superpixels, fit_habitats
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.provenance import document_digest, versions

#: Superpixels by view and sequence (of two time points: the case's key).
Views = Mapping[str, Mapping[str, Superpixels]]
#: The habitats of each sequence, or None if a population has no acceptable ones.
Population = Mapping[str, HabitatModel | None]


@dataclass(frozen=True)
class Lesions:
    """The results of the first visit to each case of a cohort.

    Attributes:
        superpixels: those of each case that could be read, for each view that is measured; without their labels.
        measured: mean intensity (of the prepared image) and mean local entropy (bits) of each superpixel, by case and
            sequence, shape (superpixels, 2).
        problems: why the other cases could not be read.
        doubts: reasons against comparing a follow-up with its baseline, as sentences by case and sequence.
        input_ml: volume of each superpixel's voxels on the input's grid, as their number and the ml of one, by case and
            sequence; of two time points.
    """

    superpixels: Mapping[str, Views]
    measured: Mapping[str, Mapping[str, np.ndarray]]
    problems: tuple[CaseProblem, ...]
    doubts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    input_ml: Mapping[str, Mapping[str, tuple[np.ndarray, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class SuperpixelWork:
    """The superpixels of a case's views, on top of those that were kept; travels to other processes."""

    preparation: Preparation
    views: tuple[str, ...]

    def lacks(self, kept: Answer) -> bool:
        """Whether a view has not been described."""
        return any(view not in kept["superpixels"] for view in self.views)

    def completed(self, images: CaseImages, kept: Answer | None) -> Answer:
        """The stored views, with the missing ones added; a view that cannot be made has no sequence."""
        described = dict((kept or {}).get("superpixels", {}))
        missing = [view for view in self.views if view not in described]
        described |= {view: {} for view in missing}
        described |= {view: rows for view, _, rows in self.preparation.fresh(images, missing)}
        return {"superpixels": described}


def find_superpixels(
    cohort: Cohort,
    protocol: Protocol,
    folder: Path,
    *,
    perturbed: Collection[str] = (),
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Lesions:
    """Superpixels of all cases; a failing one never stops the others. Prepared lesions are kept for the second visit.

    Args:
        folder: where finished cases are kept, for this run and the next.
        perturbed: the cases that are also described in each further reading or under each perturbation.

    Raises:
        CohortError: no case could be read.
    """
    settings = superpixel_settings(protocol)
    key = document_digest({"versions": versions(), "settings": settings, "resample": resample_mask})
    preparation = Preparation.of(protocol, folder, resample_mask=resample_mask)
    views = {case.case_id: views_of(case, protocol, perturbed=case.case_id in perturbed) for case in cohort.cases}
    work = {
        case_id: CaseWork(
            folder / "superpixels", key, protocol.keys, resample_mask, SuperpixelWork(preparation, of_case)
        )
        for case_id, of_case in views.items()
    }
    answers, problems, _ = run_cases(cohort.cases, work, jobs, progress)
    refuse_empty(answers, problems)
    rows = {case.case_id: answers[case.case_id]["superpixels"] for case in cohort.cases if case.case_id in answers}
    asked = protocol.habitats.superpixels
    originals = {case_id: of_case[ORIGINAL] for case_id, of_case in rows.items()}
    return Lesions(
        superpixels={
            case_id: {view: _in_memory(of_case[view], asked) for view in views[case_id]}
            for case_id, of_case in rows.items()
        },
        measured={
            case_id: {name: np.array(row["measured"]) for name, row in of_case.items()}
            for case_id, of_case in originals.items()
        },
        problems=tuple(problems),
        doubts={
            case_id: {name: row["doubts"] for name, row in of_case.items()} for case_id, of_case in originals.items()
        },
        input_ml={
            case_id: {
                name: (np.array(row["input_voxels"]), row["voxel_ml"])
                for name, row in of_case.items()
                if "input_voxels" in row
            }
            for case_id, of_case in originals.items()
        },
    )


def unread(cohort: Cohort, protocol: Protocol, perturbed: Collection[str]) -> Lesions:
    """Cases of a protocol without habitats, for which no superpixels are needed."""
    seen: dict[str, Views] = {
        case.case_id: {view: {} for view in views_of(case, protocol, perturbed=case.case_id in perturbed)}
        for case in cohort.cases
    }
    return Lesions(seen, {}, ())


def fit_populations(
    lesions: Lesions, protocol: Protocol, groups: Sequence[Sequence[str]], *, jobs: int = 1, progress: Progress = silent
) -> list[Population]:
    """The habitats of each group of cases, by sequence; habitats contained in the protocol are used unchanged.

    With two time points the superpixels at baseline are clustered, and both time points are split by the resulting
    centroids: habitats have the same meaning at both, and their volumes can be compared.

    Args:
        groups: identifiers of cases; each group is clustered by itself, the first being all cases.

    Raises:
        RegionError: the first group has no acceptable habitats. Another one that has none is left without.
    """
    sequences = protocol.sequences or tuple(
        dict.fromkeys(name for views in lesions.superpixels.values() for name in views[ORIGINAL])
    )
    wanted = [(group, name) for group in groups for name in sequences if name not in protocol.population]
    items = [(_pooled(lesions, group, protocol.baseline_key(name)), name, protocol) for group, name in wanted]
    fitted: list[HabitatModel | None] = []
    for model in in_order(_fitted, items, jobs):
        fitted.append(model)
        part(progress, 0, 1)(len(fitted) / len(items), f"habitats of training set {len(fitted)} of {len(items)}")
    for (group, name), model in zip(wanted, fitted):
        if model is None and group is groups[0]:
            fit_habitats(
                name, _pooled(lesions, group, protocol.baseline_key(name)), protocol.habitats, seed=protocol.seed
            )  # raises, and says why
    populations: list[Population] = []
    found = iter(fitted)
    for _ in groups:
        populations.append(
            {name: protocol.population[name] if name in protocol.population else next(found) for name in sequences}
        )
    return populations


def _pooled(lesions: Lesions, group: Sequence[str], key: str) -> list[Superpixels]:
    views = (lesions.superpixels[case_id][ORIGINAL] for case_id in group if case_id in lesions.superpixels)
    return [view[key] for view in views if key in view]


def _fitted(patients: list[Superpixels], sequence: str, protocol: Protocol) -> HabitatModel | None:
    try:
        return fit_habitats(sequence, patients, protocol.habitats, seed=protocol.seed)
    except RegionError:
        return None


def _in_memory(rows: Mapping[str, Any], asked: int) -> dict[str, Superpixels]:
    nothing = np.zeros(0, dtype=int)
    return {
        name: Superpixels(nothing, np.array(row["means"]), np.array(row["sizes"]), asked) for name, row in rows.items()
    }
