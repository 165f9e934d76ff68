"""A second reader's outlines beside the first's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from HabitatRadiomicsLib.cohort.cohort import Cohort
from HabitatRadiomicsLib.cohort.tables import load_cohort
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.protocol.base import readable_key


def with_second_reader(
    cohort: Cohort, images: Path, *, timepoint: str | None = None, timepoints: Sequence[str] | None = None
) -> Cohort:
    """The cohort with a second reading of some of its cases.

    Args:
        images: a table like ``images.csv``, with the second reader's masks (and the same images, or new ones of the
            same patients).
        timepoint: which one to take when there are several; ``timepoints``: those that the cohort was loaded with.

    Raises:
        CohortError: a problem of the table, a case that the cohort does not have, or fewer than three cases.
    """
    read_again = load_cohort(images, timepoint=timepoint, timepoints=timepoints)
    second = {case.case_id: case.images for case in read_again.cases}
    known = {case.case_id: {row.sequence for row in case.images} for case in cohort.cases}
    problems = [f"{case_id} is not a case of the cohort" for case_id in second if case_id not in known]
    for case_id, rows in second.items():
        missing = known.get(case_id, set()) - {row.sequence for row in rows}
        problems += [f"{case_id} has no second reading of {readable_key(name)}" for name in sorted(missing)]
    if not problems and len(second) < 3:
        problems = [f"{len(second)} cases tell nothing of reliability; at least 3 are needed"]
    if problems:
        raise CohortError.listing(problems, where=str(images))
    cases = [replace(case, second_reading=second.get(case.case_id, ())) for case in cohort.cases]
    return replace(cohort, cases=tuple(cases))
