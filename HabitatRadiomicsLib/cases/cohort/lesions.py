"""Several lesions of a patient: the column ``lesion`` of the tables, and the cases that it defines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

#: A table's row with its line number.
Row = tuple[int, Mapping[str, str]]

_LESION = re.compile(r"[A-Za-z0-9]{1,16}")


def lesion_case(row: Mapping[str, str]) -> str:
    """The case of a row: ``P01-2`` for lesion 2 of P01, ``P01`` if the row names no lesion."""
    lesion = row.get("lesion", "")
    return f"{row['case_id']}-{lesion}" if lesion else row["case_id"]


def rows_of_cases(rows: Sequence[Row]) -> list[Row]:
    """The rows with the case, instead of the patient, in the column ``case_id``."""
    return [(line, {**row, "case_id": lesion_case(row)}) for line, row in rows]


def patients_of_lesions(rows: Sequence[Row]) -> dict[str, str]:
    """The patient of each case that is one of a patient's lesions."""
    return {lesion_case(row): row["case_id"] for _, row in rows if row.get("lesion")}


def lesion_problems(rows: Sequence[Row]) -> list[str]:
    """The problems of an image table's lesions, each a sentence without its full stop."""
    problems = []
    lesions: dict[str, set[str]] = defaultdict(set)
    named: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    for line, row in rows:
        patient, lesion = row["case_id"], row.get("lesion", "")
        if lesion and not _LESION.fullmatch(lesion):
            problems.append(f"row {line}: lesion '{lesion}' must have 1 to 16 letters or digits")
        if lesions[patient] and bool(lesion) == ("" in lesions[patient]):
            problems.append(f"row {line}: some rows of {patient} name a lesion and others do not")
        lesions[patient].add(lesion)
        named[lesion_case(row)].setdefault((patient, lesion), line)
    for case_id, meanings in named.items():
        if len(meanings) > 1:
            described = [
                f"{f'lesion {lesion} of {patient}' if lesion else patient} (row {line})"
                for (patient, lesion), line in meanings.items()
            ]
            problems.append(f"{' and '.join(described)} would both be the case {case_id}")
    return problems


def clinical_rows(rows: Sequence[Row], patients: Mapping[str, str]) -> list[Row]:
    """The clinical table's rows, one for each case: a patient's row applies to each of the patient's lesions.

    Args:
        patients: the patient of each case that is a lesion, from the image table.
    """
    cases: dict[str, list[str]] = defaultdict(list)
    for case_id, patient in patients.items():
        cases[patient].append(case_id)
    expanded: list[Row] = []
    for line, row in rows:
        lesions = None if row.get("lesion") else cases.get(row["case_id"])
        expanded += [(line, {**row, "case_id": case_id}) for case_id in lesions or [lesion_case(row)]]
    return expanded


def patient_problems(rows: Sequence[Row], patients: Mapping[str, str]) -> list[str]:
    """Conflicts between the clinical table's column ``patient`` and the image table's lesions.

    Args:
        rows: of :func:`clinical_rows`.
    """
    return [
        f"row {line}: the patient of {row['case_id']} is '{row['patient']}' here; by the image table's column lesion "
        f"it is {patients[row['case_id']]}"
        for line, row in rows
        if row.get("patient") and row["patient"] != patients.get(row["case_id"], row["patient"])
    ]
