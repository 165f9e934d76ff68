"""``evaluate``: a frozen model on new patients."""

from __future__ import annotations

import argparse
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.cohort.tables import OUTCOME
from HabitatRadiomicsLib.commands.arguments import (
    ANSWERS,
    COHORT,
    MODEL,
    PER_PATIENT,
    RUN,
    add_arguments,
    check_cohort_output,
    read_cohort,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.outputs import write_csv
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.scoring.cohort import Aggregation, CohortScores, patient_table
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.validation.external import ExternalValidation, evaluate_model, opening_sentence

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
        description="Score new patients with a frozen model and compare the scores with their outcomes; nothing is "
        "fitted. Write scores.csv, report.html, study.json and the folders tables and figures. The model's log "
        "records which cohorts it has seen, and when first.",
    )
    add_arguments(parser, MODEL, COHORT, RUN, ANSWERS, PER_PATIENT, clinical={"required": True})
    parser.add_argument("--outcome", default=OUTCOME, metavar="COLUMN", help="of the clinical table (default: outcome)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate a model."""
    from HabitatRadiomicsLib.reporting.study.files import check_answers, write_external

    check_cohort_output(arguments)
    model = load_model(arguments.model)
    cohort = read_cohort(arguments, model.protocol, model.sequences, outcome=arguments.outcome)
    check_answers(arguments.out, arguments.answers)
    with scheduler(arguments.scheduler), progress_bar("evaluate") as progress:
        evaluation = evaluate_model(
            arguments.model, cohort, arguments.out, jobs=arguments.jobs, resample_mask=arguments.resample_mask,
            progress=part(progress, 0, 0.9),
        )  # fmt: skip
        write_external(arguments.out, evaluation, answers=arguments.answers, progress=part(progress, 0.9, 1))
    print("\n".join(evaluation_lines(arguments.out, evaluation)))
    patients = arguments.out / "patients.csv"
    patients.unlink(missing_ok=True)  # of an earlier run, perhaps of other scores
    if arguments.per_patient is not None:
        print(patient_line(evaluation.result, cohort, arguments.per_patient, patients))
    return 0 if len(evaluation.outcome) == len(cohort.cases) else 3


def evaluation_lines(folder: Path, evaluation: ExternalValidation) -> list[str]:
    """The result, and the path of its report."""
    from HabitatRadiomicsLib.statistics import auc_with_interval

    area = auc_with_interval(evaluation.outcome, evaluation.scores, clusters=evaluation.patients)
    cases, events = len(evaluation.cohort.cases), int(evaluation.outcome.sum())
    return [
        f"{len(evaluation.outcome)} of {cases} new cases, {events} with the outcome: "
        f"AUC {area.auc:.2f} (95% interval {area.low:.2f} to {area.high:.2f}).",
        opening_sentence(list(evaluation.openings)),
        f"Report: {folder / 'report.html'}",
    ]


def patient_line(scores: CohortScores, cohort: Cohort, how: Aggregation, path: Path) -> str:
    """Write the table of patients, and return a line on how well their scores separate those with the outcome.

    A patient has the outcome when any case of the patient has it.
    """
    from HabitatRadiomicsLib.statistics import auc_with_interval

    outcomes: dict[str, int] = {}
    for case in cohort.cases:
        patient = cohort.patient_of(case.case_id)
        outcomes[patient] = max(outcomes.get(patient, 0), cohort.outcomes[case.case_id])
    table = patient_table(scores, cohort, how, outcomes=outcomes)
    write_csv(table, path)
    outcome = table["outcome"].to_numpy()
    sentence = f"{len(table)} patients, {int(outcome.sum())} with the outcome, each with the {_WORDS[how]}: "
    if min(outcome.sum(), len(outcome) - outcome.sum()) < 2:
        return f"{sentence}too few for an AUC. Table: {path}"
    area = auc_with_interval(outcome, table["score"].to_numpy())
    return f"{sentence}AUC {area.auc:.2f} (95% interval {area.low:.2f} to {area.high:.2f}). Table: {path}"
