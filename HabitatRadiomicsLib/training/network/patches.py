"""The patches of a cohort's lesions, to train a network on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, refuse_empty
from HabitatRadiomicsLib.features.deep.patch import lesion_patch
from HabitatRadiomicsLib.imaging import prepare
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.system.provenance import image_digest


@dataclass(frozen=True)
class CohortPatches:
    """A patch per case.

    Attributes:
        patches: prepared intensities, Float32, shape (cases, size, size).
        outcome: 0 or 1.
        patients: whose case it is: cases of one patient never lie on both sides of a split.
        image_digests: of the images as they were read.
        problems: the cases that could not be read or prepared.
    """

    patches: np.ndarray
    outcome: np.ndarray
    patients: tuple[str, ...]
    image_digests: tuple[str, ...]
    problems: tuple[CaseProblem, ...] = ()


def cohort_patches(
    cohort: Cohort,
    protocol: Protocol,
    sequence: str,
    size: int,
    *,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> CohortPatches:
    """One sequence's patches, prepared as the protocol does when it measures; a failing case never stops the others.

    Raises:
        CohortError: no case could be read.
    """
    patches, outcome, patients, digests = [], [], [], []
    problems: list[CaseProblem] = []
    for number, case in enumerate(cohort.cases):
        progress(number / len(cohort.cases), f"case {number + 1} of {len(cohort.cases)}")
        try:
            image = case.read((sequence,), resample_mask=resample_mask).sequences[sequence]
            prepared = prepare(image, protocol.preprocessing_of(sequence))
        except HabitatRadiomicsError as error:
            problems.append(CaseProblem(case.case_id, "patch", error.problem, error.where, error.remedy))
            continue
        patches.append(lesion_patch(prepared.image, prepared.mask, size)[0])
        outcome.append(cohort.outcomes[case.case_id])
        patients.append(cohort.patient_of(case.case_id))
        digests.append(image_digest(image.image))
    refuse_empty(patches, problems)
    return CohortPatches(np.stack(patches), np.array(outcome), tuple(patients), tuple(digests), tuple(problems))
