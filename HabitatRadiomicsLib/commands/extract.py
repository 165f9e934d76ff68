"""``extract``: the features of a cohort."""

from __future__ import annotations

import argparse

from HabitatRadiomicsLib.commands.arguments import (
    COHORT,
    PROTOCOL,
    RUN,
    add_arguments,
    check_cohort_output,
    read_cohort,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.extraction.cohort import extract_features, write_extraction
from HabitatRadiomicsLib.outputs import WORK_FOLDER
from HabitatRadiomicsLib.protocol import load_protocol
from HabitatRadiomicsLib.system.cluster import scheduler


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "extract",
        help="features of a cohort, one row per case",
        description="Write features.csv, features.json (what each column is), errors.csv, warnings.csv, and "
        "protocol.yaml with the population's habitats, ready to be applied to another patient. With two time points, "
        "features at both and their changes, and habitat_changes.csv.",
    )
    add_arguments(parser, PROTOCOL, COHORT, RUN)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Extract the features of a cohort."""
    check_cohort_output(arguments)
    protocol = load_protocol(arguments.protocol)
    cohort = read_cohort(arguments, protocol)
    folder = arguments.out
    with scheduler(arguments.scheduler), progress_bar("extract") as progress:
        extraction = extract_features(
            cohort, protocol, folder / WORK_FOLDER, jobs=arguments.jobs, resample_mask=arguments.resample_mask,
            progress=progress,
        )  # fmt: skip
        write_extraction(folder, extraction, cohort)
    measured, all_cases = len(extraction.table), len(cohort.cases)
    print(f"{measured} of {all_cases} cases, {len(extraction.table.columns)} features each: {folder / 'features.csv'}")
    if extraction.reused:
        print(f"{extraction.reused} cases were done before and taken over.")
    warned = sum(bool(texts) for texts in extraction.warnings.values())
    if warned:
        print(f"{warned} cases have warnings: {folder / 'warnings.csv'}")
    if extraction.problems:
        print(f"{len(extraction.problems)} problems: {folder / 'errors.csv'}")
    return 0 if measured == all_cases else 3
