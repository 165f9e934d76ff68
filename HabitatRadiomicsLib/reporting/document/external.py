"""The study document of an external validation: everything that its report says, without an identifier."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.document.figure_building import external_figures
from HabitatRadiomicsLib.reporting.document.learning import odds_ratio_rows
from HabitatRadiomicsLib.reporting.document.parts import (
    calibration_numbers,
    comparison_rows,
    confusion,
    counted_problems,
    flat_estimates,
    flow,
    header,
    model_part,
    table_1,
)
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
    """The evaluation in the form of a study document."""
    model, outcome = evaluation.model, evaluation.outcome
    scores = {evaluation.name: evaluation.scores, **evaluation.compared}
    candidates = [_model_row(evaluation), *(_other_row(evaluation, name) for name in evaluation.compared)]
    document = {
        **header(model, evaluation.cohort, title=f"External validation of {model.title}"),
        "flow": flow(len(evaluation.cohort.cases), [], evaluation.result.problems, outcome),
        "characteristics": [asdict(row) for row in table_1(evaluation.scored, outcome, seed=model.protocol.seed)],
        "validation": {
            "external": True,
            "method": _method(evaluation),
            "interval": interval_of(evaluation.scored, held_out=False),
            "candidates": candidates,
            "comparisons": comparison_rows(outcome, scores, clusters=evaluation.patients),
        },
        **_probabilities(evaluation),
        "nomogram": _nomogram(evaluation),
        "model": model_part(model),
        "problems": counted_problems(evaluation.result.problems),
        "warnings": [*_own_reference(evaluation), *model_doubts(model)],
        **external_figures(evaluation, candidates),
    }
    return ExternalStudy.model_validate(document)


def _method(evaluation: ExternalValidation) -> str:
    clustered = len(set(evaluation.patients.tolist())) < len(evaluation.patients)
    others = "; the calibration's intervals take cases as independent" if clustered else ""
    interval = interval_of(evaluation.scored, held_out=False)
    return (
        "The frozen model on cases that had no part in it; nothing was fitted, the cut-off included. "
        f"AUCs have a {interval}{others}. {opening_sentence(list(evaluation.openings))}"
    )


def _model_row(evaluation: ExternalValidation) -> dict[str, Any]:
    model = evaluation.model
    row = performance_table_row(
        evaluation.outcome,
        evaluation.scores,
        model.cutoff.value,
        seed=model.protocol.seed,
        clusters=evaluation.patients,
    )
    return {
        "name": evaluation.name,
        "kind": "nomogram" if model.nomogram else "classifier" if model.classifier else "rad-score",
        **flat_estimates(row),
        "features": len(model.features),
        "confusion": confusion(evaluation.outcome, evaluation.scores, model.cutoff.value),
    }


def _other_row(evaluation: ExternalValidation, name: str) -> dict[str, Any]:
    """What the model is compared with. It has no cut-off of its own, and nothing that depends on one."""
    model, scores = evaluation.model, evaluation.compared[name]
    area = auc_with_interval(evaluation.outcome, scores, clusters=evaluation.patients)
    weights = {row.name: row.weights for row in model.classifier.inputs} if model.classifier else {}
    row = {
        "auc": Estimate(area.auc, area.low, area.high),
        "auprc": average_precision_with_interval(
            evaluation.outcome, scores, seed=model.protocol.seed, clusters=evaluation.patients
        ),
    }
    return {
        "name": name,
        "kind": {RAD_SCORE_ALONE: "rad-score alone", CLINICAL: "clinical"}.get(name, "rad-score"),
        **flat_estimates(row),
        "features": None if name == CLINICAL else len(weights.get(name, model.measured_features)),
    }


def _probabilities(evaluation: ExternalValidation) -> dict[str, Any]:
    """Calibration and decision curve of the model's own probabilities."""
    from scipy.special import expit

    if evaluation.probability is None:
        return {"calibration": None, "decision_curve": None}
    curve = decision_curve(evaluation.outcome, evaluation.probability)
    decisions = {
        "thresholds": curve.thresholds.tolist(), "model": curve.model.tolist(), "treat_all": curve.treat_all.tolist()
    }  # fmt: skip
    if CLINICAL in evaluation.compared:  # of the others no probabilities are known
        decisions[CLINICAL] = decision_curve(evaluation.outcome, expit(evaluation.compared[CLINICAL])).model.tolist()
    return {**_calibration(evaluation.outcome, evaluation.probability), "decision_curve": decisions}


def _calibration(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Of cases that the model has not seen; where these cases know no slope, what does without one."""
    brier = brier_score(outcome, probability)
    numbers: dict[str, Any] = {"brier": brier.score, "scaled_brier": brier.scaled}
    problem = {}
    try:
        line = recalibration(outcome, probability)
        numbers = {**calibration_numbers(outcome, probability)}
        numbers |= flat_estimates({"slope": line.slope, "intercept": line.intercept, "citl": line.in_the_large})
    except EvaluationError as error:
        problem = {"calibration_problem": error.problem}
    return {"calibration": {**numbers, **_calibration_tests(outcome, probability)}, **problem}


def _calibration_tests(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """A test is missing where the cases are too few, or too alike, for it."""
    numbers: dict[str, Any] = {}
    try:
        numbers["spiegelhalter_p"] = spiegelhalter_test(outcome, probability).p
    except EvaluationError:
        numbers["spiegelhalter_p"] = None
    try:
        # Nothing was fitted to these cases: as many degrees of freedom as groups.
        test = hosmer_lemeshow_test(outcome, probability, held_out=True)
    except EvaluationError:
        return {**numbers, "hosmer_lemeshow_p": None}
    statistic = {"hosmer_lemeshow_statistic": test.statistic, "hosmer_lemeshow_degrees": test.degrees}
    return {**numbers, **statistic, "hosmer_lemeshow_p": test.p}


def _nomogram(evaluation: ExternalValidation) -> dict[str, Any] | None:
    """The frozen nomogram's terms, as its training cases gave them."""
    part = evaluation.model.nomogram
    if part is None:
        return None
    rows = [row for row in odds_ratio_rows(part) if row["model"] == "nomogram"]
    return {"fitted": True, "odds_ratios": rows, "intercept": part.intercept}


def _own_reference(evaluation: ExternalValidation) -> list[str]:
    """Where means and SD of published coefficients come from these very cases."""
    reference = evaluation.model.reference
    if reference is None or document_digest(evaluation.values.tolist()) != reference.features_sha256:
        return []
    return [
        "The means and standard deviations of the model were taken from these very cases, without their outcomes: a "
        "cohort that had no part in it would say more."
    ]
