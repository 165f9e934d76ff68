"""A cohort's features: superpixels of all, the population's habitats, then the features of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.extraction.habitat_changes import HabitatChange, Volumes, habitat_changes, habitat_volumes
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem, CaseWork, refuse_empty, run_cases
from HabitatRadiomicsLib.extraction.maps import make_maps, needs_habitats, prepare_case
from HabitatRadiomicsLib.extraction.measure import check_size, later_settings, measure_regions, regions_of
from HabitatRadiomicsLib.extraction.problems import undefined_problems
from HabitatRadiomicsLib.extraction.superpixels import Lesions, find_superpixels, fit_populations
from HabitatRadiomicsLib.features import choose_engine, feature_names_of, parse
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.outputs import check_writable
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.system.provenance import document_digest, versions

#: Settings that features depend on. A change of any other one (a title, the learning) takes over what is done.
_FEATURE_SETTINGS = (
    "sequences", "timepoints", "preprocessing", "sequence_preprocessing", "habitats", "seed", "regions", "ring_mm",
    "features", "population",
)  # fmt: skip


@dataclass(frozen=True)
class Extraction:
    """What came of a cohort.

    Attributes:
        table: the cases that could be measured, in the cohort's order; of two time points, the features at both and
            their changes.
        habitat_changes: of cases with two time points; empty where no region is a habitat.
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
    habitat_changes: tuple[HabitatChange, ...] = ()


@dataclass(frozen=True)
class CaseFeatures:
    """What was measured in one case.

    Attributes:
        values: of all features by column name; NaN where one is not defined.
        undefined: why, a sentence, by column name.
        warnings: in sentences.
        habitat_volumes: ml by sequence and habitat, where any region is a habitat.
    """

    values: Mapping[str, float]
    undefined: Mapping[str, str]
    warnings: tuple[str, ...]
    habitat_volumes: Volumes


def extract_features(case: Case, protocol: Protocol) -> CaseFeatures:
    """All features of one case.

    The protocol holds the population's habitats when a region is one; a patient alone and the same patient inside
    a cohort get the same values, bit for bit.

    Raises:
        RegionError: a region is missing or too small. With two time points, its features have no value instead: that
            a habitat is gone at follow-up is a finding.
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
        found = _regions(sequence, habitats, protocol)
        regions = {region: mask for region, mask in found.items() if not isinstance(mask, str)}
        measured = measure_regions(sequence, regions, protocol, engine) if regions else {}
        undefined |= undefined_columns(sequence, regions, protocol, measured)
        for region, mask in found.items():
            columns = [f"{name}_{region}_{feature}" for feature in feature_names_of(protocol, region)]
            values |= {column: measured.get(column, np.nan) for column in columns}
            undefined |= dict.fromkeys(columns, mask) if isinstance(mask, str) else {}
        warnings += [f"{sequence.title}: {warning}" for warning in sequence.warnings]
        warnings += habitats.warnings if habitats is not None else ()
    return CaseFeatures(values, undefined, tuple(warnings), habitat_volumes(maps))


def _regions(
    prepared: PreparedSequence, habitats: HabitatMap | None, protocol: Protocol
) -> dict[str, sitk.Image | str]:
    """Masks of the protocol's regions; of a case with two time points, why there is none where there is none."""
    if protocol.timepoints is None:
        return {**regions_of(prepared, habitats, protocol.regions, protocol)}
    found: dict[str, sitk.Image | str] = {}
    for name in protocol.regions:
        for region in habitats.model.names if name == "habitats" and habitats is not None else (name,):
            try:
                [mask] = regions_of(prepared, habitats, [region], protocol).values()
                check_size(mask, protocol.features.minimum_region_voxels, region)
                found[region] = mask
            except RegionError as error:
                found[region] = error.problem
    return found


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
        lesions = find_superpixels(
            cohort, protocol, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, start)
        )
        problems += lesions.problems
        cases = [case for case in cases if case.case_id in lesions.superpixels]
        protocol = _with_population(lesions, protocol)
    document = protocol.document()
    settings = {**{name: document[name] for name in _FEATURE_SETTINGS}, **later_settings(protocol)}
    key = document_digest({**common, "stage": "features, reasons and volumes", "settings": settings})
    answer = partial(_features_answer, protocol=protocol)
    work = CaseWork(folder / "features", key, protocol.keys, resample_mask, answer)
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
    changes = [
        change for case_id in done for change in habitat_changes(case_id, answers[case_id]["habitat_volumes"], protocol)
    ]
    return Extraction(
        table=with_deltas(table, protocol.timepoints, with_followup=True),
        protocol=protocol,
        problems=tuple(problems),
        warnings=warnings,
        engine=f"{engine.name} {engine.version}",
        reused=reused,
        habitat_changes=tuple(changes),
    )


def _features_answer(case: Case, protocol: Protocol) -> Answer:
    found = extract_features(case, protocol)
    # JSON has no NaN: an undefined value is null.
    known = {name: value if np.isfinite(value) else None for name, value in found.values.items()}
    return {
        "values": known,
        "undefined": dict(found.undefined),
        "warnings": list(found.warnings),
        "habitat_volumes": {name: dict(volumes) for name, volumes in found.habitat_volumes.items()},
    }


def _with_population(lesions: Lesions, protocol: Protocol) -> Protocol:
    """The protocol with the habitats of all cases."""
    [found] = fit_populations(lesions, protocol, [tuple(lesions.superpixels)])
    fitted = {name: model for name, model in found.items() if model is not None}
    return protocol.model_copy(update={"population": {**protocol.population, **fitted}})


def _complete(protocol: Protocol, cases: Sequence[CohortCase]) -> bool:
    present = protocol.sequences or {image.sequence for case in cases for image in case.images}
    return all(name in protocol.population for name in present)


def _in_protocol_order(table: FeatureTable, protocol: Protocol) -> FeatureTable:
    """Columns in an order that does not depend on which case came first."""
    if protocol.sequences is not None:
        return table
    sequences = {column: parse(column).sequence for column in table.columns}
    return table.with_columns(sorted(table.columns, key=lambda column: sequences[column]))
