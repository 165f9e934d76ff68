"""Training and external evaluation from tables to the folder of results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.cases.cohort import load_cohort, timepoints_of
from HabitatRadiomicsLib.cases.cohort.tables import OUTCOME
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.reporting.study.files import check_answers, write_external, write_training
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import Training, train_model
from HabitatRadiomicsLib.validation.external import ExternalValidation, evaluate_model

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Results:
    folder: Path

    @property
    def performance(self) -> pd.DataFrame:
        """Performance with 95% intervals, the model's row first, then the scores that it is compared with."""
        import pandas as pd

        return pd.read_csv(self.folder / "tables" / "performance.csv", index_col="name")


@dataclass(frozen=True)
class TrainedStudy(_Results):
    """A training, and the folder of its results: ``model.json``, ``report.html``, tables, figures."""

    training: Training

    @property
    def model(self) -> Model:
        """The frozen model."""
        return self.training.model


@dataclass(frozen=True)
class Evaluation(_Results):
    """An external validation, and the folder of its results: ``report.html``, ``scores.csv``, tables, figures."""

    validation: ExternalValidation

    @property
    def scores(self) -> pd.DataFrame:
        """A row per case: its outcome and the columns of ``scores.csv``."""
        scores = self.validation.result.table
        scores.insert(1, "outcome", self.validation.outcome)
        return scores


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
        folder: for the results and the finished cases: an interrupted run is resumed there, and cases that
            :func:`extract` left there are not measured again.
        purpose: name and intended use of the model.
        outcome: column of the clinical table.
        timepoint: which one to use if the table has several.
        frozen_habitats: fit the habitats once, on all cases, rather than in each fold; the model says so.
        complete_cases: leave out cases that lack a sequence, rather than refuse.
        answers: ``answers.yaml`` with answers to the questions of the report's checklists.
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
    check_answers(folder, chosen)
    moments = timepoints_of(protocol, timepoint)
    cohort = load_cohort(images, clinical, timepoint=timepoint, timepoints=moments, outcome=outcome)
    training = train_model(
        cohort, protocol, purpose or Purpose(), folder / WORK_FOLDER, frozen_habitats=frozen_habitats,
        complete_cases=complete_cases, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.95),
    )  # fmt: skip
    write_text(folder / "model.json", model_text(training.model))
    write_training(folder, training, answers=chosen, progress=part(progress, 0.95, 1))
    return TrainedStudy(folder, training)


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
        model: bundled name, JSON file or model. The log of the cohorts that it has seen is beside its file, else in
            the folder.
        images: ``images.csv``, a row per image.
        clinical: ``clinical.csv``, a row per case with the outcome, 0 or 1.
        folder: for the results and the finished cases: an interrupted run is resumed there.
        outcome: column of the clinical table.
        timepoint: which one to use if the table has several.
        answers: ``answers.yaml`` with answers to the questions of the report's checklists.
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
    check_answers(folder, chosen)
    moments = timepoints_of(frozen.protocol, timepoint, frozen.sequences)
    cohort = load_cohort(images, clinical, timepoint=timepoint, timepoints=moments, outcome=outcome)
    validation = evaluate_model(
        model, cohort, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.9)
    )
    write_external(folder, validation, answers=chosen, progress=part(progress, 0.9, 1))
    return Evaluation(folder, validation)
