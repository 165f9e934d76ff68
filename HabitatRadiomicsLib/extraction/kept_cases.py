"""Runs the same work on every case of a cohort, in parallel; a failing case never stops the others.

The result of each case is stored on disk with a digest of its inputs and settings. A run that was interrupted continues
where it stopped, and only cases with a changed input or setting are computed again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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


#: Identifier, result, problem if there is one, and whether the result was stored before.
_Outcome = tuple[str, Answer, CaseProblem | None, bool]


@dataclass(frozen=True)
class CaseImages:
    """The images of a case, read when they are needed; ``sequences``: those to read; None: all."""

    case: CohortCase
    sequences: tuple[str, ...] | None
    resample_mask: bool

    def read(self) -> Case:
        """Read the images and masks, as :meth:`CohortCase.read` does."""
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
    """Work whose stored result is reused and extended."""

    def completed(self, images: CaseImages, kept: Answer | None) -> Answer:
        """The result with its missing parts added; ``kept`` itself if none is missing. None: nothing was stored."""
        ...


@dataclass(frozen=True)
class CaseWork:
    """The work on a case; it is sent to other processes.

    Attributes:
        folder: where results are stored; its name is that of the step in ``errors.csv``.
        key: digest of the settings on which the result depends.
        sequences: those to read; None: all.
        answer: computes the result of a case from its images, or extends the stored result.
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
    """Run the work on all cases; returns results, problems (both in the order of the cases) and the number of results
    that were stored before.

    Args:
        work: the same for all cases, or by case.
        take: converts a result to what is held in memory.
    """

    def item(case: CohortCase) -> tuple[CohortCase, CaseWork]:
        of_case = work if isinstance(work, CaseWork) else work[case.case_id]
        return _absolute(case), replace(of_case, folder=of_case.folder.absolute())

    answers: dict[str, Any] = {}
    failed: dict[str, CaseProblem] = {}
    reused = 0
    progress(0, f"case 0 of {len(cases)}")
    # After an error or a cancellation, cases that have not begun are cancelled.
    with closing(unordered(_one_case, map(item, cases), jobs, lost=_lost)) as outcomes:
        for case_id, answer, problem, old in outcomes:
            if problem is None:
                answers[case_id] = take(answer)
                reused += old
            else:
                failed[case_id] = problem
            done = len(answers) + len(failed)
            progress(done / len(cases), f"case {done} of {len(cases)}")
    ids = [case.case_id for case in cases]
    in_order = {case_id: answers[case_id] for case_id in ids if case_id in answers}
    return in_order, [failed[case_id] for case_id in ids if case_id in failed], reused


def write_problems(problems: Iterable[CaseProblem], path: Path) -> None:
    """Write ``errors.csv``: a row for each problem; only the header if there is none."""
    import pandas as pd

    write_csv(pd.DataFrame(list(problems), columns=[column.name for column in fields(CaseProblem)]), path)


def write_warnings(warnings: Mapping[str, Iterable[str]], path: Path) -> None:
    """Write ``warnings.csv``: a row for each sentence, by case; only the header if there is none."""
    import pandas as pd

    rows = [(case_id, text) for case_id, texts in warnings.items() for text in texts]
    write_csv(pd.DataFrame(rows, columns=["case_id", "warning"]), path)


def refuse_empty(done: Iterable[object], problems: Sequence[CaseProblem]) -> None:
    """Refuse a cohort of which no case could be measured.

    Raises:
        CohortError: names the problem of each case.
    """
    if list(done):
        return
    lines = [f"{row.case_id}: {row.where + ': ' if row.where else ''}{row.problem}" for row in problems]
    raise CohortError.listing(lines, where="cohort, no case of which could be measured")


def _absolute(case: CohortCase) -> CohortCase:
    """The case with absolute paths: other processes may have another working directory."""

    def absolute(rows: tuple[CohortImage, ...]) -> tuple[CohortImage, ...]:
        return tuple(replace(row, image=row.image.absolute(), mask=row.mask.absolute()) for row in rows)

    readings = {kind: absolute(rows) for kind, rows in case.readings.items()}
    return replace(case, images=absolute(case.images), readings=readings)


def _lost(case: CohortCase, work: CaseWork) -> _Outcome:
    text = "The process that measured this case died, probably for lack of memory."
    remedy = "Crop the image around the lesion, or choose a coarser spacing in the protocol."
    return case.case_id, {}, CaseProblem(case.case_id, work.folder.name, text, "", remedy), False


def _one_case(case: CohortCase, work: CaseWork) -> _Outcome:
    try:
        images = CaseImages(case, work.sequences, work.resample_mask)
        path = work.folder / f"{case.case_id}.json"
        key = document_digest({"plan": work.key, "inputs": images.digests})
        kept = _kept(path, key)
        if not callable(work.answer):
            answer = work.answer.completed(images, kept)
        else:
            answer = work.answer(images.read()) if kept is None else kept
        if answer is not kept:
            write_text(path, json_text({"key": key, **answer}))
        return case.case_id, answer, None, answer is kept
    except OutputError:  # the case is not the cause of a full disk: the run stops, and continues when there is space
        raise
    except HabitatRadiomicsError as error:
        problem, where, remedy = error.problem, error.where, error.remedy
    except Exception as error:  # a failing case must not stop the others; its row in errors.csv states the error
        _log.debug("case failed", exc_info=True)
        problem, where = f"Unexpected {type(error).__name__}: {error}", ""
        remedy = "Please report this; running the case alone with --verbose shows where."
    return case.case_id, {}, CaseProblem(case.case_id, work.folder.name, problem, where, remedy), False


def _kept(path: Path, key: str) -> Answer | None:
    try:
        answer: Answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if answer.pop("key", None) == key else None
