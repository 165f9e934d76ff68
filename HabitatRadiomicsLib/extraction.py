"""A cohort's features: superpixels of all, the population's habitats, then the features of each.

Each case is written to disk when it is done, under a key of all that went into it, so that an interrupted run
goes on where it stopped and a changed input or setting is computed again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError
from HabitatRadiomicsLib.features import choose_engine, measure_regions, regions_of
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.habitats import Superpixels, describe_lesion, fit_habitats
from HabitatRadiomicsLib.mapping import make_maps, prepare_case
from HabitatRadiomicsLib.outputs import check_writable, json_text, write_text
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.provenance import document_digest, versions

_log = logging.getLogger(__name__)

_Answer = dict[str, Any]

#: Settings that a stage depends on. A change of any other one (a title, the learning) takes over what is done.
_SUPERPIXEL_SETTINGS = ("sequences", "preprocessing", "sequence_preprocessing", "habitats", "seed")
_FEATURE_SETTINGS = (*_SUPERPIXEL_SETTINGS, "regions", "ring_mm", "features", "population")


@dataclass(frozen=True)
class CaseProblem:
    """Why a case, or a feature of it, is missing from the table."""

    case_id: str
    step: str
    problem: str
    where: str = ""
    remedy: str = ""


#: Case, answer, problem if there is one, and whether the answer was there before.
_Outcome = tuple[str, _Answer, CaseProblem | None, bool]


@dataclass(frozen=True)
class Extraction:
    """What came of a cohort.

    Attributes:
        table: the cases that could be measured, in the cohort's order.
        protocol: the one that was asked for, with the population's habitats in it.
        problems: the cases that could not, and features without a defined value.
        warnings: sentences by case.
    """

    table: FeatureTable
    protocol: Protocol
    problems: tuple[CaseProblem, ...]
    warnings: Mapping[str, tuple[str, ...]]
    engine: str
    reused: int
    """Cases taken over from an earlier run."""


@dataclass(frozen=True)
class _Plan:
    """What the workers of one stage need to know; travels to other processes."""

    protocol: Protocol
    resample_mask: bool
    folder: Path
    key: str
    answer: Callable[[Case, Protocol], _Answer] = field(repr=False)


def needs_habitats(protocol: Protocol) -> bool:
    """Whether any region is a habitat."""
    return any(region not in ("whole", "ring") for region in protocol.regions)


def extract_features(case: Case, protocol: Protocol) -> tuple[dict[str, float], tuple[str, ...]]:
    """All features of one case by column name, and warnings in sentences.

    The protocol holds the population's habitats when a region is one; a patient alone and the same patient inside
    a cohort get the same values, bit for bit.
    """
    engine = choose_engine(protocol.features)
    if needs_habitats(protocol):
        prepared, maps = make_maps(case, protocol)
    else:
        prepared, maps = prepare_case(case, protocol), {}
    values: dict[str, float] = {}
    warnings: list[str] = []
    for name, sequence in prepared.items():
        habitats = maps.get(name)
        regions = regions_of(sequence, habitats, protocol.regions, protocol.ring_mm)
        values.update(measure_regions(sequence, regions, protocol, engine))
        warnings += [f"{name}: {warning}" for warning in sequence.warnings]
        warnings += habitats.warnings if habitats is not None else ()
    return values, tuple(warnings)


def extract_cohort(
    cohort: Cohort,
    protocol: Protocol,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Extraction:
    """Features of all cases; a failing one never stops the others.

    Args:
        folder: where finished cases are kept, for this run and the next.
        jobs: processes; the result does not depend on it.

    Raises:
        CohortError: no case could be measured.
        RegionError: the cohort has no acceptable habitats.
    """
    engine = choose_engine(protocol.features)
    check_writable(folder)
    common = {
        "versions": {**versions(), "engine": f"{engine.name} {engine.version}"},
        "resample_mask": resample_mask,
    }
    problems: list[CaseProblem] = []
    cases: Sequence[CohortCase] = cohort.cases
    start = 0.0
    if needs_habitats(protocol) and not _complete(protocol, cases):
        start = 0.15
        settings = _settings_of(protocol, _SUPERPIXEL_SETTINGS)
        key = document_digest({**common, "stage": "superpixels", "settings": settings})
        plan = _Plan(protocol, resample_mask, folder / "superpixels", key, _superpixels_answer)
        answers, failed, _ = _run(cases, plan, jobs, part(progress, 0, start))
        problems += failed
        cases = [case for case in cases if case.case_id in answers]
        _refuse_empty(cases, problems)
        population = _population([answers[case.case_id] for case in cases], protocol)
        protocol = protocol.model_copy(update={"population": population})
    settings = _settings_of(protocol, _FEATURE_SETTINGS)
    key = document_digest({**common, "stage": "features", "settings": settings})
    plan = _Plan(protocol, resample_mask, folder / "features", key, _features_answer)
    answers, failed, reused = _run(cases, plan, jobs, part(progress, start, 1))
    problems += failed
    _refuse_empty(answers, problems)
    done = [case.case_id for case in cohort.cases if case.case_id in answers]
    rows = {
        case_id: {name: np.nan if value is None else value for name, value in answers[case_id]["values"].items()}
        for case_id in done
    }
    for case_id, row in rows.items():
        problems += _undefined(case_id, row)
    warnings = {case_id: tuple(answers[case_id]["warnings"]) for case_id in done}
    table = _in_protocol_order(FeatureTable.of_rows(rows), protocol)
    return Extraction(table, protocol, tuple(problems), warnings, f"{engine.name} {engine.version}", reused)


def write_problems(problems: Iterable[CaseProblem], path: Path) -> None:
    """``errors.csv``: a row for each problem; only the header when there is none."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["case_id", "step", "problem", "where", "remedy"])
    writer.writerows([row.case_id, row.step, row.problem, row.where, row.remedy] for row in problems)
    write_text(path, stream.getvalue())


def _run(
    cases: Sequence[CohortCase], plan: _Plan, jobs: int, progress: Progress
) -> tuple[dict[str, _Answer], list[CaseProblem], int]:
    """One stage over all cases: answers, problems in the table's order, and how many were done before."""
    answers: dict[str, _Answer] = {}
    failed: dict[str, CaseProblem] = {}
    reused = 0
    progress(0, f"case 0 of {len(cases)}")
    for case_id, answer, problem, old in _outcomes(cases, plan, jobs):
        if problem is None:
            answers[case_id] = answer
            reused += old
        else:
            failed[case_id] = problem
        done = len(answers) + len(failed)
        progress(done / len(cases), f"case {done} of {len(cases)}")
    return answers, [failed[case.case_id] for case in cases if case.case_id in failed], reused


def _outcomes(cases: Sequence[CohortCase], plan: _Plan, jobs: int) -> Iterator[_Outcome]:
    """What came of each case, in the order in which they end.

    When a process dies (the system kills one that takes too much memory), the cases that are left go on one by one, so
    that only the case that kills its process again is lost.
    """
    from joblib.externals.loky.process_executor import BrokenProcessPool

    waiting = {case.case_id: case for case in cases}
    try:
        for outcome in _in_processes(cases, plan, jobs):
            del waiting[outcome[0]]
            yield outcome
        return
    except BrokenProcessPool:
        _log.warning("a process died; the cases that are left go on one by one")
    for case in waiting.values():
        try:
            yield from _in_processes([case], plan, 2)
        except BrokenProcessPool:
            text = "The process that measured this case died, probably for lack of memory."
            remedy = "Crop the image around the lesion, or choose a coarser spacing in the protocol."
            yield case.case_id, {}, CaseProblem(case.case_id, plan.folder.name, text, "", remedy), False


def _in_processes(cases: Sequence[CohortCase], plan: _Plan, jobs: int) -> Iterator[_Outcome]:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        work = Parallel(n_jobs=jobs, return_as="generator_unordered")
        yield from work(delayed(_one_case)(case, plan) for case in cases)


def _one_case(case: CohortCase, plan: _Plan) -> _Outcome:
    step = plan.folder.name
    try:
        wanted = plan.protocol.sequences
        path = plan.folder / f"{case.case_id}.json"
        key = document_digest({"plan": plan.key, "inputs": _input_digests(case, wanted)})
        kept = _kept(path, key)
        if kept is not None:
            return case.case_id, kept, None, True
        answer = plan.answer(case.read(wanted, resample_mask=plan.resample_mask), plan.protocol)
        write_text(path, json_text({"key": key, **answer}))
        return case.case_id, answer, None, False
    except HabitatRadiomicsError as error:
        return case.case_id, {}, CaseProblem(case.case_id, step, error.problem, error.where, error.remedy), False
    except Exception as error:  # one bad case must not take the others with it; the row says what it was
        _log.debug("case failed", exc_info=True)
        text = f"Unexpected {type(error).__name__}: {error}"
        remedy = "Please report this; running the case alone with --verbose shows where."
        return case.case_id, {}, CaseProblem(case.case_id, step, text, "", remedy), False


def _settings_of(protocol: Protocol, names: Sequence[str]) -> dict[str, object]:
    document = protocol.document()
    return {name: document[name] for name in names}


def _superpixels_answer(case: Case, protocol: Protocol) -> _Answer:
    found = {}
    for name, prepared in prepare_case(case, protocol).items():
        _, superpixels = describe_lesion(prepared, protocol.habitats, seed=protocol.seed)
        found[name] = {"means": superpixels.means.tolist(), "sizes": superpixels.sizes.tolist()}
    return {"superpixels": found}


def _features_answer(case: Case, protocol: Protocol) -> _Answer:
    values, warnings = extract_features(case, protocol)
    # JSON has no NaN: an undefined value is null.
    known = {name: value if np.isfinite(value) else None for name, value in values.items()}
    return {"values": known, "warnings": list(warnings)}


def _population(answers: Sequence[_Answer], protocol: Protocol) -> dict[str, HabitatModel]:
    sequences = protocol.sequences or tuple(dict.fromkeys(name for row in answers for name in row["superpixels"]))
    population = dict(protocol.population)
    for name in sequences:
        rows = [row["superpixels"][name] for row in answers if name in row["superpixels"]]
        patients = [
            Superpixels(np.zeros(0, dtype=int), np.array(row["means"]), np.array(row["sizes"]), 0) for row in rows
        ]
        if name not in population:
            population[name] = fit_habitats(name, patients, protocol.habitats)
    return population


def _complete(protocol: Protocol, cases: Sequence[CohortCase]) -> bool:
    present = protocol.sequences or {image.sequence for case in cases for image in case.images}
    return all(name in protocol.population for name in present)


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


def _kept(path: Path, key: str) -> _Answer | None:
    try:
        answer: _Answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return answer if answer.pop("key", None) == key else None


def _undefined(case_id: str, row: Mapping[str, float]) -> list[CaseProblem]:
    names = [name for name, value in row.items() if np.isnan(value)]
    if not names:
        return []
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    problem = f"{len(names)} features are not defined for this lesion and left empty: {shown}"
    return [CaseProblem(case_id, "features", problem, "", "The other features of the case are in the table.")]


def _in_protocol_order(table: FeatureTable, protocol: Protocol) -> FeatureTable:
    """Columns in an order that does not depend on which case came first."""
    if protocol.sequences is not None:
        return table
    order = sorted(dict.fromkeys(name.split("_")[0] for name in table.columns))
    return table.with_columns([name for sequence in order for name in table.columns if name.split("_")[0] == sequence])


def _refuse_empty(done: Iterable[object], problems: Sequence[CaseProblem]) -> None:
    if list(done):
        return
    lines = [f"{row.case_id}: {row.where + ': ' if row.where else ''}{row.problem}" for row in problems]
    raise CohortError.listing(lines, where="cohort, no case of which could be measured")
