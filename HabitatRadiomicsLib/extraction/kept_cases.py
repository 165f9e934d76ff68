"""Runs the same work on every case of a cohort: in parallel and resumable; one failing case never stops the others.

Each case is written to disk when it is done, under a key of all that went into it, so that an interrupted run
resumes, and cases with a changed input or setting are computed again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import CohortCase, CohortImage
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError, OutputError
from HabitatRadiomicsLib.outputs import json_text, write_csv, write_text
from HabitatRadiomicsLib.progress import Progress
from HabitatRadiomicsLib.system.parallel import unordered
from HabitatRadiomicsLib.system.provenance import document_digest, file_digest

_log = logging.getLogger(__name__)

#: The stored result of a case: a JSON document.
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
class CaseImages:
    """The images of a case, read on demand.

    Attributes:
        sequences: those to read; None: all.
    """

    case: CohortCase
    sequences: tuple[str, ...] | None
    resample_mask: bool

    def read(self) -> Case:
        """The images and masks.

        Raises:
            HabitatRadiomicsError: one is missing or refused.
        """
        return self.case.read(self.sequences, resample_mask=self.resample_mask)

    @cached_property
    def digests(self) -> list[list[object]]:
        """SHA-256 of the files, with the sequence and label of each image."""

        def of_rows(rows: Iterable[CohortImage]) -> list[list[object]]:
            wanted = [row for row in rows if self.sequences is None or row.sequence in self.sequences]
            return [[row.sequence, file_digest(row.image), file_digest(row.mask), row.label] for row in wanted]

        readings = [[kind, *row] for kind, rows in sorted(self.case.readings.items()) for row in of_rows(rows)]
        return [*of_rows(self.case.images), *readings]


class Completion(Protocol):
    """A result that can be extended: the stored part is reused, and missing parts are added."""

    def lacks(self, kept: Answer) -> bool:
        """Whether any part has to be computed."""
        ...

    def completed(self, images: CaseImages, kept: Answer | None) -> Answer:
        """The result with its missing parts added; None: nothing was stored."""
        ...


@dataclass(frozen=True)
class CaseWork:
    """What is done with each case; travels to other processes.

    Attributes:
        folder: where finished cases are kept; its name is the step's in ``errors.csv``.
        key: digest of the settings that the answer depends on.
        sequences: those to read; None: all.
        answer: gives what is kept of a case, from its images or, where an answer grows, from what was kept.
    """

    folder: Path
    key: str
    sequences: tuple[str, ...] | None
    resample_mask: bool
    answer: Callable[[Case], Answer] | Completion = field(repr=False)


def run_cases(
    cases: Sequence[CohortCase],
    work: CaseWork | Mapping[str, CaseWork],
    jobs: int,
    progress: Progress,
    take: Callable[[Answer], Any] = lambda answer: answer,
) -> tuple[dict[str, Any], list[CaseProblem], int]:
    """Run the work on all cases; returns results, problems in the order of the cases, and the number of reused cases.

    Args:
        work: the same for all cases, or each case's own.
        take: gives the part of a result that is held in memory.
    """
    answers: dict[str, Any] = {}
    failed: dict[str, CaseProblem] = {}
    reused = 0
    progress(0, f"case 0 of {len(cases)}")
    with closing(_outcomes(cases, work, jobs)) as outcomes:  # what has not begun is stopped with us
        for case_id, answer, problem, old in outcomes:
            if problem is None:
                answers[case_id] = take(answer)
                reused += old
            else:
                failed[case_id] = problem
            done = len(answers) + len(failed)
            progress(done / len(cases), f"case {done} of {len(cases)}")
    return answers, [failed[case.case_id] for case in cases if case.case_id in failed], reused


def write_problems(problems: Iterable[CaseProblem], path: Path) -> None:
    """``errors.csv``: a row for each problem; only the header when there is none."""
    import pandas as pd

    write_csv(pd.DataFrame(list(problems), columns=[column.name for column in fields(CaseProblem)]), path)


def write_warnings(warnings: Mapping[str, Iterable[str]], path: Path) -> None:
    """``warnings.csv``: a row for each sentence, by case; only the header when there is none."""
    import pandas as pd

    rows = [(case_id, text) for case_id, texts in warnings.items() for text in texts]
    write_csv(pd.DataFrame(rows, columns=["case_id", "warning"]), path)


def refuse_empty(done: Iterable[object], problems: Sequence[CaseProblem]) -> None:
    """Refuse a cohort without any measurable case.

    Raises:
        CohortError: naming each case's problem.
    """
    if list(done):
        return
    lines = [f"{row.case_id}: {row.where + ': ' if row.where else ''}{row.problem}" for row in problems]
    raise CohortError.listing(lines, where="cohort, no case of which could be measured")


def _outcomes(
    cases: Sequence[CohortCase], work: CaseWork | Mapping[str, CaseWork], jobs: int
) -> Generator[_Outcome, None, None]:
    """The result of each case, in the order of completion."""
    return unordered(_one_case, ((_anywhere(case), _work_of(case, work)) for case in cases), jobs, lost=_lost)


def _anywhere(case: CohortCase) -> CohortCase:
    """The case with absolute paths, independent of a process's working directory."""

    def anywhere(rows: tuple[CohortImage, ...]) -> tuple[CohortImage, ...]:
        return tuple(replace(row, image=row.image.absolute(), mask=row.mask.absolute()) for row in rows)

    readings = {kind: anywhere(rows) for kind, rows in case.readings.items()}
    return replace(case, images=anywhere(case.images), readings=readings)


def _lost(case: CohortCase, work: CaseWork) -> _Outcome:
    text = "The process that measured this case died, probably for lack of memory."
    remedy = "Crop the image around the lesion, or choose a coarser spacing in the protocol."
    return case.case_id, {}, CaseProblem(case.case_id, work.folder.name, text, "", remedy), False


def _work_of(case: CohortCase, work: CaseWork | Mapping[str, CaseWork]) -> CaseWork:
    of_case = work if isinstance(work, CaseWork) else work[case.case_id]
    return replace(of_case, folder=of_case.folder.absolute())


def _one_case(case: CohortCase, work: CaseWork) -> _Outcome:
    step = work.folder.name
    try:
        images = CaseImages(case, work.sequences, work.resample_mask)
        path = work.folder / f"{case.case_id}.json"
        key = document_digest({"plan": work.key, "inputs": images.digests})
        kept = _kept(path, key)
        if callable(work.answer):
            if kept is not None:
                return case.case_id, kept, None, True
            answer = work.answer(images.read())
        else:
            if kept is not None and not work.answer.lacks(kept):
                return case.case_id, kept, None, True
            answer = work.answer.completed(images, kept)
        write_text(path, json_text({"key": key, **answer}))
        return case.case_id, answer, None, False
    except OutputError:  # a full disk is not the case's fault: the run stops, and can be resumed once there is space
        raise
    except HabitatRadiomicsError as error:
        return case.case_id, {}, CaseProblem(case.case_id, step, error.problem, error.where, error.remedy), False
    except Exception as error:  # one failing case must not stop the others; its row states the error
        _log.debug("case failed", exc_info=True)
        text = f"Unexpected {type(error).__name__}: {error}"
        remedy = "Please report this; running the case alone with --verbose shows where."
        return case.case_id, {}, CaseProblem(case.case_id, step, text, "", remedy), False


def _kept(path: Path, key: str) -> Answer | None:
    try:
        answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if answer.pop("key", None) == key else None
