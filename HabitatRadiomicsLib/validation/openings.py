"""When a test set was first opened by a model: a second look is not a first one, and the log says so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.cohort.digests import cohort_digest
from HabitatRadiomicsLib.errors import OutputError
from HabitatRadiomicsLib.outputs import write_text


@dataclass(frozen=True)
class Opening:
    """One look at a test set.

    Attributes:
        time: UTC, ISO 8601.
        model_sha256, cohort_sha256: what met; the cohort's is of its images, masks and outcomes.
        cases: how many there were.
    """

    time: str
    model_sha256: str
    cohort_sha256: str
    cases: int


def log_of(model: Path) -> Path:
    """The log of a model file, beside it."""
    return model.with_suffix(".openings.jsonl")


def record_opening(log: Path, model_sha256: str, cohort: Cohort) -> list[Opening]:
    """Write that a model is about to see a cohort; gives every opening of the same pair, this one last.

    Raises:
        OutputError: the log cannot be written, or is no log.
    """
    entries = read_openings(log)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    entry = Opening(now, model_sha256, cohort_digest(cohort), len(cohort.cases))
    write_text(log, "".join(json.dumps(asdict(row)) + "\n" for row in [*entries, entry]))
    pair = (entry.model_sha256, entry.cohort_sha256)
    return [row for row in [*entries, entry] if (row.model_sha256, row.cohort_sha256) == pair]


def opening_sentence(openings: list[Opening]) -> str:
    """What a report says of it."""
    if len(openings) == 1:
        return f"This model saw this cohort for the first time on {openings[0].time}."
    return (
        f"This model had seen this cohort before: first on {openings[0].time}, {len(openings)} times in all. What was "
        "changed in between has been chosen with a view of the test set."
    )


def read_openings(log: Path) -> list[Opening]:
    """Every opening in a log; empty where there is none yet.

    Raises:
        OutputError: it cannot be read, or is no log.
    """
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
        return [Opening(**json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            "The log of this model's test sets cannot be read.",
            where=str(log),
            remedy="Restore it from a copy; without it nobody can tell a first look from a second.",
        ) from error
