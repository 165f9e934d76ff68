"""The study document of an external validation: the content of its report, without an identifier of a case."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.document.figure_building import external_figures
from HabitatRadiomicsLib.reporting.document.learning import odds_ratio_rows
from HabitatRadiomicsLib.reporting.document.parts import (
    calibration_numbers,
    common_parts,
    comparison_rows,
    confusion,
    counted_problems,
    flat_estimates,
)
from HabitatRadiomicsLib.reporting.document.sections import Calibration, ExternalPerformance, FrozenRow, Nomogram
from HabitatRadiomicsLib.reporting.document.study import ExternalStudy
from HabitatRadiomicsLib.scoring.warnings import model_doubts
from HabitatRadiomicsLib.statistics import (
    Estimate,
    auc_with_interval,
    brier_score,
    decision_curve,
    hosmer_lemeshow_test,
    performance_table_row,
    recalibration,
    spiegelhalter_test,
)
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval
from HabitatRadiomicsLib.system.provenance import document_digest
from HabitatRadiomicsLib.training.freezing import interval_of
from HabitatRadiomicsLib.validation.external import ExternalValidation, opening_sentence
from HabitatRadiomicsLib.validation.nested import CLINICAL, RAD_SCORE_ALONE


def external_study(evaluation: ExternalValidation) -> ExternalStudy:
    """The document from which ``report.html``, figures, tables and checklists are made."""
    model, outcome, problems = evaluation.model, evaluation.outcome, evaluation.result.problems
    scores = {evaluation.name: evaluation.scores, **evaluation.compared}
    performance = ExternalPerformance(
        external=True,
        method=_method(evaluation),
        interval=interval_of(evaluation.scored, held_out=False),
        candidates=[_model_row(evaluation), *(_other_row(evaluation, name) for name in evaluation.compared)],
        comparisons=comparison_rows(outcome, scores, clusters=evaluation.patients),
    )
    return ExternalStudy(
        **common_parts(
            model, evaluation.cohort, evaluation.scored, outcome, problems,
            title=f"External validation of {model.title}",
        ),
        validation=performance,
        **_probabilities(evaluation),
        nomogram=_nomogram(evaluation),
        problems=counted_problems(problems),
        warnings=[*_own_reference(evaluation), *model_doubts(model)],
        **external_figures(evaluation, performance.candidates),
    )  # fmt: skip


def _method(evaluation: ExternalValidation) -> str:
    clustered = len(set(evaluation.patients.tolist())) < len(evaluation.patients)
    others = "; the calibration's intervals take cases as independent" if clustered else ""
    interval = interval_of(evaluation.scored, held_out=False)
    return (
        "The frozen model on cases that had no part in it; nothing was fitted, the cut-off included. "
        f"AUCs have a {interval}{others}. {opening_sentence(list(evaluation.openings))}"
    )


def _model_row(evaluation: ExternalValidation) -> FrozenRow:
    model, outcome, scores = evaluation.model, evaluation.outcome, evaluation.scores
    cut_off = model.cutoff.value
    return FrozenRow(
        name=evaluation.name,
        kind="nomogram" if model.nomogram else "classifier" if model.classifier else "rad-score",
        **flat_estimates(
            performance_table_row(outcome, scores, cut_off, seed=model.protocol.seed, clusters=evaluation.patients)
        ),
        features=len(model.features),
        confusion=confusion(outcome, scores, cut_off),
    )


def _other_row(evaluation: ExternalValidation, name: str) -> FrozenRow:
    """A score that the model is compared with. It has no cut-off, and no measure that needs one."""
    model, outcome, patients = evaluation.model, evaluation.outcome, evaluation.patients
    scores = evaluation.compared[name]
    area = auc_with_interval(outcome, scores, clusters=patients)
    weights = {row.name: row.weights for row in model.classifier.inputs} if model.classifier else {}
    return FrozenRow(
        name=name,
        kind={RAD_SCORE_ALONE: "rad-score alone", CLINICAL: "clinical"}.get(name, "rad-score"),
        **flat_estimates(
            {
                "auc": Estimate(area.auc, area.low, area.high),
                "auprc": average_precision_with_interval(outcome, scores, seed=model.protocol.seed, clusters=patients),
            }
        ),
        features=None if name == CLINICAL else len(weights.get(name, model.measured_features)),
    )


def _probabilities(evaluation: ExternalValidation) -> dict[str, Any]:
    """Calibration and decision curve of the model's own probabilities."""
    from scipy.special import expit

    if evaluation.probability is None:
        return {"calibration": None, "decision_curve": None}
    curve = decision_curve(evaluation.outcome, evaluation.probability)
    decisions = {"thresholds": curve.thresholds, "model": curve.model, "treat_all": curve.treat_all}
    if CLINICAL in evaluation.compared:  # the probabilities of the other scores are not known
        decisions[CLINICAL] = decision_curve(evaluation.outcome, expit(evaluation.compared[CLINICAL])).model
    return {**_calibration(evaluation.outcome, evaluation.probability), "decision_curve": decisions}


def _calibration(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Calibration on cases that the model has not seen; if these have no slope, the measures that need none."""
    brier = brier_score(outcome, probability)
    numbers: dict[str, Any] = {"brier": brier.score, "scaled_brier": brier.scaled}
    problem = {}
    try:
        line = recalibration(outcome, probability)
        numbers |= calibration_numbers(outcome, probability)
        numbers |= flat_estimates({"slope": line.slope, "intercept": line.intercept, "citl": line.in_the_large})
    except EvaluationError as error:
        problem = {"calibration_problem": error.problem}
    return {"calibration": Calibration(**numbers, **_calibration_tests(outcome, probability)), **problem}


def _calibration_tests(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """The p value of a test is None if the cases are too few, or too alike, for it."""
    numbers: dict[str, Any] = {"spiegelhalter_p": None, "hosmer_lemeshow_p": None}
    with suppress(EvaluationError):
        numbers["spiegelhalter_p"] = spiegelhalter_test(outcome, probability).p
    with suppress(EvaluationError):
        # Nothing was fitted to these cases: as many degrees of freedom as groups.
        test = hosmer_lemeshow_test(outcome, probability, held_out=True)
        numbers |= {
            "hosmer_lemeshow_statistic": test.statistic,
            "hosmer_lemeshow_degrees": test.degrees,
            "hosmer_lemeshow_p": test.p,
        }
    return numbers


def _nomogram(evaluation: ExternalValidation) -> Nomogram | None:
    """The terms of the frozen nomogram, as its training cases gave them."""
    part = evaluation.model.nomogram
    if part is None:
        return None
    rows = [row for row in odds_ratio_rows(part) if row.model == "nomogram"]
    return Nomogram(fitted=True, odds_ratios=rows, intercept=part.intercept)


def _own_reference(evaluation: ExternalValidation) -> list[str]:
    """A warning if means and SD of published coefficients come from these very cases."""
    reference = evaluation.model.reference
    if reference is None or document_digest(evaluation.values.tolist()) != reference.features_sha256:
        return []
    return [
        "The means and standard deviations of the model were taken from these very cases, without their outcomes: a "
        "cohort that had no part in it would say more."
    ]
