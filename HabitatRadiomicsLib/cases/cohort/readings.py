"""Repeated segmentations of lesions, by another reader (inter-observer) or by the same one (intra-observer)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.cohort.cohort import Cohort, CohortCase, CohortImage
from HabitatRadiomicsLib.cases.cohort.tables import load_cohort
from HabitatRadiomicsLib.errors import CohortError

#: The fewest cases for which an intraclass correlation is worth computing.
_FEWEST_CASES = 3


def with_reading(
    cohort: Cohort, images: Path, kind: str, *, timepoint: str | None = None, timepoints: Sequence[str] | None = None
) -> Cohort:
    """The cohort with a repeated segmentation of some of its cases; a reading of the other kind is kept.

    Args:
        images: a table like ``images.csv`` with the masks of that reading, and the same images or new ones of the same
            patients.
        kind: ``INTER_OBSERVER`` or ``INTRA_OBSERVER``; an earlier reading of the same kind is replaced.
        timepoint, timepoints: as for :func:`load_cohort`.

    Raises:
        CohortError: a problem of the table, an unknown case, masks that are also those of the other kind, or fewer
            than three cases.
    """
    reading = {
        case.case_id: tuple(replace(row, table=images.name) for row in case.images)
        for case in load_cohort(images, timepoint=timepoint, timepoints=timepoints).cases
    }
    known = {case.case_id: case for case in cohort.cases}
    problems = [f"{case_id} is not a case of the cohort" for case_id in reading if case_id not in known]
    for case_id in (name for name in reading if name in known):
        problems += _problems(known[case_id], reading[case_id], kind)
    if not problems and len(reading) < _FEWEST_CASES:
        problems = [f"{len(reading)} cases are too few to assess reliability; at least {_FEWEST_CASES} are needed"]
    if problems:
        raise CohortError.listing(problems, where=str(images))
    cases = [
        replace(case, readings={**case.readings, kind: reading[case.case_id]}) if case.case_id in reading else case
        for case in cohort.cases
    ]
    return replace(cohort, cases=tuple(cases))


def _problems(case: CohortCase, rows: Sequence[CohortImage], kind: str) -> list[str]:
    missing = {row.sequence for row in case.images} - {row.sequence for row in rows}
    problems = [f"{case.case_id} has no second reading of {title_of(name)}" for name in sorted(missing)]
    others = {
        (row.mask.resolve(), row.label): other
        for other, others_rows in case.readings.items()
        if other != kind
        for row in others_rows
    }
    problems += [
        f"the {title_of(row.sequence)} mask of {case.case_id} is that of its {others[mask]} reading"
        for row in rows
        if (mask := (row.mask.resolve(), row.label)) in others
    ]
    return problems
