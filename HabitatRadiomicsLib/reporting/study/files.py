"""A study as files: its document, and from that alone figures, tables, checklists and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.reporting.checklists.answers import answers_in, read_answers
from HabitatRadiomicsLib.reporting.checklists.assessment import assess_all
from HabitatRadiomicsLib.reporting.checklists.evidence import StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import load_checklists, load_questions
from HabitatRadiomicsLib.reporting.document.storage import STUDY_FILE, study_text
from HabitatRadiomicsLib.reporting.document.study import ExternalStudy, MissingFigure, TrainingStudy
from HabitatRadiomicsLib.reporting.document.tables import write_tables
from HabitatRadiomicsLib.reporting.study.figures import write_figures
from HabitatRadiomicsLib.reporting.study.report import study_html

if TYPE_CHECKING:
    from HabitatRadiomicsLib.training.train import Training
    from HabitatRadiomicsLib.validation.external import ExternalValidation


def write_training(folder: Path, training: Training, *, answers: Path | None = None) -> None:
    """Everything that is known of a training but the model itself.

    ``features.csv`` and what goes with it, ``tables/held_out.csv``, ``study.json``, and what `write_report` makes of
    that.

    Args:
        answers: the user's, to the checklists' questions; None: those of an earlier run in this folder, if any.
    """
    # Here, so that a report is made again without loading what learns.
    from HabitatRadiomicsLib.reporting.document.case_tables import write_features, write_held_out
    from HabitatRadiomicsLib.reporting.document.training import training_study

    study = training_study(training)
    write_features(folder, training)
    write_held_out(folder / "tables", training)
    write_text(folder / STUDY_FILE, study_text(write_report(folder, study, answers=answers)))


def write_external(folder: Path, validation: ExternalValidation, *, answers: Path | None = None) -> None:
    """Everything that is known of an external validation but the scores themselves."""
    from HabitatRadiomicsLib.reporting.document.external import external_study

    write_problems(validation.result.problems, folder / "errors.csv")
    write_text(folder / STUDY_FILE, study_text(write_report(folder, external_study(validation), answers=answers)))


def check_answers(answers: Path | None) -> None:
    """Refuse, before long work starts, answers that cannot be read.

    Raises:
        HabitatRadiomicsError: naming every unknown question and bad value.
    """
    if answers is not None:
        read_answers(answers, load_questions())


def write_report(
    folder: Path, study: TrainingStudy | ExternalStudy, *, answers: Path | None = None, progress: Progress = silent
) -> TrainingStudy | ExternalStudy:
    """What people read of a study: ``figures/*.png`` and ``*.svg``, ``tables/*.csv`` and ``report.html``, which shows
    all of it; and ``answers.yaml`` to fill in, unless it is there.

    The same study and the same answers give the same bytes.

    Args:
        answers: the user's, to the checklists' questions; None: those in the folder, if any.

    Returns:
        The study, which knows which figures cannot be drawn.

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
    checklists = assess_all(load_checklists(), StudyRecord.of(document, figures.pictures), given)
    write_text(folder / "report.html", study_html(document, figures.pictures, checklists))
    return study
