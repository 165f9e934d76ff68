"""A training or an external validation as files: document, tables, figures, checklists and report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.outputs import json_text, write_text
from HabitatRadiomicsLib.reporting.checklists import (
    StudyRecord,
    answers_in,
    assess_all,
    load_checklists,
    load_questions,
    read_answers,
)
from HabitatRadiomicsLib.reporting.document.external import external_document
from HabitatRadiomicsLib.reporting.document.study import study_document
from HabitatRadiomicsLib.reporting.document.tables import (
    write_documents,
    write_features,
    write_folds,
    write_held_out,
    write_reliability,
)
from HabitatRadiomicsLib.reporting.study.figures import StudyFigures, write_external_figures, write_training_figures
from HabitatRadiomicsLib.reporting.study.report import study_html
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.external import ExternalValidation


def write_training(folder: Path, training: Training, *, answers: Path | None = None) -> None:
    """Everything that is known of a training but the model itself.

    ``features.csv`` and what goes with it, ``study.json``, ``tables/*.csv``, ``figures/*.png`` and ``*.svg``,
    ``answers.yaml`` to fill in, and ``report.html``, which shows all of it.

    Args:
        answers: the user's, to the checklists' questions; None: those of an earlier run in this folder, if any.
    """
    study = study_document(training)
    write_features(folder, training)
    write_held_out(folder / "tables", training)
    write_folds(folder / "tables", training)
    write_reliability(folder / "tables", training)
    figures = write_training_figures(folder / "figures", training, study)
    _write_report(folder, study, figures, answers)


def check_answers(answers: Path | None) -> None:
    """Refuse, before long work starts, answers that cannot be read.

    Raises:
        HabitatRadiomicsError: naming every unknown question and bad value.
    """
    if answers is not None:
        read_answers(answers, load_questions())


def write_external(folder: Path, found: ExternalValidation, *, answers: Path | None = None) -> None:
    """Everything that is known of an external validation but the scores themselves."""
    study = external_document(found)
    write_problems(found.result.problems, folder / "errors.csv")
    figures = write_external_figures(folder / "figures", found, study)
    _write_report(folder, study, figures, answers)


def _write_report(folder: Path, document: Mapping[str, Any], figures: StudyFigures, answers: Path | None) -> None:
    missing = [{"figure": name, "problem": problem} for name, problem in figures.not_drawn.items()]
    study = {**document, "figures_not_drawn": missing}
    write_text(folder / "study.json", json_text(study))
    write_documents(folder / "tables", study)
    own = folder / "answers.yaml"
    given = answers_in(own) if answers is None else read_answers(answers, load_questions())
    checklists = assess_all(load_checklists(), StudyRecord.of(study, figures.pictures), given)
    write_text(folder / "report.html", study_html(study, figures.pictures, checklists))
