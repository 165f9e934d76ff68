"""The order of cases and images: that of their names, whatever the order of a table's rows.

Folds, bootstrap samples and permutations are drawn over indices, and would differ for the same patients in another
order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from HabitatRadiomicsLib.cases.cohort.cohort import CohortCase, CohortImage


def cases_in_order(cases: Iterable[CohortCase]) -> tuple[CohortCase, ...]:
    """Cases by their identifiers, numbers in these by size: ``P2`` before ``P10``."""
    return tuple(sorted(cases, key=lambda case: (_natural(case.case_id), case.case_id)))


def images_in_order(images: Iterable[CohortImage]) -> tuple[CohortImage, ...]:
    """The images of a case at one time point by their sequences."""
    return tuple(sorted(images, key=lambda image: image.sequence))


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
