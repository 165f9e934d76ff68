"""Scores a cohort with one frozen model; each score equals, to the last bit, that of the patient alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.cases import Case, volume_ml
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.model import Model, load_model, model_digest
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.patient_scores import Aggregation, aggregate
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.system.provenance import document_digest, versions

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class CohortScores:
    """The scores of a cohort.

    Attributes:
        documents: ``score.json`` of each case that could be scored, in the cohort's order; with the lesion's
            ``volume_ml``, by the mask of the model's first sequence.
        problems: why the others could not.
        reused: cases taken over from an earlier run.
    """

    model: Model
    documents: Mapping[str, Mapping[str, Any]]
    problems: tuple[CaseProblem, ...]
    reused: int

    @property
    def table(self) -> pd.DataFrame:
        """``scores.csv``: a row per case with score, interval, probability, call, warnings and what has to stand by it.

        Numbers that the model does not give are NaN.
        """
        import pandas as pd

        nothing = {"low": None, "high": None}
        rows = []
        for case_id, document in self.documents.items():
            interval = document["score_interval"] or nothing
            probability_interval = document["probability_interval"] or nothing
            rows.append(
                {
                    "case_id": case_id,
                    "score": document["score"],
                    "score_low": interval["low"],
                    "score_high": interval["high"],
                    "cutoff": document["cutoff"]["value"],
                    "call": document["call"],
                    "probability": document["probability"],
                    "probability_low": probability_interval["low"],
                    "probability_high": probability_interval["high"],
                    "warnings": " ".join(document["warnings"]),
                    "model": self.model.name,
                    "notice": notice(self.model),
                }
            )
        numbers = [name for name in rows[0] if name.startswith(("score", "probability", "cutoff"))]
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))


def score_cohort(
    cohort: Cohort,
    model: Model | str | Path,
    folder: str | Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> CohortScores:
    """Score all cases; a failing one never stops the others.

    Args:
        cohort: see :func:`load_cohort`.
        model: bundled name, JSON file or model.
        folder: where finished cases are kept, for this run and the next.
        jobs: processes; the result does not depend on it.

    Raises:
        CohortError: no case could be scored.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> scores = hr.score_cohort(hr.load_cohort("new/images.csv"), "t790m-spine-demo", "scores")
        >>> scores.table["call"].tolist()
        ['T790M-negative', 'T790M-positive', 'T790M-negative', 'T790M-negative']
    """
    model, folder = load_model(model), Path(folder)
    engine = choose_engine(model.protocol.features)
    check_writable(folder)
    clinical = {case.case_id: _clinical(cohort, model, case.case_id) for case in cohort.cases}
    key = document_digest(
        {
            "model": model_digest(model),
            "versions": {**versions(), "engine": f"{engine.name} {engine.version}"},
            "resample_mask": resample_mask,
            "sites": dict(cohort.sites),
            "clinical": clinical,
            "besides": ["volume_ml"],
        }
    )
    answer = partial(_answer, model=model, sites=dict(cohort.sites), clinical=clinical)
    work = CaseWork(folder / "scores", key, model.sequences, resample_mask, answer)
    answers, problems, reused = run_cases(cohort.cases, work, jobs, progress)
    refuse_empty(answers, problems)
    documents = {case.case_id: answers[case.case_id] for case in cohort.cases if case.case_id in answers}
    return CohortScores(model, documents, tuple(problems), reused)


def patient_table(
    scores: CohortScores, cohort: Cohort, how: Aggregation, *, outcomes: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """``patients.csv``: a row per patient with a score from those of the lesions.

    There is no probability: the model's calibration is that of lesions.

    Args:
        outcomes: by patient, for a column of their own; None: there is none.
    """
    import pandas as pd

    patients = {case.case_id: cohort.patient_of(case.case_id) for case in cohort.cases}
    by_patient = aggregate(
        {case_id: document["score"] for case_id, document in scores.documents.items()},
        patients,
        how,
        volumes={case_id: document["volume_ml"] for case_id, document in scores.documents.items()},
    )
    endpoint, cutoff = scores.model.endpoint, scores.model.cutoff.value
    cases = Counter(patients.values())
    return pd.DataFrame(
        {
            "patient": row.patient,
            **({} if outcomes is None else {"outcome": outcomes[row.patient]}),
            "score": row.score,
            "how": how,
            "case_id": row.lesion or "",
            "cases_scored": len(row.lesions),
            "cases_not_scored": cases[row.patient] - len(row.lesions),
            "cutoff": cutoff,
            "call": endpoint.positive if row.score >= cutoff else endpoint.negative,
            "model": scores.model.name,
            "notice": notice(scores.model),
        }
        for row in by_patient
    )


def _clinical(cohort: Cohort, model: Model, case_id: str) -> dict[str, str]:
    """What the model asks for, as the clinical table has it; empty where it has nothing."""
    given = cohort.covariates.get(case_id, {})
    return {} if model.nomogram is None else {one.name: given.get(one.name, "") for one in model.nomogram.inputs}


def _answer(case: Case, model: Model, sites: Mapping[str, str], clinical: Mapping[str, Mapping[str, str]]) -> Answer:
    given = clinical.get(case.case_id, {})
    document = score_case(case, model, site=sites.get(case.case_id), clinical=given).document()
    return {**document, "volume_ml": volume_ml(case.sequences[model.sequences[0]].mask)}
