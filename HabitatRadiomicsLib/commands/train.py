"""``train``: a model from a cohort, honestly validated, with the study's tables, figures and report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.cohort import Cohort, load_cohort, with_second_reader
from HabitatRadiomicsLib.commands.arguments import (
    WORK_FOLDER,
    add_cohort_arguments,
    add_scheduler_argument,
    check_cohort_output,
    timepoints_of,
)
from HabitatRadiomicsLib.commands.evaluate import answers_of, evaluate, evaluation_lines
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.errors import CohortError, ProtocolError
from HabitatRadiomicsLib.external import check_outcomes_of_both
from HabitatRadiomicsLib.freezing import Purpose
from HabitatRadiomicsLib.model import Endpoint, Model, model_text
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.study import sample_size
from HabitatRadiomicsLib.study_cohort import check_apart, check_cohort_outcomes, check_sites_known
from HabitatRadiomicsLib.training import Training, train_model
from HabitatRadiomicsLib.workers import scheduler


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train",
        help="a frozen, honestly validated rad-score model from a cohort",
        description="Measure the cohort, learn a LASSO rad-score for every sequence and region and choose between "
        "them, all of it again inside each fold of a nested cross-validation; write model.json, report.html, "
        "study.json, and the folders tables and figures.",
    )
    add_cohort_arguments(parser, clinical_required=True)
    parser.add_argument("--name", default="model", help="the model's name: letters, digits, hyphens")
    parser.add_argument("--title", default="Rad-score model", help="its title in reports")
    parser.add_argument("--endpoint", default="outcome", help="what the score speaks of, e.g. 'lung metastasis'")
    parser.add_argument("--positive", default="positive", help="what a score at or above the cut-off is called")
    parser.add_argument("--negative", default="negative", help="what a score below it is called")
    parser.add_argument("--description", default="not described", help="the cohort, for the model card")
    parser.add_argument("--licence", default="not stated", help="of the model, for the model card")
    parser.add_argument("--attribution", default="", help="whose data it was trained on, for the model card")
    parser.add_argument(
        "--frozen-habitats", action="store_true",
        help="fit the habitats once, on all cases, rather than in each fold; the model says so",
    )  # fmt: skip
    parser.add_argument(
        "--second-reader", type=Path, metavar="images.csv",
        help="a second reader's masks of some or all cases: their features' reliability, instead of perturbed copies; "
        "the protocol's robustness says which ICC and threshold",
    )  # fmt: skip
    parser.add_argument(
        "--complete-cases", action="store_true", help="leave out cases that lack a sequence, rather than refuse"
    )
    parser.add_argument(
        "--answers", type=Path, metavar="answers.yaml",
        help="what the checklists of the report cannot know; a form to fill in is written beside the report",
    )  # fmt: skip
    parser.add_argument(
        "--test-cohort", type=Path, metavar="images.csv", help="new patients, on whom the frozen model is evaluated"
    )
    parser.add_argument("--test-clinical", type=Path, metavar="clinical.csv", help="their outcomes")
    add_scheduler_argument(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train a model."""
    from HabitatRadiomicsLib.reporting.study_files import check_answers, write_training

    check_cohort_output(arguments)
    protocol = load_protocol(arguments.protocol)
    moments = timepoints_of(arguments, protocol)
    cohort = load_cohort(arguments.cohort, arguments.clinical, timepoint=arguments.timepoint, timepoints=moments)
    test = _test_cohort(arguments, cohort, moments)
    if arguments.second_reader is not None:
        _check_robustness(protocol)
        cohort = with_second_reader(cohort, arguments.second_reader, timepoint=arguments.timepoint, timepoints=moments)
    check_answers(arguments.answers or answers_of(arguments.out))
    check_cohort_outcomes(cohort, protocol.learning)
    if test is not None:
        check_sites_known(cohort, test, protocol)
    print("\n".join(sample_size(cohort, protocol)), flush=True)
    with scheduler(arguments.scheduler), progress_bar("train") as progress:
        training = train_model(
            cohort,
            protocol,
            _purpose(arguments),
            arguments.out / WORK_FOLDER,
            frozen_habitats=arguments.frozen_habitats,
            complete_cases=arguments.complete_cases,
            jobs=arguments.jobs,
            resample_mask=arguments.resample_mask,
            progress=part(progress, 0, 0.95 if test is None else 0.8),
        )
        write_text(arguments.out / "model.json", model_text(training.model))
        progress(0.95 if test is None else 0.8, "writing the report")
        write_training(arguments.out, training, answers=arguments.answers)
        evaluation = None
        if test is not None:
            evaluation = evaluate(
                arguments.out / "model.json", test, arguments.out / "test", jobs=arguments.jobs,
                resample_mask=arguments.resample_mask, answers=arguments.answers, progress=part(progress, 0.85, 1),
            )  # fmt: skip
    print("\n".join(training_lines(arguments.out, training)))
    if evaluation is not None:
        print("\n".join(evaluation_lines(arguments.out / "test", evaluation)))
    lost = training.study.features.problems or (evaluation is not None and evaluation.result.problems)
    return 3 if lost else 0


def training_lines(folder: Path, training: Training) -> list[str]:
    """What came out, and where it lies."""
    measured, given = len(training.table.outcome), len(training.cohort.cases)
    lines = [f"{measured} of {given} cases, {len(training.table.columns)} features each."]
    if training.study.features.reused:
        lines.append(f"{training.study.features.reused} cases were done before and taken over.")
    lines += [f"{len(row.case_ids)} cases were left out: {row.reason}." for row in training.excluded]
    lost = len(training.study.features.problems)
    if lost:
        lines.append(f"{lost} cases could not be measured: {folder / 'errors.csv'}.")
    lines += summary(training.model)
    assert training.learned.chosen is not None
    candidates = len(training.learned.candidates)
    if candidates > 1:
        lines.append(f"Chosen of {candidates} candidates: {training.learned.chosen.name}.")
    return [*lines, f"Model: {folder / 'model.json'}", f"Report: {folder / 'report.html'}"]


def _check_robustness(protocol: Protocol) -> None:
    if protocol.robustness is None:
        raise ProtocolError(
            "A second reader's masks are given, and the protocol does not ask for robust features.",
            where="--second-reader",
            remedy="Add to it, for instance: robustness: {icc: '2,1', threshold: 0.8}",
        )


def _test_cohort(arguments: argparse.Namespace, training: Cohort, timepoints: Sequence[str] | None) -> Cohort | None:
    if (arguments.test_cohort is None) != (arguments.test_clinical is None):
        raise CohortError(
            "A test cohort needs images and outcomes; one of the two tables is missing.",
            where="--test-cohort and --test-clinical",
        )
    if arguments.test_cohort is None:
        return None
    test = load_cohort(
        arguments.test_cohort, arguments.test_clinical, timepoint=arguments.timepoint, timepoints=timepoints
    )
    check_outcomes_of_both(test)
    check_apart(training, test)
    return test


def _purpose(arguments: argparse.Namespace) -> Purpose:
    return Purpose(
        name=arguments.name,
        title=arguments.title,
        intended_use="Research on cohorts like the one it was trained on.",
        endpoint=Endpoint(name=arguments.endpoint, positive=arguments.positive, negative=arguments.negative),
        cohort=arguments.description,
        evidence="trained-on-patients",
        licence=arguments.licence,
        attribution=arguments.attribution,
    )


def summary(model: Model) -> list[str]:
    """The model in a few lines."""
    lines = []
    if model.classifier is not None:
        lines += [f"Classifier: {model.classifier.name}, given:"]
        lines += [f"  {row.name}" for row in model.classifier.inputs]
    else:
        count = len(model.features)
        lines += [f"Rad-score of {count} feature{'s' if count > 1 else ''}:"]
        lines += [f"  {feature.coefficient:+.3f}  {feature.name}" for feature in model.features]
    return [*lines, *(f"{line}." for line in evidence_lines(model))]


def evidence_lines(model: Model) -> list[str]:
    """What stands behind a model, in sentences without their full stops."""
    evidence, area, unseen = model.evidence, model.evidence.performance, model.cutoff.held_out
    lines = [f"{evidence.cases} cases" + (f", {evidence.events} with the outcome" if evidence.events else "")]
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
