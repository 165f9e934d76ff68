"""Everything a report says of an external validation, as one JSON document without an identifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.model.score_names import CLINICAL, RAD_SCORE_ALONE
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
from HabitatRadiomicsLib.validation.external import ExternalValidation
from HabitatRadiomicsLib.validation.openings import opening_sentence


def external_document(found: ExternalValidation) -> dict[str, Any]:
    """The evaluation in the form of a study document."""
    model, outcome = found.model, found.outcome
    scores = {found.name: found.scores, **found.compared}
    return {
        **header(model, found.cohort, title=f"External validation of {model.title}"),
        "flow": flow(len(found.cohort.cases), [], found.result.problems, outcome),
        "characteristics": [row.document() for row in table_1(found.scored, outcome, seed=model.protocol.seed)],
        "validation": {
            "external": True,
            "method": _method(found),
            "interval": interval_of(found.scored, held_out=False),
            "candidates": [_model_row(found), *(_other_row(found, name) for name in found.compared)],
            "comparisons": comparison_rows(outcome, scores, clusters=found.patients),
        },
        **_probabilities(found),
        "nomogram": _nomogram(found),
        "model": model_part(model),
        "problems": counted_problems(found.result.problems),
        "warnings": [*_own_reference(found), *model_doubts(model)],
    }


def _method(found: ExternalValidation) -> str:
    clustered = len(set(found.patients.tolist())) < len(found.patients)
    others = "; the calibration's intervals take cases as independent" if clustered else ""
    return (
        "The frozen model on cases that had no part in it; nothing was fitted, the cut-off included. "
        f"AUCs have a {interval_of(found.scored, held_out=False)}{others}. {opening_sentence(list(found.openings))}"
    )


def _model_row(found: ExternalValidation) -> dict[str, Any]:
    model = found.model
    row = performance_table_row(
        found.outcome, found.scores, model.cutoff.value, seed=model.protocol.seed, clusters=found.patients
    )
    return {
        "name": found.name,
        "kind": "nomogram" if model.nomogram else "classifier" if model.classifier else "rad-score",
        **flat_estimates(row),
        "features": len(model.features),
        "confusion": confusion(found.outcome, found.scores, model.cutoff.value),
    }


def _other_row(found: ExternalValidation, name: str) -> dict[str, Any]:
    """What the model is compared with. It has no cut-off of its own, and nothing that depends on one."""
    model, scores = found.model, found.compared[name]
    area = auc_with_interval(found.outcome, scores, clusters=found.patients)
    weights = {row.name: row.weights for row in model.classifier.inputs} if model.classifier else {}
    row = {
        "auc": Estimate(area.auc, area.low, area.high),
        "auprc": average_precision_with_interval(
            found.outcome, scores, seed=model.protocol.seed, clusters=found.patients
        ),
    }
    return {
        "name": name,
        "kind": {RAD_SCORE_ALONE: "rad-score alone", CLINICAL: "clinical"}.get(name, "rad-score"),
        **flat_estimates(row),
        "features": None if name == CLINICAL else len(weights.get(name, model.measured_features)),
    }


def _probabilities(found: ExternalValidation) -> dict[str, Any]:
    """Calibration and decision curve of the model's own probabilities."""
    from scipy.special import expit

    if found.probability is None:
        return {"calibration": None, "decision_curve": None}
    curve = decision_curve(found.outcome, found.probability)
    decisions = {
        "thresholds": curve.thresholds.tolist(), "model": curve.model.tolist(), "treat_all": curve.treat_all.tolist()
    }  # fmt: skip
    if CLINICAL in found.compared:  # of the others no probabilities are known
        decisions[CLINICAL] = decision_curve(found.outcome, expit(found.compared[CLINICAL])).model.tolist()
    return {**_calibration(found.outcome, found.probability), "decision_curve": decisions}


def _calibration(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """Of cases that the model has not seen; where these cases know no slope, what does without one."""
    brier = brier_score(outcome, probability)
    found: dict[str, Any] = {"brier": brier.score, "scaled_brier": brier.scaled}
    problem = {}
    try:
        line = recalibration(outcome, probability)
        found = {**calibration_numbers(outcome, probability)}
        found |= flat_estimates({"slope": line.slope, "intercept": line.intercept, "citl": line.in_the_large})
    except EvaluationError as error:
        problem = {"calibration_problem": error.problem}
    return {"calibration": {**found, **_calibration_tests(outcome, probability)}, **problem}


def _calibration_tests(outcome: np.ndarray, probability: np.ndarray) -> dict[str, Any]:
    """A test is missing where the cases are too few, or too alike, for it."""
    found: dict[str, Any] = {}
    try:
        found["spiegelhalter_p"] = spiegelhalter_test(outcome, probability).p
    except EvaluationError:
        found["spiegelhalter_p"] = None
    try:
        # Nothing was fitted to these cases: as many degrees of freedom as groups.
        test = hosmer_lemeshow_test(outcome, probability, held_out=True)
    except EvaluationError:
        return {**found, "hosmer_lemeshow_p": None}
    statistic = {"hosmer_lemeshow_statistic": test.statistic, "hosmer_lemeshow_degrees": test.degrees}
    return {**found, **statistic, "hosmer_lemeshow_p": test.p}


def _nomogram(found: ExternalValidation) -> dict[str, Any] | None:
    """The frozen nomogram's terms, as its training cases gave them."""
    part = found.model.nomogram
    if part is None:
        return None
    rows = [row for row in odds_ratio_rows(part) if row["model"] == "nomogram"]
    return {"fitted": True, "odds_ratios": rows, "intercept": part.intercept}


def _own_reference(found: ExternalValidation) -> list[str]:
    """Where means and SD of published coefficients come from these very cases."""
    reference = found.model.reference
    if reference is None or document_digest(found.values.tolist()) != reference.features_sha256:
        return []
    return [
        "The means and standard deviations of the model were taken from these very cases, without their outcomes: a "
        "cohort that had no part in it would say more."
    ]
