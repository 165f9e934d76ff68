"""Scores a cohort with one frozen model, each lesion and each patient.

A lesion's score equals, to the last bit, the score that ``score`` gives it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from HabitatRadiomicsLib.cases import Case, volume_ml
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.model import Model, load_model, model_digest
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.system.provenance import document_digest, versions

if TYPE_CHECKING:
    import pandas as pd

#: The highest score of a patient's lesions, their mean, or the score of the largest lesion.
Aggregation = Literal["maximum", "mean", "largest"]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)


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
        """``scores.csv``: a row per case with score, interval, probability, call, warnings, and the model's notice.

        Numbers that the model does not give are NaN.
        """
        import pandas as pd

        def ends(name: str, interval: Mapping[str, float] | None) -> dict[str, float | None]:
            return {f"{name}_{end}": None if interval is None else interval[end] for end in ("low", "high")}

        rows = [
            {
                "case_id": case_id,
                "score": document["score"],
                **ends("score", document["score_interval"]),
                "cutoff": document["cutoff"]["value"],
                "call": document["call"],
                "probability": document["probability"],
                **ends("probability", document["probability_interval"]),
                "warnings": " ".join(document["warnings"]),
                "model": self.model.name,
                "notice": notice(self.model),
            }
            for case_id, document in self.documents.items()
        ]
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
    model = load_model(model)
    sites = dict(cohort.sites)
    # The clinical values that the model needs; empty where the table has none.
    names = [] if model.nomogram is None else [row.name for row in model.nomogram.inputs]
    clinical = {
        case.case_id: {name: cohort.covariates.get(case.case_id, {}).get(name, "") for name in names}
        for case in cohort.cases
    }
    documents, problems, reused = answers_of_cases(
        cohort, model, Path(folder) / "scores", partial(_answer, model=model, sites=sites, clinical=clinical),
        {"sites": sites, "clinical": clinical, "besides": ["volume_ml"]},
        jobs=jobs, resample_mask=resample_mask, progress=progress,
    )  # fmt: skip
    return CohortScores(model, documents, problems, reused)


def answers_of_cases(
    cohort: Cohort,
    model: Model,
    folder: Path,
    answer: Callable[[Case], Answer],
    settings: Mapping[str, object],
    *,
    jobs: int,
    resample_mask: bool,
    progress: Progress,
) -> tuple[dict[str, Answer], tuple[CaseProblem, ...], int]:
    """An answer for each case of a cohort that a model can measure, in the cohort's order.

    Args:
        folder: where finished cases are kept, for this run and the next.
        settings: what the answer depends on, besides model, versions and ``resample_mask``.

    Returns:
        Answers by case, why the other cases have none, and the number of answers from an earlier run.

    Raises:
        CohortError: no case has an answer.
    """
    engine = choose_engine(model.protocol.features)
    check_writable(folder.parent)
    document = {
        "model": model_digest(model),
        "versions": {**versions(), "engine": f"{engine.name} {engine.version}"},
        "resample_mask": resample_mask,
        **settings,
    }
    work = CaseWork(folder, document_digest(document), model.sequences, resample_mask, answer)
    answers, problems, reused = run_cases(cohort.cases, work, jobs, progress)
    refuse_empty(answers, problems)
    ordered = {case.case_id: answers[case.case_id] for case in cohort.cases if case.case_id in answers}
    return ordered, tuple(problems), reused


@dataclass(frozen=True)
class PatientScore:
    """The score of a patient, from those of the lesions.

    Attributes:
        lesions: the cases that were scored, in the cohort's order.
        lesion: the case whose score was taken; None for the mean of several.
    """

    patient: str
    score: float
    lesions: tuple[str, ...]
    lesion: str | None


def aggregate(
    scores: Mapping[str, float],
    patients: Mapping[str, str],
    how: Aggregation,
    *,
    volumes: Mapping[str, float] | None = None,
) -> tuple[PatientScore, ...]:
    """A score for each patient, in the order of their first cases.

    Args:
        scores: by case.
        patients: the patient of each case; a case that is not listed is a patient of its own.
        how: the rule; of equal cases, the first counts.
        volumes: by case, of any unit; needed for ``largest``.

    Raises:
        EvaluationError: the volume of a case is needed and missing.
    """
    volumes = volumes or {}
    missing = [case_id for case_id in scores if case_id not in volumes]
    if how == "largest" and missing:
        raise EvaluationError(
            f"The largest lesion cannot be determined: the volumes of {', '.join(missing)} are not known."
        )
    lesions: dict[str, list[str]] = defaultdict(list)
    for case_id in scores:
        lesions[patients.get(case_id, case_id)].append(case_id)
    found = []
    for patient, cases in lesions.items():
        lesion: str | None = max(cases, key=(volumes if how == "largest" else scores).__getitem__)
        if how == "mean" and len(cases) > 1:
            lesion = None
        score = scores[lesion] if lesion else sum(scores[case_id] for case_id in cases) / len(cases)
        found.append(PatientScore(patient, score, tuple(cases), lesion))
    return tuple(found)


def patient_table(
    scores: CohortScores, cohort: Cohort, how: Aggregation, *, outcomes: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """``patients.csv``: a row per patient with a score from those of the lesions.

    There is no probability: the model's calibration is that of lesions.

    Args:
        outcomes: by patient, for a column of their own; None: no such column.
    """
    import pandas as pd

    patients = [cohort.patient_of(case.case_id) for case in cohort.cases]
    by_patient = aggregate(
        {case_id: document["score"] for case_id, document in scores.documents.items()},
        {case.case_id: patient for case, patient in zip(cohort.cases, patients)},
        how,
        volumes={case_id: document["volume_ml"] for case_id, document in scores.documents.items()},
    )
    endpoint, cutoff = scores.model.endpoint, scores.model.cutoff.value
    return pd.DataFrame(
        {
            "patient": row.patient,
            **({} if outcomes is None else {"outcome": outcomes[row.patient]}),
            "score": row.score,
            "how": how,
            "case_id": row.lesion or "",
            "cases_scored": len(row.lesions),
            "cases_not_scored": patients.count(row.patient) - len(row.lesions),
            "cutoff": cutoff,
            "call": endpoint.positive if row.score >= cutoff else endpoint.negative,
            "model": scores.model.name,
            "notice": notice(scores.model),
        }
        for row in by_patient
    )


def _answer(case: Case, model: Model, sites: Mapping[str, str], clinical: Mapping[str, Mapping[str, str]]) -> Answer:
    given = clinical.get(case.case_id, {})
    document = score_case(case, model, site=sites.get(case.case_id), clinical=given).document()
    return {**document, "volume_ml": volume_ml(case.sequences[model.sequences[0]].mask)}
