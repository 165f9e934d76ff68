"""``take-reference``: takes the means and standard deviations for published coefficients from a reference cohort."""

from __future__ import annotations

import argparse
import sys

from HabitatRadiomicsLib.commands.arguments import COHORT, MODEL, RUN, add_arguments, check_cohort_output, read_cohort
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.features.table import write_values
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_text
from HabitatRadiomicsLib.scoring.reference_cohort import take_reference
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.training.freezing import check_name


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command, and its former name, which no list of commands shows, for one more version."""
    description = (
        "Measure the model's features in a local reference cohort and take their means and standard deviations, which "
        "the publication does not give. Outcomes are not needed. Write model.json, features.csv and errors.csv."
    )
    current = commands.add_parser(
        "take-reference", help="make a model of published coefficients able to score", description=description
    )
    former = commands.add_parser("calibrate", description=f"Former name of take-reference. {description}")
    for parser, suffix in ((current, "referenced"), (former, "calibrated")):
        add_arguments(parser, MODEL, COHORT, RUN, clinical={"help": "not needed; its outcomes are not used"})
        parser.add_argument("--name", help=f"of the resulting model (default: the model's, with -{suffix})")
        parser.add_argument("--description", help="of the cohort, in a few words; shown with every score")
        parser.set_defaults(run=run, suffix=suffix)


def run(arguments: argparse.Namespace) -> int:
    """Take a model's means and SD from a cohort."""
    if arguments.suffix == "calibrated":
        print(
            "habitat-radiomics: 'calibrate' is now called 'take-reference'; the old name will be removed.",
            file=sys.stderr,
        )
    check_cohort_output(arguments)
    model = load_model(arguments.model)
    name = arguments.name or f"{model.name}-{arguments.suffix}"
    check_name(name)
    cohort = read_cohort(arguments, model.protocol, model.sequences)
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
