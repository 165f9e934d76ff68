"""Adds a patient to a cohort: images in a folder beside the table, rows in ``images.csv`` and ``clinical.csv``."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.cases import Case, write_case
from HabitatRadiomicsLib.cases.cohort.lesions import lesion_case
from HabitatRadiomicsLib.cases.cohort.tables import check_case_id, read_table
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.outputs import result_folder, write_csv, write_text
from HabitatRadiomicsLib.protocol.base import sequence_of, timepoint_of

_IMAGE_COLUMNS = ["case_id", "timepoint", "sequence", "image", "mask", "label"]
_CLINICAL_COLUMNS = ["case_id", "outcome"]
_MARK = "habitat-radiomics-case.txt"


def add_to_cohort(
    images: Path, case: Case, *, timepoint: str = "baseline", clinical: Path | None = None, outcome: str = ""
) -> Path:
    """Write a case's images beside the table and add its rows; a missing table is created.

    Args:
        images: ``images.csv``.
        case: a checked case that is not in the table yet. With two time points, its keys name that of each image.
        timepoint: for images whose key does not name one.
        clinical: ``clinical.csv``, if the outcome is known.
        outcome: 0 or 1.

    Returns:
        The folder with the images.

    Raises:
        CohortError, OutputError: the case is already in the table, or it cannot be written; nothing was changed.
    """
    case_id = case.case_id
    check_case_id(case_id)
    if outcome not in ("", "0", "1"):
        raise CohortError(f"The outcome is '{outcome}'; it must be 0, 1 or empty.", where=case_id)
    rows = _table(images, _IMAGE_COLUMNS)
    patients = _table(clinical, _CLINICAL_COLUMNS) if clinical is not None else []
    moments = list(dict.fromkeys(timepoint_of(name) or timepoint for name in case.sequences)) or [timepoint]
    for moment in moments:
        _refuse_known(images, rows, case_id, moment)
    folder = images.parent / "images" / "-".join([case_id, *moments])
    with result_folder(folder, mark=_MARK) as scratch:
        write_text(scratch / _MARK, "Images of one case of a cohort.\n")
        written = write_case(scratch, case)
    for name, paths in written.items():
        relative = [(folder / path.relative_to(scratch)).relative_to(images.parent).as_posix() for path in paths]
        values = [case_id, timepoint_of(name) or timepoint, sequence_of(name), *relative, "1"]
        rows.append(dict(zip(_IMAGE_COLUMNS, values)))
    _write(images, rows, _IMAGE_COLUMNS)
    if clinical is not None and all(row["case_id"] != case_id for row in patients):
        patients.append({"case_id": case_id, "outcome": outcome})
        _write(clinical, patients, _CLINICAL_COLUMNS)
    return folder


def _refuse_known(path: Path, rows: list[dict[str, str]], case_id: str, timepoint: str) -> None:
    for row in rows:
        names = row["case_id"].lower(), lesion_case(row).lower()
        if case_id.lower() in names and row.get("timepoint", timepoint) == timepoint:
            raise CohortError(
                f"{case_id} ({timepoint}) is already in the table.",
                where=str(path),
                remedy="Choose another identifier or time point, or remove its rows.",
            )


def _table(path: Path, columns: list[str]) -> list[dict[str, str]]:
    """The unchanged rows of a table with all its columns; none if there is no table."""
    if not path.exists():
        return []
    header, rows = read_table(path)
    missing = [name for name in columns if name not in header and name not in ("label", "timepoint")]
    if missing:
        raise CohortError(
            f"The table has no column {' and no column '.join(missing)}.",
            where=str(path),
            remedy="Choose another table, or a new name; that table is then created.",
        )
    return [dict(row) for _, row in rows]


def _write(path: Path, rows: list[dict[str, str]], columns: list[str]) -> None:
    import pandas as pd

    header = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    write_csv(pd.DataFrame(rows, columns=header), path)
