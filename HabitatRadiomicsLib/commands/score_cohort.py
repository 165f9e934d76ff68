"""``score-cohort``: scores every patient of a table with one frozen model."""

from __future__ import annotations

import argparse

from HabitatRadiomicsLib.commands.arguments import (
    COHORT,
    MODEL,
    PER_PATIENT,
    RUN,
    add_arguments,
    check_cohort_output,
    read_cohort,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_csv
from HabitatRadiomicsLib.scoring.cohort import patient_table, score_cohort
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.system.cluster import scheduler


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "score-cohort",
        help="score every patient of a table with a frozen model",
        description="Write scores.csv, a row per case (a patient or one of a patient's lesions), and errors.csv; the "
        "scores equal those of 'score'.",
    )
    clinical = "a row per case, with the site and the clinical values of a nomogram; its outcome is not used"
    add_arguments(parser, MODEL, COHORT, RUN, PER_PATIENT, clinical={"help": clinical})
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score a cohort."""
    check_cohort_output(arguments)
    model = load_model(arguments.model)
    cohort = read_cohort(arguments, model.protocol, model.sequences)
    with scheduler(arguments.scheduler), progress_bar("score-cohort") as progress:
        scores = score_cohort(
            cohort, model, arguments.out / WORK_FOLDER, jobs=arguments.jobs, resample_mask=arguments.resample_mask,
            progress=progress,
        )  # fmt: skip
        write_csv(scores.table, arguments.out / "scores.csv")
        patients = arguments.out / "patients.csv"
        patients.unlink(missing_ok=True)  # of an earlier run, perhaps of other scores
        if arguments.per_patient is not None:
            write_csv(patient_table(scores, cohort, arguments.per_patient), patients)
        write_problems(scores.problems, arguments.out / "errors.csv")
    scored, all_cases = len(scores.documents), len(cohort.cases)
    print(f"{scored} of {all_cases} cases scored by '{model.title}': {arguments.out / 'scores.csv'}")
    if arguments.per_patient is not None:
        print(f"Scores of patients: {patients}")
    if scores.reused:
        print(f"{scores.reused} cases were done before and taken over.")
    if scores.problems:
        print(f"{len(scores.problems)} problems: {arguments.out / 'errors.csv'}")
    print(notice(model))
    return 0 if scored == all_cases else 3
