"""``score``: scores one patient with one frozen model."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.commands.arguments import (
    CASE,
    MODEL,
    OUTPUT,
    add_arguments,
    default_jobs,
    positive_count,
    read_case,
)
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.outputs import MAPS_FILE, result_folder
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.result import ScoreResult, notice


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "score",
        help="score one patient with a frozen model, and explain the score",
        description="Write score.json, the maps, contributions.png (SHAP) and report.html; with two time points, also "
        "habitat_changes.csv.",
    )
    add_arguments(parser, MODEL, CASE)
    parser.add_argument(
        "--site", help="where the images were made; a model that harmonises sites needs it, others warn of a new site"
    )
    parser.add_argument(
        "--clinical", action="append", default=[], metavar="NAME=VALUE",
        help="a clinical value of the patient, e.g. age=61, for a model with a nomogram; once for each value",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=positive_count, default=default_jobs(), metavar="N",
        help="threads that measure the features (default: all cores); the score does not depend on it",
    )  # fmt: skip
    add_arguments(parser, OUTPUT)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Score a patient and write everything."""
    from HabitatRadiomicsLib.reporting import write_score

    model = load_model(arguments.model)
    clinical = clinical_of(arguments.clinical, model)
    with result_folder(arguments.out, mark=MAPS_FILE, overwrite=arguments.overwrite) as folder:
        case = read_case(arguments, model.protocol)
        with progress_bar("score") as progress:
            result = score_case(
                case, model, site=arguments.site, clinical=clinical, jobs=arguments.jobs, progress=progress
            )
            progress(0.9, "writing the report")
            write_score(folder, result)
    print("\n".join(summary(result, arguments.out / "report.html")))
    return 0


def clinical_of(values: Sequence[str], model: Model) -> dict[str, str]:
    """Clinical values by name, as the command line gives them.

    Raises:
        HabitatRadiomicsError: one is not ``NAME=VALUE``, is given twice, or the model does not ask for it.
    """
    asked = [] if model.nomogram is None else [row.name for row in model.nomogram.inputs]
    found: dict[str, str] = {}
    for text in values:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (equals and name and value):
            problem, remedy = f"'{text}' is not NAME=VALUE.", "Write for example --clinical age=61."
        elif name in found:
            problem, remedy = f"'{name}' is given twice.", "Give it once."
        elif name not in asked:
            problem, remedy = f"The model does not ask for '{name}'.", f"It asks for: {', '.join(asked) or 'nothing'}."
        else:
            found[name] = value
            continue
        raise HabitatRadiomicsError(problem, where="--clinical", remedy=remedy)
    return found


def summary(result: ScoreResult, report: Path) -> list[str]:
    """The result in five lines."""
    model = result.model
    first = result.contributions[0]
    count = len(result.warnings)
    warned = "no warnings" if count == 0 else "1 warning" if count == 1 else f"{count} warnings"
    score, probability = f"Score {result.score:.3f} (no interval)", "no probability"
    if (interval := result.interval) is not None:
        score = f"Rad-score {result.score:.3f} (95% interval {interval.low:.3f} to {interval.high:.3f})"
    if result.probability is not None and (interval := result.probability_interval) is not None:
        probability = f"probability {result.probability:.0%} ({interval.low:.0%} to {interval.high:.0%})"
    return [
        f"{result.call}, by '{model.title}' ({model.evidence.in_words})",
        f"{score}, cut-off {model.cutoff.value:.3f}; {probability}",
        f"Largest contribution: {first.name} = {first.value:.4g}, {first.shap:+.3f}",
        f"Report: {report} ({warned})",
        notice(model),
    ]
