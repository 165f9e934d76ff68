"""The scores of a cohort by one frozen model: each the same, to the last bit, as the patient's alone."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.cases import Case, volume_ml
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.model import Model, model_digest
from HabitatRadiomicsLib.outputs import check_writable, write_text
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.scoring.lesions_of_a_patient import Aggregation, PatientScore, aggregate
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.system.provenance import document_digest, versions


@dataclass(frozen=True)
class CohortScores:
    """What came of a cohort.

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


def score_cohort(
    cohort: Cohort,
    model: Model,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> CohortScores:
    """Score all cases; a failing one never stops the others.

    Args:
        folder: where finished cases are kept, for this run and the next.
        jobs: processes; the result does not depend on it.

    Raises:
        CohortError: no case could be scored.
    """
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


def write_scores(scores: CohortScores, path: Path) -> None:
    """``scores.csv``: a row per case with score, interval, probability, call, warnings and what has to stand by it."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["case_id", "score", "score_low", "score_high", "cutoff", "call", "probability", "probability_low",
         "probability_high", "warnings", "model", "notice"]
    )  # fmt: skip
    for case_id, document in scores.documents.items():
        nothing = {"low": "", "high": ""}
        interval, chance = document["score_interval"] or nothing, document["probability_interval"] or nothing
        probability = "" if document["probability"] is None else document["probability"]
        writer.writerow(
            [case_id, document["score"], interval["low"], interval["high"], document["cutoff"]["value"],
             document["call"], probability, chance["low"], chance["high"], " ".join(document["warnings"]),
             scores.model.name, notice(scores.model)]
        )  # fmt: skip
    write_text(path, stream.getvalue())


def write_patients(
    scores: CohortScores, cohort: Cohort, how: Aggregation, path: Path, *, outcomes: Mapping[str, int] | None = None
) -> tuple[PatientScore, ...]:
    """``patients.csv``: a row per patient with a score from those of the lesions; returns the scores.

    There is no probability: the model's calibration is that of lesions.

    Args:
        outcomes: by patient, for a column of their own; None: there is none.
    """
    patients = {case.case_id: cohort.patient_of(case.case_id) for case in cohort.cases}
    found = aggregate(
        {case_id: document["score"] for case_id, document in scores.documents.items()},
        patients,
        how,
        volumes={case_id: document["volume_ml"] for case_id, document in scores.documents.items()},
    )
    endpoint, cutoff = scores.model.endpoint, scores.model.cutoff.value
    known = Counter(patients.values())
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["patient", *(["outcome"] if outcomes is not None else []), "score", "how", "case_id", "cases_scored",
         "cases_not_scored", "cutoff", "call", "model", "notice"]
    )  # fmt: skip
    for row in found:
        writer.writerow(
            [row.patient, *([outcomes[row.patient]] if outcomes is not None else []), row.score, how, row.lesion or "",
             len(row.lesions), known[row.patient] - len(row.lesions), cutoff,
             endpoint.positive if row.score >= cutoff else endpoint.negative, scores.model.name, notice(scores.model)]
        )  # fmt: skip
    write_text(path, stream.getvalue())
    return found


def _clinical(cohort: Cohort, model: Model, case_id: str) -> dict[str, str]:
    """What the model asks for, as the clinical table has it; empty where it has nothing."""
    given = cohort.covariates.get(case_id, {})
    return {} if model.nomogram is None else {one.name: given.get(one.name, "") for one in model.nomogram.inputs}


def _answer(case: Case, model: Model, sites: Mapping[str, str], clinical: Mapping[str, Mapping[str, str]]) -> Answer:
    given = clinical.get(case.case_id, {})
    document = score_case(case, model, site=sites.get(case.case_id), clinical=given).document()
    return {**document, "volume_ml": volume_ml(case.sequences[model.sequences[0]].mask)}
