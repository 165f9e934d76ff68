"""A cohort's features: superpixels of all, the population's habitats, then the features of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.batch import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.features import choose_engine, measure_regions, parse, regions_of
from HabitatRadiomicsLib.features.deep import PATCH, patch_digest_parts
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import Superpixels, describe_lesion, fit_habitats
from HabitatRadiomicsLib.mapping import make_maps, prepare_case
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.provenance import document_digest, versions

#: Settings that a stage depends on. A change of any other one (a title, the learning) takes over what is done.
_SUPERPIXEL_SETTINGS = ("sequences", "preprocessing", "sequence_preprocessing", "habitats", "seed")
_FEATURE_SETTINGS = (*_SUPERPIXEL_SETTINGS, "regions", "ring_mm", "features", "population")


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


def needs_habitats(protocol: Protocol) -> bool:
    """Whether any region is a habitat."""
    return any(region not in ("whole", "ring", PATCH) for region in protocol.regions)


@dataclass(frozen=True)
class CaseFeatures:
    """What was measured in one case.

    Attributes:
        values: of all features by column name; NaN where one is not defined.
        undefined: why, a sentence, by column name.
        warnings: in sentences.
    """

    values: Mapping[str, float]
    undefined: Mapping[str, str]
    warnings: tuple[str, ...]


def extract_features(case: Case, protocol: Protocol) -> CaseFeatures:
    """All features of one case.

    The protocol holds the population's habitats when a region is one; a patient alone and the same patient inside
    a cohort get the same values, bit for bit.
    """
    engine = choose_engine(protocol.features)
    if needs_habitats(protocol):
        prepared, maps = make_maps(case, protocol)
    else:
        prepared, maps = prepare_case(case, protocol), {}
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    warnings: list[str] = []
    for name, sequence in prepared.items():
        habitats = maps.get(name)
        regions = regions_of(sequence, habitats, protocol.regions, protocol)
        measured = measure_regions(sequence, regions, protocol, engine)
        values |= measured
        undefined |= undefined_columns(sequence, regions, protocol, measured)
        warnings += [f"{name}: {warning}" for warning in sequence.warnings]
        warnings += habitats.warnings if habitats is not None else ()
    return CaseFeatures(values, undefined, tuple(warnings))


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
        answer = partial(_superpixels_answer, protocol=protocol)
        work = CaseWork(folder / "superpixels", key, protocol.sequences, resample_mask, answer)
        answers, failed, _ = run_cases(cases, work, jobs, part(progress, 0, start))
        problems += failed
        cases = [case for case in cases if case.case_id in answers]
        refuse_empty(cases, problems)
        population = _population([answers[case.case_id] for case in cases], protocol)
        protocol = protocol.model_copy(update={"population": population})
    settings = {**_settings_of(protocol, _FEATURE_SETTINGS), **later_settings(protocol)}
    key = document_digest({**common, "stage": "features with reasons", "settings": settings})
    answer = partial(_features_answer, protocol=protocol)
    work = CaseWork(folder / "features", key, protocol.sequences, resample_mask, answer)
    answers, failed, reused = run_cases(cases, work, jobs, part(progress, start, 1))
    problems += failed
    refuse_empty(answers, problems)
    done = [case.case_id for case in cohort.cases if case.case_id in answers]
    rows = {
        case_id: {name: np.nan if value is None else value for name, value in answers[case_id]["values"].items()}
        for case_id in done
    }
    for case_id in done:
        problems += undefined_problems(case_id, answers[case_id]["undefined"])
    warnings = {case_id: tuple(answers[case_id]["warnings"]) for case_id in done}
    table = _in_protocol_order(FeatureTable.of_rows(rows), protocol)
    return Extraction(table, protocol, tuple(problems), warnings, f"{engine.name} {engine.version}", reused)


def _settings_of(protocol: Protocol, names: Sequence[str]) -> dict[str, object]:
    document = protocol.document()
    return {name: document[name] for name in names}


def later_settings(protocol: Protocol) -> dict[str, object]:
    """Settings of regions that few protocols have; those of others keep what they measured before there were such."""
    limits = protocol.ring_limits
    rows = {} if limits is None else {"ring_limits": limits.model_dump(mode="json")}
    return {**rows, **patch_digest_parts(protocol)}


def _superpixels_answer(case: Case, protocol: Protocol) -> Answer:
    found = {}
    for name, prepared in prepare_case(case, protocol).items():
        _, superpixels = describe_lesion(prepared, protocol.habitats, seed=protocol.seed)
        found[name] = {"means": superpixels.means.tolist(), "sizes": superpixels.sizes.tolist()}
    return {"superpixels": found}


def _features_answer(case: Case, protocol: Protocol) -> Answer:
    found = extract_features(case, protocol)
    # JSON has no NaN: an undefined value is null.
    known = {name: value if np.isfinite(value) else None for name, value in found.values.items()}
    return {"values": known, "undefined": dict(found.undefined), "warnings": list(found.warnings)}


def _population(answers: Sequence[Answer], protocol: Protocol) -> dict[str, HabitatModel]:
    sequences = protocol.sequences or tuple(dict.fromkeys(name for row in answers for name in row["superpixels"]))
    population = dict(protocol.population)
    for name in sequences:
        rows = [row["superpixels"][name] for row in answers if name in row["superpixels"]]
        patients = [
            Superpixels(np.zeros(0, dtype=int), np.array(row["means"]), np.array(row["sizes"]), 0) for row in rows
        ]
        if name not in population:
            population[name] = fit_habitats(name, patients, protocol.habitats, seed=protocol.seed)
    return population


def _complete(protocol: Protocol, cases: Sequence[CohortCase]) -> bool:
    present = protocol.sequences or {image.sequence for case in cases for image in case.images}
    return all(name in protocol.population for name in present)


def undefined_problems(case_id: str, reasons: Mapping[str, str]) -> list[CaseProblem]:
    """One row for each reason in each region, with the number of features and the first of them."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for column, reason in reasons.items():
        name = parse(column)
        grouped.setdefault((f"{name.sequence} {name.region}", reason), []).append(name.within_region)
    problems = []
    for (where, reason), names in grouped.items():
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        problem = f"{reason} Features without a value: {len(names)} ({shown})."
        remedy = "The other features of the case are in the table."
        problems.append(CaseProblem(case_id, "features", problem, where, remedy))
    return problems


def _in_protocol_order(table: FeatureTable, protocol: Protocol) -> FeatureTable:
    """Columns in an order that does not depend on which case came first."""
    if protocol.sequences is not None:
        return table
    order = sorted(dict.fromkeys(name.split("_")[0] for name in table.columns))
    return table.with_columns([name for sequence in order for name in table.columns if name.split("_")[0] == sequence])
