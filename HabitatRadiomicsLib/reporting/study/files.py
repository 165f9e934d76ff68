"""A study as files: its document, and the figures, tables, checklists and report that are made from that alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, StudyError
from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.outputs import write_csv, write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.reporting.checklists.answers import answers_in, read_answers
from HabitatRadiomicsLib.reporting.checklists.assessment import assess
from HabitatRadiomicsLib.reporting.checklists.evidence import StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import load_checklists, load_questions
from HabitatRadiomicsLib.reporting.document.study import FORMAT_VERSION, ExternalStudy, MissingFigure, TrainingStudy
from HabitatRadiomicsLib.reporting.document.tables import write_features, write_held_out, write_tables
from HabitatRadiomicsLib.reporting.study.figures import write_figures
from HabitatRadiomicsLib.reporting.study.report import study_html
from HabitatRadiomicsLib.system.sealed import first_problem, read_sealed, sealed_text

if TYPE_CHECKING:
    from HabitatRadiomicsLib.training.train import Training
    from HabitatRadiomicsLib.validation.external import ExternalValidation

STUDY_FILE = "study.json"

_NUMBER = r"(?:-?[0-9][0-9.e+-]*|null)"
#: A list of numbers over several lines; within a text a line break is written ``\n``, so that no text is touched.
_NUMBERS = re.compile(rf"\[\n\s*({_NUMBER}(?:,\n\s*{_NUMBER})*)\n\s*\]")


def study_text(study: TrainingStudy | ExternalStudy) -> str:
    """The study as readable JSON, a list of numbers on one line, its SHA-256 last."""
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
        file, kind="study", oldest=FORMAT_VERSION, newest=FORMAT_VERSION, error=StudyError,
        edited="Use the original file, or give the command again that wrote it.",
    )  # fmt: skip
    validation = document.get("validation")
    external = isinstance(validation, dict) and bool(validation.get("external"))
    try:
        return (ExternalStudy if external else TrainingStudy).model_validate(document)
    except (ValidationError, HabitatRadiomicsError) as error:
        raise StudyError(f"The file is not a valid study: {first_problem(error)}.", where=str(file)) from error


def write_training(
    folder: Path, training: Training, *, answers: Path | None = None, progress: Progress = silent
) -> None:
    """Write the results of a training, except for the model itself: ``features.csv`` with its definitions,
    ``tables/held_out.csv``, ``study.json``, and the files of :func:`write_report`.

    Args:
        answers: the user's answers to the checklists' questions; None: those of an earlier run in this folder, if any.
    """
    # Imported here, so that a report is made again without loading what learns.
    from HabitatRadiomicsLib.reporting.document.training import training_study

    progress(0, "writing the results")
    study = training_study(training)
    write_features(folder, training)
    write_held_out(folder / "tables", training)
    write_text(folder / STUDY_FILE, study_text(write_report(folder, study, answers=answers, progress=progress)))


def write_external(
    folder: Path, validation: ExternalValidation, *, answers: Path | None = None, progress: Progress = silent
) -> None:
    """Write the results of an external validation: ``scores.csv``, ``study.json``, and the files of
    :func:`write_report`; ``answers`` as for :func:`write_training`."""
    from HabitatRadiomicsLib.reporting.document.external import external_study

    progress(0, "writing the results")
    write_csv(validation.result.table, folder / "scores.csv")
    write_problems(validation.result.problems, folder / "errors.csv")
    study = write_report(folder, external_study(validation), answers=answers, progress=progress)
    write_text(folder / STUDY_FILE, study_text(study))


def check_answers(folder: Path, answers: Path | None) -> None:
    """Refuse, before long work starts, answers that cannot be read: those given, else those of an earlier run in the
    folder, if any.

    Raises:
        HabitatRadiomicsError: naming every unknown question and bad value.
    """
    file = answers or folder / "answers.yaml"
    if answers or file.exists():
        read_answers(file, load_questions())


def write_report(
    folder: Path, study: TrainingStudy | ExternalStudy, *, answers: Path | None = None, progress: Progress = silent
) -> TrainingStudy | ExternalStudy:
    """Write ``figures/*.png`` and ``*.svg``, ``tables/*.csv`` and ``report.html``, which shows all of them; and
    ``answers.yaml`` to fill in, unless it exists.

    The same study and the same answers give the same bytes.

    Args:
        answers: the user's answers to the checklists' questions; None: those in the folder, if any.

    Returns:
        The study, with the figures that cannot be drawn.

    Raises:
        ProtocolError: the answers cannot be read, or are wrong.
        OutputError: the folder cannot be written.
    """
    given = answers_in(folder / "answers.yaml") if answers is None else read_answers(answers, load_questions())
    figures = write_figures(folder / "figures", study, part(progress, 0, 0.9))
    missing = tuple(MissingFigure(figure=name, problem=text) for name, text in figures.not_drawn.items())
    study = study.model_copy(update={"figures_not_drawn": missing})
    document = study.document()
    progress(0.9, "tables and report")
    write_tables(folder / "tables", document)
    record = StudyRecord.of(document, figures.pictures)
    checklists = [assess(checklist, record, given) for checklist in load_checklists()]
    write_text(folder / "report.html", study_html(document, figures.pictures, checklists))
    return study
