"""Reads ``images.csv`` and ``clinical.csv`` and reports all their problems at once, with row numbers."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort.cohort import Cohort, CohortCase, CohortImage
from HabitatRadiomicsLib.cases.cohort.lesions import (
    clinical_rows,
    lesion_problems,
    patient_problems,
    patients_of_lesions,
    rows_of_cases,
)
from HabitatRadiomicsLib.errors import CohortError, ProtocolError
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import check_sequence_name, timepoint_of

_IMAGE_COLUMNS = ("case_id", "timepoint", "sequence", "image", "mask", "label", "lesion")
_NEEDED_IMAGE_COLUMNS = ("case_id", "sequence", "image", "mask")
#: The clinical table's default column of the endpoint.
OUTCOME = "outcome"
#: All other columns of the clinical table are covariates.
_CLINICAL_COLUMNS = ("case_id", "lesion", "outcome", "site", "patient")
#: Case identifiers become file names on every system.
_CASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10))}
_DEFAULT_TIMEPOINT = "baseline"

_Row = tuple[int, Mapping[str, str]]


def load_cohort(
    images: str | Path,
    clinical: str | Path | None = None,
    *,
    timepoint: str | None = None,
    timepoints: Sequence[str] | None = None,
    outcome: str = OUTCOME,
    other_outcomes: Sequence[str] = (),
) -> Cohort:
    """Load a cohort from its tables. Cases are sorted by identifier; the order of the tables' rows does not matter.

    Args:
        images: ``case_id, timepoint, sequence, image, mask[, label, lesion]``; paths relative to the file. With a
            ``lesion``, ``case_id`` is the patient and each lesion is a case: ``P01-2`` is lesion 2 of P01.
        clinical: ``case_id, outcome[, lesion, site, patient, covariates]``; outcome 0 or 1. A row that names no lesion
            applies to all lesions of the patient.
        timepoint: which one to take if there are several.
        timepoints: those that a protocol compares; a case then holds the images of all of them, with the keys
            ``<timepoint>_<sequence>``. A case may lack some.
        outcome: the clinical table's column of the outcome.
        other_outcomes: columns of other endpoints, which are not covariates.

    Raises:
        CohortError: every problem of a table: duplicates, missing files, unknown columns, empty outcomes, ...

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> cohort = hr.load_cohort("images.csv", "clinical.csv")
        >>> len(cohort.cases), sum(cohort.outcomes.values())
        (12, 6)
    """
    cohort = _with_images(Path(images), timepoint, timepoints)
    return cohort if clinical is None else _with_clinical(cohort, Path(clinical), outcome, other_outcomes)


def timepoints_of(
    protocol: Protocol, timepoint: str | None = None, keys: Sequence[str] | None = None
) -> tuple[str, ...] | None:
    """The time points whose images a case must hold together; None for a protocol of one time point.

    Args:
        timepoint: a single time point that the user chose.
        keys: the keys of the images that are needed, for instance by a model; None: all of the protocol.

    Raises:
        ProtocolError: ``timepoint`` is given although the protocol compares two.
    """
    if protocol.timepoints is None:
        return None
    if timepoint is not None:
        raise ProtocolError(
            f"The protocol compares {protocol.timepoints.baseline} and {protocol.timepoints.followup}, but one time "
            f"point is chosen: {timepoint}.",
            where="--timepoint",
            remedy="Leave it out, or take a protocol of one time point.",
        )
    needed = {timepoint_of(key) for key in keys or protocol.keys or ()}
    return tuple(name for name in protocol.timepoints.names if name in needed)


def _with_images(path: Path, timepoint: str | None, timepoints: Sequence[str] | None) -> Cohort:
    header, rows = read_table(path)
    problems = [f"column '{name}' is missing" for name in _NEEDED_IMAGE_COLUMNS if name not in header]
    problems += [f"column '{name}' is unknown" for name in header if name not in _IMAGE_COLUMNS]
    if problems:
        raise CohortError.listing(
            problems,
            where=str(path),
            remedy=f"The columns are {', '.join(_IMAGE_COLUMNS[:-2])} and optionally label and lesion.",
        )
    problems += lesion_problems(rows)
    patients = patients_of_lesions(rows)
    rows = rows_of_cases(rows)
    grouped: dict[tuple[str, str], list[CohortImage]] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for line, row in rows:
        case_id, sequence = row["case_id"], row["sequence"]
        moment = row.get("timepoint") or _DEFAULT_TIMEPOINT
        problems += [f"row {line}: {problem}" for problem in _case_id_problems(case_id)]
        try:
            check_sequence_name(sequence)
        except ValueError as error:
            problems.append(f"row {line}: {error}")
        key = (case_id, moment, sequence)
        if key in seen:
            problems.append(f"row {line}: {case_id} {moment} {sequence} is already in row {seen[key]}")
        seen.setdefault(key, line)
        files = {kind: path.parent / row[kind] for kind in ("image", "mask")}
        problems += [f"row {line}: the {kind} is not named" for kind in files if not row[kind]]
        problems += [
            f"row {line}: the {kind} file {row[kind]} does not exist"
            for kind, file in files.items()
            if row[kind] and not os.path.exists(file)
        ]
        label = row.get("label", "")
        if label and not _whole_number(label):
            problems.append(f"row {line}: label '{label}' is not a whole number")
        number = int(float(label.replace(",", "."))) if _whole_number(label) else None
        image = CohortImage(sequence, files["image"], files["mask"], number, line)
        grouped.setdefault((case_id, moment), []).append(image)
    # On Windows and macOS, their files would be the same.
    spellings: dict[str, set[str]] = {}
    for case_id, _ in grouped:
        spellings.setdefault(case_id.lower(), set()).add(case_id)
    problems += [f"{' and '.join(sorted(ids))} differ in case only" for ids in spellings.values() if len(ids) > 1]
    moments = sorted({moment for _, moment in grouped})
    if timepoint is None and timepoints is None and len(moments) > 1:
        problems.append(f"several time points ({', '.join(moments)}); choose one with --timepoint")
    problems += [
        f"no row has the time point '{wanted}' (there are: {', '.join(moments)})"
        for wanted in timepoints or (() if timepoint is None else (timepoint,))
        if wanted not in moments
    ]
    if not rows:
        problems.append("there are no rows under the header")
    if problems:
        raise CohortError.listing(problems, where=str(path))
    cases = []
    wanted = [timepoint or moments[0]] if timepoints is None else timepoints
    for case_id in dict.fromkeys(case_id for case_id, moment in grouped if moment in wanted):
        images = [
            image if timepoints is None else replace(image, sequence=f"{moment}_{image.sequence}")
            for moment in wanted
            for image in sorted(grouped.get((case_id, moment), ()), key=lambda image: image.sequence)
        ]
        cases.append(CohortCase(case_id, ", ".join(wanted), tuple(images)))
    return Cohort(cases_in_order(cases), patients=patients)


def cases_in_order(cases: Iterable[CohortCase]) -> tuple[CohortCase, ...]:
    """Cases sorted by identifier, numbers in identifiers by size: ``P2`` before ``P10``.

    Folds, bootstrap samples and permutations are drawn over indices; they would depend on the order of a table's rows.
    """

    def natural(case: CohortCase) -> list[tuple[int, str]]:
        parts = re.split(r"([0-9]+)", case.case_id)
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]

    return tuple(sorted(cases, key=lambda case: (natural(case), case.case_id)))


def check_case_id(case_id: str) -> None:
    """Refuse an identifier that cannot be a file name on every system.

    Raises:
        CohortError: it has other characters, is too long, or is reserved.
    """
    problems = _case_id_problems(case_id)
    if problems:
        raise CohortError(f"The identifier cannot be used: {problems[0]}.")


def _case_id_problems(case_id: str) -> list[str]:
    problems = []
    if case_id.partition(".")[0].lower() in _RESERVED:
        problems.append(f"case_id '{case_id}' cannot be a file name on Windows")
    if not _CASE_ID.fullmatch(case_id):
        problems.append(f"case_id '{case_id}' must have 1 to 64 letters, digits, dots, hyphens or underscores")
    return problems


def _with_clinical(cohort: Cohort, path: Path, outcome_column: str, others: Sequence[str]) -> Cohort:
    header, rows = read_table(path)
    problems = [f"column '{name}' is missing" for name in ("case_id", outcome_column) if name not in header]
    if problems:
        raise CohortError.listing(problems, where=str(path))
    no_covariates = {*_CLINICAL_COLUMNS, outcome_column, *others}
    rows = clinical_rows(rows, cohort.patients)
    problems += patient_problems(rows, cohort.patients)
    outcomes: dict[str, int] = {}
    sites: dict[str, str] = {}
    patients = dict(cohort.patients)
    covariates: dict[str, dict[str, str]] = {}
    seen: dict[str, int] = {}
    for line, row in rows:
        case_id, outcome = row["case_id"], row[outcome_column]
        if case_id in seen:
            problems.append(f"row {line}: {case_id} is already in row {seen[case_id]}")
        seen.setdefault(case_id, line)
        if outcome == "":
            problems.append(f"row {line}: the outcome of {case_id} is empty")
        elif outcome.replace(",", ".") not in ("0", "1", "0.0", "1.0"):
            problems.append(f"row {line}: the outcome of {case_id} is '{outcome}'; it must be 0 or 1")
        else:
            outcomes[case_id] = int(outcome[0])
        if row.get("site"):
            sites[case_id] = row["site"]
        if row.get("patient"):
            patients[case_id] = row["patient"]
        covariates[case_id] = {name: value for name, value in row.items() if name not in no_covariates}
    problems += [
        f"{case.case_id} of the image table has no row here" for case in cohort.cases if case.case_id not in seen
    ]
    if problems:
        raise CohortError.listing(problems, where=str(path))
    return replace(cohort, outcomes=outcomes, sites=sites, patients=patients, covariates=covariates)


def read_table(path: Path) -> tuple[list[str], list[_Row]]:
    """Header and rows with their line numbers; accepts Excel's byte order mark, and ``;`` or tabs as separators.

    Raises:
        CohortError: the file cannot be read as a table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CohortError("There is no such table.", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise CohortError(
            "The table is not UTF-8 text.", where=str(path), remedy="In Excel, save it as 'CSV UTF-8'."
        ) from error
    except OSError as error:
        raise CohortError(f"The table cannot be read ({error.strerror}).", where=str(path)) from error
    first_line = next((line for line in text.splitlines() if line.strip() and not line.startswith("sep=")), "")
    separator = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise CohortError(
            f"The table cannot be read: {error}.",
            where=f"{path}, row {reader.line_num}",
            remedy="A quotation mark may be missing.",
        ) from error
    lines = [(number, cells) for number, cells in lines if any(cells)]
    # Excel may write a first line that names the separator, and columns that are empty now.
    if lines and re.fullmatch(r"sep=.?", lines[0][1][0]):
        lines = lines[1:]
    used = max((index + 1 for _, cells in lines for index, cell in enumerate(cells) if cell), default=0)
    lines = [(number, cells[:used]) for number, cells in lines]
    if not lines:
        raise CohortError("The table is empty.", where=str(path))
    header = lines[0][1]
    doubled = sorted({name for name in header if header.count(name) > 1})
    problems = [f"column '{name}' occurs more than once" for name in doubled]
    problems += [
        f"row {number}: {len(cells)} cells, the header has {len(header)}"
        for number, cells in lines[1:]
        if len(cells) != len(header)
    ]
    if problems:
        raise CohortError.listing(problems, where=str(path))
    return header, [(number, dict(zip(header, cells))) for number, cells in lines[1:]]


def _whole_number(text: str) -> bool:
    return re.fullmatch(r"\d+([.,]0*)?", text) is not None
