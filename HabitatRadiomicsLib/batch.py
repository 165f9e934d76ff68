"""The same work on every case of a cohort: in processes, resumable, one failing case never stops the others.

Each case is written to disk when it is done, under a key of all that went into it, so that an interrupted run
goes on where it stopped and a changed input or setting is computed again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import CohortCase
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError
from HabitatRadiomicsLib.outputs import json_text, write_text
from HabitatRadiomicsLib.progress import Progress
from HabitatRadiomicsLib.provenance import document_digest

_log = logging.getLogger(__name__)

#: What is kept of a case: a JSON document.
Answer = dict[str, Any]


@dataclass(frozen=True)
class CaseProblem:
    """Why a case, or a feature of it, is missing from the table."""

    case_id: str
    step: str
    problem: str
    where: str = ""
    remedy: str = ""


#: Case, answer, problem if there is one, and whether the answer was there before.
_Outcome = tuple[str, Answer, CaseProblem | None, bool]


@dataclass(frozen=True)
class CaseWork:
    """What is done with each case; travels to other processes.

    Attributes:
        folder: where finished cases are kept; its name is the step's in ``errors.csv``.
        key: digest of the settings that the answer depends on.
        sequences: those that are read; None: all that there are.
        answer: gives what is kept of a case.
    """

    folder: Path
    key: str
    sequences: tuple[str, ...] | None
    resample_mask: bool
    answer: Callable[[Case], Answer] = field(repr=False)


def run_cases(
    cases: Sequence[CohortCase], work: CaseWork, jobs: int, progress: Progress
) -> tuple[dict[str, Answer], list[CaseProblem], int]:
    """The work on all cases: answers, problems in the table's order, and how many were done before."""
    answers: dict[str, Answer] = {}
    failed: dict[str, CaseProblem] = {}
    reused = 0
    progress(0, f"case 0 of {len(cases)}")
    for case_id, answer, problem, old in _outcomes(cases, work, jobs):
        if problem is None:
            answers[case_id] = answer
            reused += old
        else:
            failed[case_id] = problem
        done = len(answers) + len(failed)
        progress(done / len(cases), f"case {done} of {len(cases)}")
    return answers, [failed[case.case_id] for case in cases if case.case_id in failed], reused


def write_problems(problems: Iterable[CaseProblem], path: Path) -> None:
    """``errors.csv``: a row for each problem; only the header when there is none."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["case_id", "step", "problem", "where", "remedy"])
    writer.writerows([row.case_id, row.step, row.problem, row.where, row.remedy] for row in problems)
    write_text(path, stream.getvalue())


def refuse_empty(done: Iterable[object], problems: Sequence[CaseProblem]) -> None:
    """Refuse a cohort of which nothing is left.

    Raises:
        CohortError: naming each case's problem.
    """
    if list(done):
        return
    lines = [f"{row.case_id}: {row.where + ': ' if row.where else ''}{row.problem}" for row in problems]
    raise CohortError.listing(lines, where="cohort, no case of which could be measured")


def _outcomes(cases: Sequence[CohortCase], work: CaseWork, jobs: int) -> Iterator[_Outcome]:
    """What came of each case, in the order in which they end.

    When a process dies (the system kills one that takes too much memory), the cases that are left go on one by one, so
    that only the case that kills its process again is lost.
    """
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting = {case.case_id: case for case in cases}
    try:
        for outcome in _in_processes(cases, work, jobs):
            del waiting[outcome[0]]
            yield outcome
        return
    except BrokenProcessPool:
        _log.warning("a process died; the cases that are left go on one by one")
    for case in waiting.values():
        try:
            yield from _in_processes([case], work, 2)
        except BrokenProcessPool:
            text = "The process that measured this case died, probably for lack of memory."
            remedy = "Crop the image around the lesion, or choose a coarser spacing in the protocol."
            yield case.case_id, {}, CaseProblem(case.case_id, work.folder.name, text, "", remedy), False


def _in_processes(cases: Sequence[CohortCase], work: CaseWork, jobs: int) -> Iterator[_Outcome]:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        yield from parallel(delayed(_one_case)(case, work) for case in cases)


def _one_case(case: CohortCase, work: CaseWork) -> _Outcome:
    step = work.folder.name
    try:
        wanted = work.sequences
        path = work.folder / f"{case.case_id}.json"
        key = document_digest({"plan": work.key, "inputs": _input_digests(case, wanted)})
        kept = _kept(path, key)
        if kept is not None:
            return case.case_id, kept, None, True
        answer = work.answer(case.read(wanted, resample_mask=work.resample_mask))
        write_text(path, json_text({"key": key, **answer}))
        return case.case_id, answer, None, False
    except HabitatRadiomicsError as error:
        return case.case_id, {}, CaseProblem(case.case_id, step, error.problem, error.where, error.remedy), False
    except Exception as error:  # one bad case must not take the others with it; the row says what it was
        _log.debug("case failed", exc_info=True)
        text = f"Unexpected {type(error).__name__}: {error}"
        remedy = "Please report this; running the case alone with --verbose shows where."
        return case.case_id, {}, CaseProblem(case.case_id, step, text, "", remedy), False


def _input_digests(case: CohortCase, wanted: Sequence[str] | None) -> list[list[object]]:
    rows = [image for image in case.images if wanted is None or image.sequence in wanted]
    return [[row.sequence, _file_digest(row.image), _file_digest(row.mask), row.label] for row in rows]


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            for block in iter(partial(stream.read, 1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def _kept(path: Path, key: str) -> Answer | None:
    try:
        answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if answer.pop("key", None) == key else None
