"""Study files: written readable and diffable, read back only when whole and unedited."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, StudyError
from HabitatRadiomicsLib.reporting.document.study import FORMAT_VERSION, OLDEST_FORMAT, ExternalStudy, TrainingStudy
from HabitatRadiomicsLib.system.sealed import first_problem, read_sealed, sealed_text

STUDY_FILE = "study.json"

_NUMBER = r"(?:-?[0-9][0-9.e+-]*|null)"
#: A list of numbers over several lines; within a text a line break is written ``\n``, so that no text is touched.
_NUMBERS = re.compile(rf"\[\n\s*({_NUMBER}(?:,\n\s*{_NUMBER})*)\n\s*\]")


def study_text(study: TrainingStudy | ExternalStudy) -> str:
    """The study as JSON, a list of numbers on one line, its SHA-256 last."""
    return _NUMBERS.sub(lambda match: "[" + " ".join(match[1].split()) + "]", sealed_text(study.document()))


def load_study(path: Path) -> TrainingStudy | ExternalStudy:
    """The study in a folder of results, or in a file.

    Raises:
        StudyError: there is none, or the file is truncated, edited, of another format, or makes no sense.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    if not file.is_file():
        raise StudyError(
            "There is no study here.",
            where=str(file),
            remedy="Name a folder that 'train' or 'evaluate' filled, or the study.json in it.",
        )
    document = read_sealed(
        file,
        kind="study",
        oldest=OLDEST_FORMAT,
        newest=FORMAT_VERSION,
        edited="Use the original file, or give the command again that wrote it.",
        error=StudyError,
    )
    validation = document.get("validation")
    external = isinstance(validation, dict) and bool(validation.get("external"))
    try:
        return (ExternalStudy if external else TrainingStudy).model_validate(document)
    except (ValidationError, HabitatRadiomicsError) as error:
        raise StudyError(f"The file is not a valid study: {first_problem(error)}.", where=str(file)) from error
