"""The two long ways, from tables to everything that is written of them: a training, and an external evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, timepoints_of
from HabitatRadiomicsLib.cases.cohort.tables import OUTCOME
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_csv, write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.reporting.study import files
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import Training, train_model
from HabitatRadiomicsLib.validation.external import ExternalValidation, evaluate_model

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainedStudy:
    """A training, and the folder with all that was written of it: ``model.json``, ``report.html``, tables, figures."""

    training: Training
    folder: Path

    @property
    def model(self) -> Model:
        """The frozen model."""
        return self.training.model

    @property
    def performance(self) -> pd.DataFrame:
        """Held-out performance with 95% intervals: the first row is the model's, the others are compared with it."""
        return _performance(self.folder)


@dataclass(frozen=True)
class Evaluation:
    """An external validation, and the folder with all that was written of it: ``report.html``, tables, figures."""

    validation: ExternalValidation
    folder: Path

    @property
    def scores(self) -> pd.DataFrame:
        """A row per case: its outcome and the columns of ``scores.csv``."""
        scores = self.validation.result.table
        scores.insert(1, "outcome", self.validation.outcome)
        return scores

    @property
    def performance(self) -> pd.DataFrame:
        """Performance with 95% intervals: the first row is the model's, the others are what it is compared with."""
        return _performance(self.folder)


def train(
    images: str | Path,
    clinical: str | Path,
    protocol: Protocol | str | Path,
    folder: str | Path,
    *,
    purpose: Purpose | None = None,
    outcome: str = OUTCOME,
    timepoint: str | None = None,
    frozen_habitats: bool = False,
    complete_cases: bool = False,
    answers: str | Path | None = None,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> TrainedStudy:
    """A frozen model from a cohort, validated by nested cross-validation, with its report.

    Args:
        images: ``images.csv``, a row per image.
        clinical: ``clinical.csv``, a row per case with the outcome, 0 or 1.
        protocol: bundled name, YAML file or protocol.
        folder: for ``model.json``, ``report.html``, tables, figures and the finished cases: a run that was interrupted
            goes on there, and cases that :func:`extract` left there are taken over.
        purpose: what the model is called and meant for.
        outcome: column of the clinical table.
        timepoint: which one to take, when the table has several.
        frozen_habitats: fit the habitats once, on all cases, rather than in each fold; the model says so.
        complete_cases: leave out cases that lack a sequence, rather than refuse.
        answers: ``answers.yaml``, what the checklists of the report cannot know.
        jobs: processes; the result does not depend on it.
        resample_mask: accept masks on another grid, with a warning.

    Raises:
        LearningError: too few cases of an outcome, or nothing to learn.
        HabitatRadiomicsError: tables or answers that are refused, or no case that could be measured.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> study = hr.train("images.csv", "clinical.csv", "protocol.yaml", "study")
        >>> study.model.evidence.cases
        12
        >>> list(study.performance.columns[:4])
        ['kind', 'auc', 'auc_low', 'auc_high']
    """
    folder, protocol = Path(folder), load_protocol(protocol)
    chosen = None if answers is None else Path(answers)
    check_study_answers(folder, chosen)
    moments = timepoints_of(protocol, timepoint)
    cohort = load_cohort(images, clinical, timepoint=timepoint, timepoints=moments, outcome=outcome)
    training = train_study(
        cohort, protocol, purpose or Purpose(), folder, frozen_habitats=frozen_habitats, complete_cases=complete_cases,
        answers=chosen, jobs=jobs, resample_mask=resample_mask, progress=progress,
    )  # fmt: skip
    return TrainedStudy(training, folder)


def evaluate(
    model: Model | str | Path,
    images: str | Path,
    clinical: str | Path,
    folder: str | Path,
    *,
    outcome: str = OUTCOME,
    timepoint: str | None = None,
    answers: str | Path | None = None,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """A frozen model on new patients, compared with their outcomes; nothing is fitted.

    Args:
        model: bundled name, JSON file or model. A log beside its file, else in the folder, tells which cohorts it has
            seen.
        images: ``images.csv``, a row per image.
        clinical: ``clinical.csv``, a row per case with the outcome, 0 or 1.
        folder: for ``report.html``, ``scores.csv``, tables, figures and the finished cases: a run that was interrupted
            goes on there.
        outcome: column of the clinical table.
        timepoint: which one to take, when the table has several.
        answers: ``answers.yaml``, what the checklists of the report cannot know.
        jobs: processes; the result does not depend on it.
        resample_mask: accept masks on another grid, with a warning.

    Raises:
        CohortError: every problem of the tables, with row numbers; or fewer than two cases of an outcome.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> evaluation = hr.evaluate("t790m-spine-demo", "new/images.csv", "new/clinical.csv", "evaluation")
        >>> evaluation.scores["outcome"].tolist()
        [0, 1, 0, 1]
        >>> list(evaluation.performance.index)
        ['t790m-spine-demo']
    """
    folder, frozen = Path(folder), load_model(model)
    chosen = None if answers is None else Path(answers)
    check_study_answers(folder, chosen)
    moments = timepoints_of(frozen.protocol, timepoint, frozen.sequences)
    cohort = load_cohort(images, clinical, timepoint=timepoint, timepoints=moments, outcome=outcome)
    validation = evaluate_study(
        model, cohort, folder, answers=chosen, jobs=jobs, resample_mask=resample_mask, progress=progress
    )
    return Evaluation(validation, folder)


def _performance(folder: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(folder / "tables" / "performance.csv", index_col="name")


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
