"""``train``: a validated model from a cohort, with the study's tables, figures and report."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, timepoints_of, with_reading
from HabitatRadiomicsLib.cases.cohort.clinical_columns import left_out_sentences
from HabitatRadiomicsLib.cases.cohort.tables import OUTCOME
from HabitatRadiomicsLib.commands.arguments import ANSWERS, COHORT, PROTOCOL, RUN, add_arguments, check_cohort_output
from HabitatRadiomicsLib.commands.evaluate import evaluation_lines
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.errors import CohortError, ProtocolError
from HabitatRadiomicsLib.model import Endpoint, Model, model_text
from HabitatRadiomicsLib.outputs import WORK_FOLDER, write_csv, write_text
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import NAME_PATTERN, Protocol, load_protocol
from HabitatRadiomicsLib.reporting.document.training import sample_size
from HabitatRadiomicsLib.system.cluster import scheduler
from HabitatRadiomicsLib.training.checks import check_apart, check_cohort_outcomes, check_sites_known
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import Training, train_model, work_of
from HabitatRadiomicsLib.validation.external import check_outcomes_of_both, evaluate_model

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of further readings, by the option that gives their table.
READINGS = {"second-reader": INTER_OBSERVER, "repeat-reading": INTRA_OBSERVER}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "train",
        help="train and validate a frozen rad-score model on a cohort",
        description="Measure the cohort, learn a LASSO rad-score for every sequence and region and choose between "
        "them; repeat all of it in each fold of a nested cross-validation. Write model.json, report.html, study.json, "
        "and the folders tables and figures.",
    )
    add_arguments(parser, PROTOCOL, COHORT, RUN, ANSWERS, clinical={"required": True})
    parser.add_argument(
        "--outcome", action="append", metavar="COLUMN",
        help="column of the clinical table with the outcome (default: outcome); several times: a model of each "
        "endpoint is trained in its own folder, and endpoints.csv compares them",
    )  # fmt: skip
    parser.add_argument("--name", default=Purpose.name, help="the model's name: letters, digits, hyphens")
    parser.add_argument("--title", default=Purpose.title, help="its title in reports")
    endpoint = Purpose.endpoint
    parser.add_argument("--endpoint", default=endpoint.name, help="what the score predicts, e.g. 'lung metastasis'")
    parser.add_argument("--positive", default=endpoint.positive, help="name of a score at or above the cut-off")
    parser.add_argument("--negative", default=endpoint.negative, help="name of a score below the cut-off")
    parser.add_argument("--description", default=Purpose.cohort, help="of the cohort, for the model card")
    parser.add_argument("--licence", default=Purpose.licence, help="of the model, for the model card")
    parser.add_argument("--attribution", default="", help="source of the training data, for the model card")
    parser.add_argument(
        "--frozen-habitats", action="store_true",
        help="fit the habitats once, on all cases, instead of in each fold; the model's evidence states this",
    )  # fmt: skip
    parser.add_argument(
        "--second-reader", type=Path, metavar="images.csv",
        help="a second reader's masks of some or all cases: features are kept by their inter-observer agreement "
        "instead of their agreement on perturbed copies; the protocol's robustness sets ICC and threshold",
    )  # fmt: skip
    parser.add_argument(
        "--repeat-reading", type=Path, metavar="images.csv",
        help="the same reader's masks of some or all cases, drawn a second time: features are kept by their "
        "intra-observer agreement; with --second-reader, those that reach the threshold in both",
    )  # fmt: skip
    parser.add_argument(
        "--complete-cases", action="store_true", help="leave out cases that lack a sequence instead of stopping"
    )
    parser.add_argument(
        "--test-cohort", type=Path, metavar="images.csv", help="new patients, to evaluate the frozen model on"
    )
    parser.add_argument("--test-clinical", type=Path, metavar="clinical.csv", help="their outcomes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train a model, or one for each endpoint."""
    check_cohort_output(arguments)
    protocol = load_protocol(arguments.protocol)
    endpoints = arguments.outcome or [OUTCOME]
    if len(endpoints) == 1:
        return _train(arguments, protocol, endpoints[0], endpoints, arguments.out, _purpose(arguments))[1]
    check_endpoints(endpoints)
    trained, statuses = {}, []
    for name in endpoints:
        print(f"{name}:")
        purpose = replace(_purpose(arguments), name=f"{arguments.name}-{name.replace('_', '-')}")
        if arguments.endpoint == OUTCOME:
            purpose = replace(purpose, endpoint=purpose.endpoint.model_copy(update={"name": name}))
        trained[name], status = _train(arguments, protocol, name, endpoints, arguments.out / name, purpose)
        statuses.append(status)
    write_csv(endpoints_table(trained), arguments.out / "endpoints.csv")
    print(f"Endpoints: {arguments.out / 'endpoints.csv'}")
    return max(statuses)


def _train(
    arguments: argparse.Namespace,
    protocol: Protocol,
    outcome: str,
    endpoints: Sequence[str],
    folder: Path,
    purpose: Purpose,
) -> tuple[Training, int]:
    """Train a model of one endpoint; all endpoints share the measured features."""
    from HabitatRadiomicsLib.reporting.study.files import check_answers, write_external, write_training

    moments = timepoints_of(protocol, arguments.timepoint)
    load = partial(
        load_cohort, timepoint=arguments.timepoint, timepoints=moments, outcome=outcome, other_outcomes=endpoints
    )
    cohort = load(arguments.cohort, arguments.clinical)
    test = _test_cohort(arguments, cohort, load)
    for option, kind in READINGS.items():
        table = getattr(arguments, option.replace("-", "_"))
        if table is not None:
            _check_robustness(protocol, option)
            cohort = with_reading(cohort, table, kind, timepoint=arguments.timepoint, timepoints=moments)
    check_answers(folder, arguments.answers)
    check_cohort_outcomes(cohort, protocol.learning)
    if test is not None:
        check_sites_known(cohort, test, protocol)
    nomogram = protocol.learning.nomogram
    left_out = left_out_sentences(list(cohort.covariates.values()), (nomogram and nomogram.factors) or ())
    print("\n".join([*sample_size(cohort, protocol), *left_out, work_of(cohort, protocol).sentence()]), flush=True)
    with scheduler(arguments.scheduler), progress_bar("train") as progress:
        of_training = part(progress, 0, 1 if test is None else 0.85)
        training = train_model(
            cohort, protocol, purpose, arguments.out / WORK_FOLDER, frozen_habitats=arguments.frozen_habitats,
            complete_cases=arguments.complete_cases, jobs=arguments.jobs, resample_mask=arguments.resample_mask,
            progress=part(of_training, 0, 0.95),
        )  # fmt: skip
        write_text(folder / "model.json", model_text(training.model))
        write_training(folder, training, answers=arguments.answers, progress=part(of_training, 0.95, 1))
        evaluation = None
        if test is not None:
            evaluation = evaluate_model(
                folder / "model.json", test, folder / "test", jobs=arguments.jobs,
                resample_mask=arguments.resample_mask, progress=part(progress, 0.85, 0.98),
            )  # fmt: skip
            write_external(folder / "test", evaluation, answers=arguments.answers, progress=part(progress, 0.98, 1))
    print("\n".join(training_lines(folder, training)))
    if evaluation is not None:
        print("\n".join(evaluation_lines(folder / "test", evaluation)))
    lost = training.study.features.problems or (evaluation is not None and evaluation.result.problems)
    return training, 3 if lost else 0


def check_endpoints(names: Sequence[str]) -> None:
    """Refuse endpoints that cannot become names of folders and models.

    Raises:
        CohortError: an endpoint is named twice, or has other characters than letters, digits, hyphens and
            underscores.
    """
    for name in names:
        if not re.fullmatch(NAME_PATTERN, name.replace("_", "-")) or names.count(name) > 1 or name == WORK_FOLDER:
            raise CohortError(
                f"'{name}' cannot be one of several endpoints.",
                where="--outcome",
                remedy="Name columns of letters, digits, hyphens and underscores, and each once.",
            )


def endpoints_table(trained: Mapping[str, Training]) -> pd.DataFrame:
    """A row per endpoint: the number of cases, the model's performance, and the model."""
    import pandas as pd

    rows = []
    for name, training in trained.items():
        evidence, classifier, chosen = training.model.evidence, training.model.classifier, training.learned.chosen
        assert evidence.performance is not None
        assert chosen is not None
        rows.append(
            {
                "endpoint": name,
                "cases": evidence.cases,
                "events": evidence.events,
                **evidence.performance.model_dump(include={"auc", "auc_low", "auc_high"}),
                "chosen": chosen.name,
                "classifier": "linear" if classifier is None else classifier.name,
                "model": training.model.name,
            }
        )
    return pd.DataFrame(rows)


def training_lines(folder: Path, training: Training) -> list[str]:
    """The result, and the path of its report."""
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


def _check_robustness(protocol: Protocol, option: str) -> None:
    if protocol.robustness is None:
        raise ProtocolError(
            "Repeated segmentations are given, but the protocol does not ask for robust features.",
            where=f"--{option}",
            remedy="Add to the protocol, for instance: robustness: {icc: '2,1', threshold: 0.8}",
        )


def _test_cohort(
    arguments: argparse.Namespace, training: Cohort, load: Callable[[Path, Path], Cohort]
) -> Cohort | None:
    if (arguments.test_cohort is None) != (arguments.test_clinical is None):
        raise CohortError(
            "A test cohort needs images and outcomes; one of the two tables is missing.",
            where="--test-cohort and --test-clinical",
        )
    if arguments.test_cohort is None:
        return None
    test = load(arguments.test_cohort, arguments.test_clinical)
    check_outcomes_of_both(test)
    check_apart(training, test)
    return test


def _purpose(arguments: argparse.Namespace) -> Purpose:
    return Purpose(
        name=arguments.name,
        title=arguments.title,
        endpoint=Endpoint(name=arguments.endpoint, positive=arguments.positive, negative=arguments.negative),
        cohort=arguments.description,
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
        what = "Rad-score" if model.nomogram is None else "Nomogram"
        lines += [f"{what} of {count} {'terms' if model.nomogram else 'feature' + ('s' if count > 1 else '')}:"]
        lines += [f"  {feature.coefficient:+.3f}  {feature.name}" for feature in model.features]
    return [*lines, *(f"{line}." for line in evidence_lines(model))]


def evidence_lines(model: Model) -> list[str]:
    """The evidence for a model, as sentences without their full stops."""
    evidence, area, held_out = model.evidence, model.evidence.performance, model.cutoff.held_out
    lines = [f"{evidence.cases} cases" + (f", {evidence.events} with the outcome" if evidence.events else "")]
    if evidence.excluded:
        lines[0] += f"; {evidence.excluded} more could not be measured"
    if area is not None:
        lines.append(f"AUC {area.auc:.2f} (95% interval {area.auc_low:.2f} to {area.auc_high:.2f}): {area.method}")
    if held_out is not None:
        lines.append(
            f"At the cut-off {model.cutoff.value:.3f}, on held-out cases: sensitivity {held_out.sensitivity:.0%}, "
            f"specificity {held_out.specificity:.0%}"
        )
    return lines
