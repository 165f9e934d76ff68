"""``evaluate``: a frozen model on new patients."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.cohort.tables import OUTCOME
from HabitatRadiomicsLib.commands.arguments import (
    WORK_FOLDER,
    add_per_patient_argument,
    add_scheduler_argument,
    add_table_arguments,
    check_cohort_output,
    timepoints_of,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.model import load_model, model_digest
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, part
from HabitatRadiomicsLib.scoring.cohort import CohortScores, score_cohort, write_patients, write_scores
from HabitatRadiomicsLib.scoring.lesions_of_a_patient import Aggregation
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.validation.external import ExternalValidation, check_outcomes_of_both, external_validation
from HabitatRadiomicsLib.validation.openings import log_of, opening_sentence, read_openings, record_opening

_WORDS = {
    "maximum": "highest score of the lesions",
    "mean": "mean score of the lesions",
    "largest": "score of the largest lesion",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "evaluate",
        help="external validation: a frozen model on new patients",
        description="Score new patients with a frozen model and compare with their outcomes; nothing is fitted. Write "
        "scores.csv, report.html, study.json and the folders tables and figures. The model's log tells which cohorts "
        "it has seen, and when first.",
    )
    parser.add_argument("--model", required=True, metavar="NAME|FILE", help="bundled model (see: models) or JSON file")
    add_table_arguments(parser, clinical="a row per case, with outcome", clinical_required=True)
    parser.add_argument(
        "--answers", type=Path, metavar="answers.yaml", help="what the checklists of the report cannot know"
    )
    add_per_patient_argument(parser)
    parser.add_argument("--outcome", default=OUTCOME, metavar="COLUMN", help="of the clinical table (default: outcome)")
    add_scheduler_argument(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate a model."""
    from HabitatRadiomicsLib.reporting.study.files import check_answers

    check_cohort_output(arguments)
    model = load_model(arguments.model)
    moments = timepoints_of(arguments, model.protocol, model.sequences)
    cohort = load_cohort(
        arguments.cohort,
        arguments.clinical,
        timepoint=arguments.timepoint,
        timepoints=moments,
        outcome=arguments.outcome,
    )
    check_answers(arguments.answers or answers_of(arguments.out))
    with scheduler(arguments.scheduler), progress_bar("evaluate") as progress:
        found = evaluate(
            arguments.model, cohort, arguments.out, jobs=arguments.jobs, resample_mask=arguments.resample_mask,
            answers=arguments.answers, progress=progress,
        )  # fmt: skip
    print("\n".join(evaluation_lines(arguments.out, found)))
    patients = arguments.out / "patients.csv"
    patients.unlink(missing_ok=True)  # of an earlier run, perhaps of other scores
    if arguments.per_patient is not None:
        print(patient_line(found.result, cohort, arguments.per_patient, patients))
    return 0 if len(found.outcome) == len(cohort.cases) else 3


def answers_of(folder: Path) -> Path | None:
    """The answers of an earlier run in a folder of results, which its report takes up."""
    own = folder / "answers.yaml"
    return own if own.exists() else None


def evaluate(
    model: str | Path,
    cohort: Cohort,
    folder: Path,
    *,
    jobs: int,
    resample_mask: bool,
    answers: Path | None,
    progress: Progress,
) -> ExternalValidation:
    """Score a cohort, open its outcomes, and write everything.

    Args:
        model: a bundled model's name, or a file; its log lies beside the file, that of a bundled one in the folder.
    """
    from HabitatRadiomicsLib.reporting.study.files import write_external

    frozen = load_model(model)
    check_outcomes_of_both(cohort)
    log = log_of(Path(model)) if Path(model).is_file() else folder / f"{frozen.name}.openings.jsonl"
    read_openings(log)  # a log that cannot be read or written is told before long work starts
    check_writable(log.parent)
    result = score_cohort(
        cohort, frozen, folder / WORK_FOLDER, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.9)
    )
    # Scores need no outcome; from here on the test set has been opened.
    openings = record_opening(log, model_digest(frozen), cohort)
    found = external_validation(frozen, cohort, result, openings)
    write_scores(result, folder / "scores.csv")
    progress(0.9, "writing the report")
    write_external(folder, found, answers=answers)
    return found


def evaluation_lines(folder: Path, found: ExternalValidation) -> list[str]:
    """What came out, and where it lies."""
    from HabitatRadiomicsLib.statistics import auc_with_interval

    area = auc_with_interval(found.outcome, found.scores, clusters=found.patients)
    return [
        f"{len(found.outcome)} of {len(found.cohort.cases)} new cases, {int(found.outcome.sum())} with the outcome: "
        f"AUC {area.auc:.2f} (95% interval {area.low:.2f} to {area.high:.2f}).",
        opening_sentence(list(found.openings)),
        f"Report: {folder / 'report.html'}",
    ]


def patient_line(scores: CohortScores, cohort: Cohort, how: Aggregation, path: Path) -> str:
    """Write the table of patients, and tell how well their scores separate those with the outcome.

    A patient has the outcome when any case of the patient has it.
    """
    from HabitatRadiomicsLib.statistics import auc_with_interval

    outcomes: dict[str, int] = {}
    for case in cohort.cases:
        patient = cohort.patient_of(case.case_id)
        outcomes[patient] = max(outcomes.get(patient, 0), cohort.outcomes[case.case_id])
    rows = write_patients(scores, cohort, how, path, outcomes=outcomes)
    found = np.array([outcomes[row.patient] for row in rows])
    said = f"{len(rows)} patients, {int(found.sum())} with the outcome, each with the {_WORDS[how]}: "
    if min(found.sum(), len(found) - found.sum()) < 2:
        return f"{said}too few for an AUC. Table: {path}"
    area = auc_with_interval(found, np.array([row.score for row in rows]))
    return f"{said}AUC {area.auc:.2f} (95% interval {area.low:.2f} to {area.high:.2f}). Table: {path}"
