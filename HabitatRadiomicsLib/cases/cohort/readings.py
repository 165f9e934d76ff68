"""Repeated segmentations of lesions: by another reader (inter-observer), or by the same one (intra-observer)."""

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
    """The cohort with a further reading of some of its cases, beside those of another kind that they may have.

    Args:
        images: a table like ``images.csv``, with the masks of that reading (and the same images, or new ones of the
            same patients).
        kind: ``INTER_OBSERVER`` or ``INTRA_OBSERVER``; an earlier reading of the same kind is replaced.
        timepoint: which one to take when there are several; ``timepoints``: those that the cohort was loaded with.

    Raises:
        CohortError: a problem of the table, a case that the cohort does not have, the masks of the other kind's
            reading, or fewer than three cases.
    """
    read_again = load_cohort(images, timepoint=timepoint, timepoints=timepoints)
    found = {case.case_id: tuple(replace(row, table=images.name) for row in case.images) for case in read_again.cases}
    known = {case.case_id: case for case in cohort.cases}
    problems = [f"{case_id} is not a case of the cohort" for case_id in found if case_id not in known]
    for case_id, rows in found.items():
        if case_id in known:
            problems += _problems(known[case_id], rows, kind)
    if not problems and len(found) < _FEWEST_CASES:
        problems = [f"{len(found)} cases are too few to assess reliability; at least {_FEWEST_CASES} are needed"]
    if problems:
        raise CohortError.listing(problems, where=str(images))
    cases = [
        replace(case, readings={**case.readings, kind: found[case.case_id]}) if case.case_id in found else case
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
        f"the {title_of(row.sequence)} mask of {case.case_id} is that of its {others[place]} reading"
        for row in rows
        if (place := (row.mask.resolve(), row.label)) in others
    ]
    return problems
