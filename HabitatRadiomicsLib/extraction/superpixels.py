"""The superpixels of a cohort, from which any subset of cases can be clustered without reading an image again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

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
from HabitatRadiomicsLib.extraction.maps import needs_habitats
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, Preparation, superpixel_settings, views_of
from HabitatRadiomicsLib.habitats import Superpixels, fit_habitats
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.provenance import document_digest, versions

_Value = TypeVar("_Value")
#: Superpixels by view and sequence (with two time points, the case's key).
Views = Mapping[str, Mapping[str, Superpixels]]
#: The habitats of a population by sequence; None if it has no acceptable ones.
Population = Mapping[str, HabitatModel | None]


@dataclass(frozen=True)
class Lesions:
    """The superpixels of a cohort.

    Attributes:
        superpixels: of each case that could be read and each view that is measured; without labels.
        measured: mean intensity (of the prepared image) and mean local entropy (bits) of each superpixel, by case and
            sequence, shape (superpixels, 2).
        problems: why the other cases could not be read.
        doubts: reasons against comparing a follow-up with its baseline, as sentences by case and sequence.
        input_ml: number of each superpixel's voxels on the input's grid, and the volume of one in ml, by case and
            sequence; only with two time points.
    """

    superpixels: Mapping[str, Views]
    measured: Mapping[str, Mapping[str, np.ndarray]]
    problems: tuple[CaseProblem, ...]
    doubts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    input_ml: Mapping[str, Mapping[str, tuple[np.ndarray, float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class SuperpixelWork:
    """Finds the superpixels of a case's views; a :class:`Completion`."""

    preparation: Preparation
    views: tuple[str, ...]

    def completed(self, images: CaseImages, kept: Answer | None) -> Answer:
        """The stored views and the missing ones; a view that cannot be made has no sequence."""
        described = {} if kept is None else dict(kept["superpixels"])
        missing = [view for view in self.views if view not in described]
        if kept is not None and not missing:
            return kept
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
    """Superpixels of all cases; a failing case never stops the others. Prepared lesions are stored for
    :func:`measure_folds`. If the protocol has no habitats, no image is read.

    Args:
        folder: where finished cases are stored, for this run and the next.
        perturbed: cases of which each repeated segmentation or perturbed copy is described, too.

    Raises:
        CohortError: no case could be read.
    """
    views = {case.case_id: views_of(case, protocol, perturbed=case.case_id in perturbed) for case in cohort.cases}
    if not needs_habitats(protocol):
        return Lesions({case_id: {view: {} for view in of_case} for case_id, of_case in views.items()}, {}, ())
    settings = superpixel_settings(protocol)
    key = document_digest({"versions": versions(), "settings": settings, "resample": resample_mask})
    preparation = Preparation.of(protocol, folder, resample_mask=resample_mask)
    work = {
        case_id: CaseWork(
            folder / "superpixels", key, protocol.keys, resample_mask, SuperpixelWork(preparation, of_case)
        )
        for case_id, of_case in views.items()
    }
    answers, problems, _ = run_cases(cohort.cases, work, jobs, progress)
    refuse_empty(answers, problems)
    described = {case_id: answer["superpixels"] for case_id, answer in answers.items()}

    def by_sequence(value_of: Callable[[Mapping[str, Any]], _Value]) -> dict[str, dict[str, _Value]]:
        """A value of each sequence of each case's original images."""
        return {
            case_id: {name: value_of(row) for name, row in of_case[ORIGINAL].items()}
            for case_id, of_case in described.items()
        }

    return Lesions(
        superpixels={
            case_id: {view: _in_memory(of_case[view], protocol.habitats.superpixels) for view in views[case_id]}
            for case_id, of_case in described.items()
        },
        measured=by_sequence(lambda row: np.array(row["measured"])),
        problems=tuple(problems),
        doubts=by_sequence(lambda row: row["doubts"]),
        input_ml={}
        if protocol.timepoints is None
        else by_sequence(lambda row: (np.array(row["input_voxels"]), row["voxel_ml"])),
    )


def fit_populations(
    lesions: Lesions, protocol: Protocol, groups: Sequence[Sequence[str]], *, jobs: int = 1, progress: Progress = silent
) -> list[Population]:
    """The habitats of each group of cases, by sequence; empty if the protocol needs none. Habitats in the protocol are
    used unchanged.

    With two time points, the superpixels at baseline are clustered and both time points are split by the resulting
    centroids: habitats have the same meaning at both, and their volumes can be compared.

    Args:
        groups: identifiers of cases; each group is clustered separately, the first is that of all cases.

    Raises:
        RegionError: the first group has no acceptable habitats. In another group they are then None.
    """
    if not needs_habitats(protocol):
        return [{} for _ in groups]
    sequences = protocol.sequences or tuple(
        dict.fromkeys(name for views in lesions.superpixels.values() for name in views[ORIGINAL])
    )
    populations = [{name: protocol.population.get(name) for name in sequences} for _ in groups]
    wanted = [(number, name) for number in range(len(groups)) for name in sequences if name not in protocol.population]
    items = [(_pooled(lesions, groups[number], protocol.baseline_key(name)), name, protocol) for number, name in wanted]
    for done, ((number, name), model) in enumerate(zip(wanted, in_order(_fitted, items, jobs)), start=1):
        populations[number][name] = model
        progress(done / len(items), f"habitats of training set {done} of {len(items)}")
    for (number, name), (superpixels, *_) in zip(wanted, items):
        if number == 0 and populations[0][name] is None:
            fit_habitats(name, superpixels, protocol.habitats, seed=protocol.seed)  # raises the reason
    return list(populations)


def _pooled(lesions: Lesions, group: Sequence[str], key: str) -> list[Superpixels]:
    views = (lesions.superpixels[case_id][ORIGINAL] for case_id in group if case_id in lesions.superpixels)
    return [view[key] for view in views if key in view]


def _fitted(patients: list[Superpixels], sequence: str, protocol: Protocol) -> HabitatModel | None:
    with suppress(RegionError):
        return fit_habitats(sequence, patients, protocol.habitats, seed=protocol.seed)
    return None


def _in_memory(rows: Mapping[str, Any], asked: int) -> dict[str, Superpixels]:
    nothing = np.zeros(0, dtype=int)
    return {
        name: Superpixels(nothing, np.array(row["means"]), np.array(row["sizes"]), asked) for name, row in rows.items()
    }
