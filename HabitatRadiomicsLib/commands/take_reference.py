"""``take-reference``: published coefficients get means and standard deviations from a reference cohort."""

from __future__ import annotations

import argparse
import sys

from HabitatRadiomicsLib.cases.cohort import load_cohort, timepoints_of
from HabitatRadiomicsLib.commands.arguments import (
    add_table_arguments,
    check_cohort_output,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.features.table import write_values
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_text
from HabitatRadiomicsLib.scoring.reference_cohort import take_reference
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.training.freezing import check_name


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command, and its former name for one more version; that one is in no list of commands."""
    description = (
        "Measure the model's features in a local reference cohort and take their means and standard deviations, which "
        "the publication does not give. Outcomes are not needed. Write model.json, features.csv and errors.csv."
    )
    parser = commands.add_parser(
        "take-reference", help="make a model of published coefficients able to score", description=description
    )
    _add_arguments(parser, "referenced")
    parser.set_defaults(run=run)
    former = commands.add_parser("calibrate", description=f"Former name of take-reference. {description}")
    _add_arguments(former, "calibrated")
    former.set_defaults(run=_run_by_former_name)


def _add_arguments(parser: argparse.ArgumentParser, suffix: str) -> None:
    parser.add_argument("--model", required=True, metavar="NAME|FILE", help="bundled model (see: models) or JSON file")
    add_table_arguments(parser, clinical="not needed; its outcomes are not used")
    parser.add_argument("--name", help=f"of the model that comes out (default: the model's, with -{suffix})")
    parser.add_argument("--description", help="of the cohort, in a few words; shown with every score")
    parser.set_defaults(suffix=suffix)


def _run_by_former_name(arguments: argparse.Namespace) -> int:
    print("habitat-radiomics: 'calibrate' is now called 'take-reference'; the old name will go.", file=sys.stderr)
    return run(arguments)


def run(arguments: argparse.Namespace) -> int:
    """Take a model's means and SD from a cohort."""
    check_cohort_output(arguments)
    model = load_model(arguments.model)
    name = arguments.name or f"{model.name}-{arguments.suffix}"
    check_name(name)
    moments = timepoints_of(model.protocol, arguments.timepoint, model.sequences)
    cohort = load_cohort(arguments.cohort, arguments.clinical, timepoint=arguments.timepoint, timepoints=moments)
    with scheduler(arguments.scheduler), progress_bar("take-reference") as progress:
        referenced = take_reference(
            cohort, model, arguments.out / WORK_FOLDER, name=name,
            description=arguments.description or "a local reference cohort", jobs=arguments.jobs,
            resample_mask=arguments.resample_mask, progress=progress,
        )  # fmt: skip
    write_values(referenced.table, arguments.out / "features.csv")
    write_problems(referenced.problems, arguments.out / "errors.csv")
    path = arguments.out / "model.json"
    write_text(path, model_text(referenced.model))
    print(f"{len(referenced.table)} of {len(cohort.cases)} cases.")
    for feature in referenced.model.features:
        print(f"  {feature.name}: mean {feature.mean:.4g}, SD {feature.sd:.4g}")
    print(f"Model: {path}")
    return 3 if referenced.problems else 0
