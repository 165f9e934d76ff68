"""Features without a value, as rows of ``errors.csv``."""

from __future__ import annotations

from collections.abc import Mapping

from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.features import parse


def undefined_problems(case_id: str, reasons: Mapping[str, str]) -> list[CaseProblem]:
    """One row for each reason in each region, with the number of features and the first of them.

    Args:
        reasons: sentences by column name.
    """
    grouped: dict[tuple[str, str], list[str]] = {}
    for column, reason in reasons.items():
        name = parse(column)
        grouped.setdefault((name.place, reason), []).append(name.within_region)
    problems = []
    for (where, reason), names in grouped.items():
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        problem = f"{reason} Features without a value: {len(names)} ({shown})."
        remedy = "The other features of the case are in the table."
        problems.append(CaseProblem(case_id, "features", problem, where, remedy))
    return problems
