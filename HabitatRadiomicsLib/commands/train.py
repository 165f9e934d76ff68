"""``train``: a model from a cohort."""

from __future__ import annotations

import argparse

from HabitatRadiomicsLib.cohort import load_cohort
from HabitatRadiomicsLib.commands.arguments import WORK_FOLDER, add_cohort_arguments, check_cohort_output
from HabitatRadiomicsLib.commands.extract import report_extraction, write_extraction
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.model import Endpoint, Model, model_text
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.protocol import load_protocol
from HabitatRadiomicsLib.training import Purpose, train_model


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train",
        help="a frozen rad-score model from a cohort",
        description="Extract the cohort's features, select, fit a LASSO logistic rad-score, cross-validate it and "
        "write model.json beside the tables of extract. Habitats are fitted once on all cases, without their outcomes.",
    )
    add_cohort_arguments(parser, clinical_required=True)
    parser.add_argument("--name", default="model", help="the model's name: letters, digits, hyphens")
    parser.add_argument("--title", default="Rad-score model", help="its title in reports")
    parser.add_argument("--endpoint", default="outcome", help="what the score speaks of, e.g. 'lung metastasis'")
    parser.add_argument("--positive", default="positive", help="what a score at or above the cut-off is called")
    parser.add_argument("--negative", default="negative", help="what a score below it is called")
    parser.add_argument("--description", default="not described", help="the cohort, for the model card")
    parser.add_argument("--licence", default="not stated", help="of the model, for the model card")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train a model."""
    check_cohort_output(arguments)
    cohort = load_cohort(arguments.cohort, arguments.clinical, timepoint=arguments.timepoint)
    purpose = Purpose(
        name=arguments.name,
        title=arguments.title,
        intended_use="Research on cohorts like the one it was trained on.",
        endpoint=Endpoint(name=arguments.endpoint, positive=arguments.positive, negative=arguments.negative),
        cohort=arguments.description,
        evidence="trained-on-patients",
        licence=arguments.licence,
    )
    with progress_bar("train") as progress:
        training = train_model(
            cohort,
            load_protocol(arguments.protocol),
            purpose,
            arguments.out / WORK_FOLDER,
            jobs=arguments.jobs,
            resample_mask=arguments.resample_mask,
            progress=progress,
        )
        write_extraction(arguments.out, training.extraction, cohort)
        write_text(arguments.out / "model.json", model_text(training.model))
    status = report_extraction(arguments.out, training.extraction, cohort)
    print("\n".join(summary(training.model)))
    print(f"Model: {arguments.out / 'model.json'}")
    return status


def summary(model: Model) -> list[str]:
    """The model in a few lines."""
    lines = [f"Rad-score of {len(model.features)} features:"]
    lines += [f"  {feature.coefficient:+.3f}  {feature.name}" for feature in model.features]
    return [*lines, *(f"{line}." for line in evidence_lines(model))]


def evidence_lines(model: Model) -> list[str]:
    """What stands behind a model, in sentences without their full stops."""
    evidence, area, unseen = model.evidence, model.evidence.performance, model.cutoff.held_out
    lines = [f"{evidence.cases} cases, {evidence.events} with the outcome"]
    if evidence.excluded:
        lines[0] += f"; {evidence.excluded} more could not be measured"
    if area is not None:
        lines.append(f"AUC {area.auc:.2f} (95% interval {area.auc_low:.2f} to {area.auc_high:.2f}): {area.method}")
    if unseen is not None:
        lines.append(
            f"At the cut-off {model.cutoff.value:.3f}, on held-out cases: sensitivity {unseen.sensitivity:.0%}, "
            f"specificity {unseen.specificity:.0%}"
        )
    return lines
