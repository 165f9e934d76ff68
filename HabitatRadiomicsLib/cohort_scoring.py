"""The scores of a cohort by one frozen model: each the same, to the last bit, as the patient's alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.batch import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import Cohort
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.model import Model, model_digest
from HabitatRadiomicsLib.outputs import check_writable, write_text
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.provenance import document_digest, versions
from HabitatRadiomicsLib.scoring import notice, score_case


@dataclass(frozen=True)
class CohortScores:
    """What came of a cohort.

    Attributes:
        documents: ``score.json`` of each case that could be scored, in the cohort's order.
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
    key = document_digest(
        {
            "model": model_digest(model),
            "versions": {**versions(), "engine": f"{engine.name} {engine.version}"},
            "resample_mask": resample_mask,
            "sites": dict(cohort.sites),
        }
    )
    answer = partial(_answer, model=model, sites=dict(cohort.sites))
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


def _answer(case: Case, model: Model, sites: Mapping[str, str]) -> Answer:
    return score_case(case, model, site=sites.get(case.case_id)).document()
