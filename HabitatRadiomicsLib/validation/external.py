"""Evaluates a frozen model on cases that it never saw, and records each time a test set is opened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.cohort.cohort import cohort_digest
from HabitatRadiomicsLib.errors import CohortError, OutputError
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.model import Model, load_model, model_digest
from HabitatRadiomicsLib.model.prediction import classifier_inputs
from HabitatRadiomicsLib.outputs import WORK_FOLDER, check_writable, write_text
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.scoring.cohort import CohortScores, score_cohort
from HabitatRadiomicsLib.scoring.explanation import explained_names
from HabitatRadiomicsLib.validation.nested import CLINICAL, NOMOGRAM, RAD_SCORE_ALONE


@dataclass(frozen=True)
class Opening:
    """One look at a test set.

    Attributes:
        time: in UTC, ISO 8601.
        cohort_sha256: of the cohort's images, masks and outcomes.
        cases: number of cases in the cohort.
    """

    time: str
    model_sha256: str
    cohort_sha256: str
    cases: int


def log_of(model: Path) -> Path:
    """Path of a model file's log, beside the file."""
    return model.with_suffix(".openings.jsonl")


def record_opening(log: Path, model_sha256: str, cohort: Cohort) -> list[Opening]:
    """Record that a model is about to be evaluated on a cohort; returns all openings of the same pair, this one last.

    Raises:
        OutputError: the log cannot be written, or is no log.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    entry = Opening(now, model_sha256, cohort_digest(cohort), len(cohort.cases))
    entries = [*read_openings(log), entry]
    write_text(log, "".join(json.dumps(asdict(row)) + "\n" for row in entries))
    return [row for row in entries if (row.model_sha256, row.cohort_sha256) == (model_sha256, entry.cohort_sha256)]


def opening_sentence(openings: list[Opening]) -> str:
    """The sentence in a report about the openings."""
    if len(openings) == 1:
        return f"This model saw this cohort for the first time on {openings[0].time}."
    return (
        f"This model had seen this cohort before: first on {openings[0].time}, {len(openings)} times in all. Changes "
        "made in between were chosen with knowledge of the test set."
    )


def read_openings(log: Path) -> list[Opening]:
    """Every opening in a log; empty where there is no log yet.

    Raises:
        OutputError: it cannot be read, or is no log.
    """
    try:
        lines = log.read_text(encoding="utf-8").splitlines()
        return [Opening(**json.loads(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(
            "The log of this model's test sets cannot be read.",
            where=str(log),
            remedy="Restore it from a copy; without it, a first look cannot be distinguished from a second.",
        ) from error


@dataclass(frozen=True)
class ExternalValidation:
    """Outcomes and scores of the cases that could be scored.

    Attributes:
        outcome, scores: shape (cases,).
        probability: None if the model gives none.
        contributions: of the model's features, or of its classifier's inputs, shape (cases, features or inputs).
        values: of the features, shape (cases, features).
        openings: every opening of this cohort by this model, the current one last.
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
        """The patient of each case, shape (cases,)."""
        return np.array([self.cohort.patient_of(case.case_id) for case in self.scored.cases])

    @property
    def scored(self) -> Cohort:
        """The cases that could be scored."""
        return self.cohort.only(self.result.documents)

    @property
    def name(self) -> str:
        """The name of the model's score in tables and figures."""
        return NOMOGRAM if self.model.nomogram else self.model.name

    @property
    def compared(self) -> dict[str, np.ndarray]:
        """The scores with which the model's score is compared, by name, each of shape (cases,).

        For a nomogram with clinical factors, the rad-score in it, and the clinical model of its training cases, as log
        odds; for a classifier of several inputs, those that are rad-scores. Other models have none.
        """
        model, part = self.model, self.model.nomogram
        scores = {}
        if part is not None:
            if part.inputs and part.rad_score.coefficient:
                names = [feature.name for feature in model.features]
                cases = zip(self.scores.tolist(), self.values.tolist())
                alone = [part.rad_score_of(score, dict(zip(names, row))) for score, row in cases]
                scores[RAD_SCORE_ALONE] = np.array(alone)
            if part.clinical_model is not None:
                rows = [self.cohort.covariates.get(case.case_id, {}) for case in self.scored.cases]
                scores[CLINICAL] = np.array([part.clinical_model.linear(row) for row in rows])
        elif model.classifier is not None and len(model.classifier.inputs) > 1:
            for row, values in zip(model.classifier.inputs, classifier_inputs(model, self.values).T):
                if row.name.startswith(RAD_SCORE_PREFIX):
                    scores[row.name] = values
        return scores


def evaluate_model(
    model: Model | str | Path,
    cohort: Cohort,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> ExternalValidation:
    """Score new patients with a frozen model, then compare the scores with their outcomes; nothing is fitted.

    Args:
        model: a bundled model's name, a file, or a model. The log of its openings lies beside its file; of a model
            without a file, in the folder.
        cohort: with outcomes.
        folder: where finished cases are kept, for this run and the next, in a folder of their own.
        jobs: number of processes; the result does not depend on it.

    Raises:
        CohortError: no outcomes, or fewer than two cases of one that could be scored.
        OutputError: the folder or the log cannot be read or written.
    """
    frozen = load_model(model)
    check_outcomes_of_both(cohort)
    has_file = isinstance(model, (str, Path)) and Path(model).is_file()
    log = log_of(Path(str(model)) if has_file else folder / f"{frozen.name}.json")
    read_openings(log)  # a log that cannot be read or written is reported before the long work starts
    check_writable(log.parent)
    result = score_cohort(
        cohort, frozen, folder / WORK_FOLDER, jobs=jobs, resample_mask=resample_mask, progress=progress
    )
    # Scores need no outcome; from here on, the test set has been opened.
    return external_validation(frozen, cohort, result, record_opening(log, model_digest(frozen), cohort))


def outcomes_of(cohort: Cohort) -> list[int]:
    """The outcome of each case, 0 or 1.

    Raises:
        CohortError: a case has none.
    """
    if any(case.case_id not in cohort.outcomes for case in cohort.cases):
        raise CohortError("The cases have no outcomes.", remedy="Give them in clinical.csv.")
    return [cohort.outcomes[case.case_id] for case in cohort.cases]


def check_outcomes_of_both(cohort: Cohort) -> None:
    """Refuse a cohort on which nothing can be evaluated.

    Raises:
        CohortError: no outcomes, or fewer than two cases of one.
    """
    events = sum(outcomes_of(cohort))
    others = len(cohort.cases) - events
    if min(events, others) < 2:
        raise CohortError(
            f"There are {events} cases with outcome 1 and {others} with 0; an evaluation needs at least 2 of each.",
            where="clinical.csv",
        )


def external_validation(
    model: Model, cohort: Cohort, result: CohortScores, openings: list[Opening]
) -> ExternalValidation:
    """Scores and outcomes together; refused as by `check_outcomes_of_both`, of the cases that could be scored."""
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
