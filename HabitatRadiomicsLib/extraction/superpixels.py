"""The superpixels of a cohort: what any part of it can be clustered from, without reading an image again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import HabitatRadiomicsError, RegionError
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.extraction.maps import prepare_case, scale_for
from HabitatRadiomicsLib.habitats import Superpixels, describe_lesion, fit_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.imaging.perturbation import perturbation_names, perturbed_case
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.system.parallel import in_order
from HabitatRadiomicsLib.system.provenance import document_digest, versions

_log = logging.getLogger(__name__)

#: The view of a case that is its images as they are; the others are further readings by their kind, or perturbed ones.
ORIGINAL = "original"
#: Of measurements that were repeated: those on perturbed copies.
PERTURBED = "perturbed copies"
#: Settings that superpixels depend on. A change of any other one (a title, the range of K, the learning) takes over
#: what is done.
_SETTINGS = ("sequences", "preprocessing", "sequence_preprocessing", "seed")
_HABITAT_SETTINGS = ("entropy", "superpixels", "minimum_superpixel_voxels", "clip")
_LATER_ROBUSTNESS_SETTINGS = ("threshold", "icc", "cases", "copies")

#: Superpixels by view and sequence (of two time points: the case's key).
Views = Mapping[str, Mapping[str, Superpixels]]
#: The habitats of each sequence, or None where a population has none that are acceptable.
Population = Mapping[str, HabitatModel | None]


@dataclass(frozen=True)
class Lesions:
    """What came of the first reading of a cohort.

    Attributes:
        superpixels: of each case that could be read; without their labels.
        measured: mean intensity (of the prepared image) and mean local entropy (bits) of each superpixel, by case and
            sequence, shape (superpixels, 2).
        problems: why the others could not be.
    """

    superpixels: Mapping[str, Views]
    measured: Mapping[str, Mapping[str, np.ndarray]]
    problems: tuple[CaseProblem, ...]


def superpixel_settings(protocol: Protocol) -> dict[str, Any]:
    """What the superpixels of a case and of a perturbed copy of it depend on."""
    document: dict[str, Any] = protocol.document()
    robustness = document["robustness"]
    scales = {key: protocol.scale_key(key) for key in protocol.keys or () if protocol.scale_key(key) != key}
    return {
        # Cases that have scales of their own keep what was found before there were others.
        **({"scales": scales} if scales else {}),
        **{name: document[name] for name in _SETTINGS},
        "habitats": {name: document["habitats"][name] for name in _HABITAT_SETTINGS},
        "robustness": robustness
        and {name: value for name, value in robustness.items() if name not in _LATER_ROBUSTNESS_SETTINGS},
    }


def prepared_views(
    case: Case, protocol: Protocol, *, perturbed: bool
) -> Iterator[tuple[str, dict[str, PreparedSequence]]]:
    """The prepared case as it is; then, if asked for, as it was outlined again in each further reading, or, where
    there is none, each perturbed copy of it that could be made."""
    yield ORIGINAL, prepare_case(case, protocol)
    settings = protocol.robustness if perturbed else None
    if settings is None:
        return
    for kind, reading in case.readings.items():
        yield kind, prepare_case(Case(case.case_id, reading), protocol)
    if case.readings:
        return
    for number, name in enumerate(perturbation_names(settings), start=1):
        try:
            copy = prepare_case(perturbed_case(case, settings, number, seed=protocol.seed)[1], protocol)
        except HabitatRadiomicsError as error:  # the lesion reaches beyond the moved image, for instance
            _log.info("a perturbed copy could not be made: %s", error.problem)
            continue
        yield name, copy


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
    """Superpixels of all cases; a failing one never stops the others.

    Args:
        folder: where finished cases are kept, for this run and the next.
        perturbed: the cases that are also described in each further reading or under each perturbation.

    Raises:
        CohortError: no case could be read.
    """
    work = {}
    for case in cohort.cases:
        also = case.case_id in perturbed
        copies = protocol.robustness.copies if also and protocol.robustness is not None else 0
        settings = superpixel_settings(protocol)
        key = document_digest(
            {"versions": versions(), "settings": settings, "copies": copies, "resample": resample_mask}
        )
        answer = partial(_described, protocol=protocol, perturbed=also)
        work[case.case_id] = CaseWork(folder / "superpixels", key, protocol.keys, resample_mask, answer)
    found, problems, _ = run_cases(cohort.cases, work, jobs, progress, take=_in_memory)
    refuse_empty(found, problems)
    read = [case.case_id for case in cohort.cases if case.case_id in found]
    return Lesions(
        {case_id: found[case_id][0] for case_id in read},
        {case_id: found[case_id][1] for case_id in read},
        tuple(problems),
    )


def unread(cohort: Cohort, protocol: Protocol, perturbed: Collection[str]) -> Lesions:
    """Cases of a protocol without habitats, whose superpixels nobody needs."""
    seen: dict[str, Views] = {}
    for case in cohort.cases:
        views = [ORIGINAL]
        if case.case_id in perturbed and protocol.robustness is not None:
            views += case.readings or perturbation_names(protocol.robustness)
        seen[case.case_id] = {view: {} for view in views}
    return Lesions(seen, {}, ())


def fit_populations(
    lesions: Lesions, protocol: Protocol, groups: Sequence[Sequence[str]], *, jobs: int = 1, progress: Progress = silent
) -> list[Population]:
    """The habitats of each group of cases, by sequence; those that the protocol holds are taken as they are.

    With two time points the superpixels at baseline are clustered, and both are split by what is found: habitats mean
    the same thing before and after, and their volumes can be compared.

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


def _described(case: Case, protocol: Protocol, perturbed: bool) -> Answer:
    found: dict[str, Any] = {}
    for view, prepared in prepared_views(case, protocol, perturbed=perturbed):
        described = {}
        for name, sequence in prepared.items():
            try:
                scale = scale_for(name, prepared, protocol)
                entropy, superpixels, _ = describe_lesion(sequence, protocol.habitats, seed=protocol.seed, scale=scale)
            except HabitatRadiomicsError:
                if view == ORIGINAL:
                    raise
                continue  # a perturbed lesion may have become too small
            described[name] = {"means": superpixels.means.tolist(), "sizes": superpixels.sizes.tolist()}
            if view == ORIGINAL:
                intensity = sitk.GetArrayViewFromImage(sequence.image)[sitk.GetArrayViewFromImage(sequence.mask) == 1]
                means = [
                    np.bincount(superpixels.labels, weights=values) / superpixels.sizes
                    for values in (intensity, entropy)
                ]
                described[name]["measured"] = np.column_stack(means).tolist()
        found[view] = described
    return {"superpixels": found}


def _in_memory(answer: Answer) -> tuple[Views, dict[str, np.ndarray]]:
    nothing = np.zeros(0, dtype=int)
    views = {
        view: {
            name: Superpixels(nothing, np.array(row["means"]), np.array(row["sizes"]), 0)
            for name, row in sequences.items()
        }
        for view, sequences in answer["superpixels"].items()
    }
    return views, {name: np.array(row["measured"]) for name, row in answer["superpixels"][ORIGINAL].items()}
