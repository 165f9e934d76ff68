"""The two long ways, from tables to everything that is written of them: a training, and an external evaluation."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.model import Model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_csv, write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.reporting.study import files
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import Training, train_model
from HabitatRadiomicsLib.validation.external import ExternalValidation, evaluate_model


def train_study(
    cohort: Cohort,
    protocol: Protocol,
    purpose: Purpose,
    folder: Path,
    *,
    work: Path | None = None,
    frozen_habitats: bool = False,
    complete_cases: bool = False,
    answers: Path | None = None,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Training:
    """:func:`train_model`, and everything that is known of the training in a folder, ``model.json`` included.

    Args:
        work: where finished cases are kept; None: in the folder.
        answers: to the checklists' questions; None: those of an earlier run in the folder, if any.
    """
    training = train_model(
        cohort,
        protocol,
        purpose,
        work or folder / WORK_FOLDER,
        frozen_habitats=frozen_habitats,
        complete_cases=complete_cases,
        jobs=jobs,
        resample_mask=resample_mask,
        progress=part(progress, 0, 0.95),
    )
    write_text(folder / "model.json", model_text(training.model))
    progress(0.95, "writing the report")
    files.write_training(folder, training, answers=answers)
    return training


def evaluate_study(
    model: Model | str | Path,
    cohort: Cohort,
    folder: Path,
    *,
    answers: Path | None = None,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> ExternalValidation:
    """:func:`evaluate_model`, and everything that is known of the evaluation in a folder, ``scores.csv`` included.

    Args:
        answers: to the checklists' questions; None: those of an earlier run in the folder, if any.
    """
    evaluation = evaluate_model(
        model, cohort, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.9)
    )
    write_csv(evaluation.result.table, folder / "scores.csv")
    progress(0.9, "writing the report")
    files.write_external(folder, evaluation, answers=answers)
    return evaluation


def check_study_answers(folder: Path, answers: Path | None) -> None:
    """Refuse, before long work starts, answers that cannot be read: those given, else those of an earlier run.

    Raises:
        HabitatRadiomicsError: naming every unknown question and bad value.
    """
    earlier = folder / "answers.yaml"
    files.check_answers(answers or (earlier if earlier.exists() else None))
