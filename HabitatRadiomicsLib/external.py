"""A frozen model on new patients: how good its scores are where nothing was fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cohort import Cohort
from HabitatRadiomicsLib.cohort_scoring import CohortScores
from HabitatRadiomicsLib.errors import CohortError, EvaluationError
from HabitatRadiomicsLib.evaluation import (
    decision_curve,
    hosmer_lemeshow_test,
    performance_table_row,
    spiegelhalter_test,
)
from HabitatRadiomicsLib.explanation.contributions import explained_names
from HabitatRadiomicsLib.freezing import interval_of
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.openings import Opening, opening_sentence
from HabitatRadiomicsLib.study_parts import (
    calibration_numbers,
    confusion,
    counted_problems,
    flat_estimates,
    flow,
    header,
    model_part,
    table_1,
)


@dataclass(frozen=True)
class ExternalValidation:
    """Outcomes and scores of the cases that could be scored.

    Attributes:
        outcome, scores: shape (cases,).
        probability: None when the model gives none.
        contributions: of the model's features, or of its classifier's inputs, shape (cases, features or inputs).
        values: of the features, shape (cases, features).
        openings: every look of this model at this cohort, the present one last.
    """

    model: Model
    cohort: Cohort
    result: CohortScores
    outcome: np.ndarray
    scores: np.ndarray
    probability: np.ndarray | None
    contributions: np.ndarray
    values: np.ndarray
    openings: tuple[Opening, ...]

    @property
    def patients(self) -> np.ndarray:
        """Whose case each is, shape (cases,)."""
        scored = self.cohort.only(self.result.documents)
        return np.array([self.cohort.patient_of(case.case_id) for case in scored.cases])


def check_outcomes_of_both(cohort: Cohort) -> None:
    """Refuse a cohort on which nothing can be evaluated.

    Raises:
        CohortError: no outcomes, or fewer than two cases of one.
    """
    if any(case.case_id not in cohort.outcomes for case in cohort.cases):
        raise CohortError("The cases have no outcomes.", remedy="Give them in clinical.csv.")
    events = sum(cohort.outcomes[case.case_id] for case in cohort.cases)
    others = len(cohort.cases) - events
    if min(events, others) < 2:
        raise CohortError(
            f"There are {events} cases with outcome 1 and {others} with 0; an evaluation needs at least 2 of each.",
            where="clinical.csv",
        )


def external_validation(
    model: Model, cohort: Cohort, result: CohortScores, openings: list[Opening]
) -> ExternalValidation:
    """Put scores and outcomes together.

    Raises:
        CohortError: of the cases that could be scored, fewer than two have one of the outcomes.
    """
    scored = cohort.only(result.documents)
    check_outcomes_of_both(scored)
    documents = [result.documents[case.case_id] for case in scored.cases]
    names, inputs = [feature.name for feature in model.features], explained_names(model)
    rows = [{row["name"]: row for row in document["contributions"]} for document in documents]
    chances = [document["probability"] for document in documents]
    return ExternalValidation(
        model=model,
        cohort=cohort,
        result=result,
        outcome=np.array([cohort.outcomes[case.case_id] for case in scored.cases]),
        scores=np.array([document["score"] for document in documents]),
        probability=None if None in chances else np.array(chances, dtype=float),
        contributions=np.array([[row[name]["shap"] for name in inputs] for row in rows]),
        values=np.array([[document["values"][name] for name in names] for document in documents]),
        openings=tuple(openings),
    )


def external_document(found: ExternalValidation) -> dict[str, Any]:
    """The evaluation in the form of a study document."""
    model, outcome = found.model, found.outcome
    row = performance_table_row(
        outcome, found.scores, model.cutoff.value, seed=model.protocol.seed, clusters=found.patients
    )
    scored = found.cohort.only(found.result.documents)
    return {
        **header(model, found.cohort, title=f"External validation of {model.title}"),
        "flow": flow(len(found.cohort.cases), [], found.result.problems, outcome),
        "characteristics": [row.document() for row in table_1(scored, outcome, seed=model.protocol.seed)],
        "validation": {
            "external": True,
            "method": "The frozen model on cases that had no part in it; nothing was fitted, the cut-off included. "
            + opening_sentence(list(found.openings)),
            "interval": interval_of(scored, held_out=False),
            "candidates": [
                {
                    "name": model.name,
                    "kind": "nomogram" if model.nomogram else "classifier" if model.classifier else "rad-score",
                    **flat_estimates(row),
                    "features": len(model.features),
                    "confusion": confusion(outcome, found.scores, model.cutoff.value),
                }
            ],
        },
        **_probabilities(found),
        "model": model_part(model),
        "problems": counted_problems(found.result.problems),
        "warnings": [],
    }


def _probabilities(found: ExternalValidation) -> dict[str, Any]:
    """Calibration and decision curve of the model's own probabilities."""
    if found.probability is None:
        return {"calibration": None, "decision_curve": None}
    curve = decision_curve(found.outcome, found.probability)
    decisions = {
        "thresholds": curve.thresholds.tolist(), "model": curve.model.tolist(), "treat_all": curve.treat_all.tolist()
    }  # fmt: skip
    try:
        numbers = calibration_numbers(found.outcome, found.probability)
    except EvaluationError as error:
        return {"calibration": None, "calibration_problem": error.problem, "decision_curve": decisions}
    tests = {
        "spiegelhalter_p": spiegelhalter_test(found.outcome, found.probability).p,
        "hosmer_lemeshow_p": _hosmer_lemeshow_p(found.outcome, found.probability),
    }
    return {"calibration": {**numbers, **tests}, "decision_curve": decisions}


def _hosmer_lemeshow_p(outcome: np.ndarray, probability: np.ndarray) -> float | None:
    """None where the cases are too few, or too alike, for its groups."""
    try:
        return hosmer_lemeshow_test(outcome, probability, held_out=True).p
    except EvaluationError:
        return None
