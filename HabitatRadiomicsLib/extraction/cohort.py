"""From a cohort to its feature table: in memory, and as files.

Each case is visited twice: first its superpixels are found and its prepared images stored (``superpixels.py``,
``prepared_cases.py``); when the habitats are known, its regions are measured (``fold_features.py``, ``regions.py``).
Without habitats, the first visit is left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, timepoints_of
from HabitatRadiomicsLib.extraction.fold_features import measure_folds
from HabitatRadiomicsLib.extraction.habitat_changes import HabitatChange, habitat_changes, write_habitat_changes
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, refuse_empty, write_problems, write_warnings
from HabitatRadiomicsLib.extraction.maps import needs_habitats
from HabitatRadiomicsLib.extraction.regions import NAMED, unknown_habitat
from HabitatRadiomicsLib.extraction.superpixels import find_superpixels, fit_populations
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import catalogue, write_feature_table
from HabitatRadiomicsLib.outputs import WORK_FOLDER, check_writable
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol, load_protocol

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Extraction:
    """The result of extracting features from a cohort.

    Attributes:
        table: a row per case that could be measured (index ``case_id``, in the cohort's order), a column per feature;
            with two time points, the features at both and their changes.
        protocol: the requested protocol with the population's habitats.
        problems: cases that could not be measured, and features without a defined value.
        warnings: sentences by case.
        reused: number of cases reused from an earlier run.
        habitat_changes: of cases with two time points; empty if no region is a habitat.
    """

    table: pd.DataFrame
    protocol: Protocol
    problems: tuple[CaseProblem, ...]
    warnings: Mapping[str, tuple[str, ...]]
    engine: str
    reused: int
    habitat_changes: tuple[HabitatChange, ...] = ()


def extract_features(
    cohort: Cohort,
    protocol: Protocol,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Extraction:
    """Features of all cases, with habitats fitted on all of them or taken from the protocol.

    A single patient measured with the resulting protocol has exactly the same values as within the cohort. A failing
    case never stops the others. A case that lacks a region is left out. With two time points it is not, and only the
    region's features have no value, because a habitat that disappears is a finding.

    Args:
        folder: where finished cases are stored, for this run and the next, also for training.
        jobs: processes; the result does not depend on it.

    Raises:
        CohortError: no case could be measured.
        RegionError: the cohort has no acceptable habitats, or lacks one that the protocol requests.
    """
    choose_engine(protocol.features)
    check_writable(folder)
    start = 0.15 if needs_habitats(protocol) else 0.0
    lesions = find_superpixels(
        cohort, protocol, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, start)
    )
    populations = fit_populations(lesions, protocol, [tuple(lesions.superpixels)])
    fitted = {name: model for name, model in populations[0].items() if model is not None}
    protocol = protocol.model_copy(update={"population": {**protocol.population, **fitted}})
    _check_regions(protocol, fitted)
    features = measure_folds(
        cohort, protocol, lesions, populations, folder, jobs=jobs, resample_mask=resample_mask,
        progress=part(progress, start, 1),
    )  # fmt: skip
    problems = [replace(row, step="features") if row.step == "regions" else row for row in features.problems]
    if protocol.timepoints is None:
        missing = {case_id: rows[0] for case_id in features.case_ids if (rows := features.missing_regions(case_id, 0))}
        problems += missing.values()
        features = replace(features, case_ids=tuple(name for name in features.case_ids if name not in missing))
        refuse_empty(features.case_ids, problems)
    ids = features.case_ids
    volumes = {case_id: features.habitat_volumes(case_id, 0) for case_id in ids}
    return Extraction(
        table=with_deltas(features.table(0), protocol.timepoints, with_followup=True),
        protocol=protocol,
        problems=(*problems, *features.region_problems(0)),
        warnings={case_id: features.all_warnings(case_id, 0) for case_id in ids},
        engine=features.engine,
        reused=features.reused,
        habitat_changes=tuple(row for name in ids for row in habitat_changes(name, volumes[name], protocol)),
    )


def _check_regions(protocol: Protocol, population: Mapping[str, HabitatModel]) -> None:
    """Refuse a habitat that a sequence does not have."""
    for sequence, model in population.items():
        for name in protocol.regions:
            if name not in (*NAMED, "habitats", *model.names):
                raise unknown_habitat(name, model.names, sequence)


class Catalogue(dict[str, Any]):
    """The description of each column. pandas copies ``attrs`` in every operation; all copies of a table share one
    catalogue."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Catalogue:
        return self


def extract(
    images: str | Path,
    protocol: Protocol | str | Path,
    *,
    clinical: str | Path | None = None,
    folder: str | Path | None = None,
    timepoint: str | None = None,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> pd.DataFrame:
    """The features of a cohort.

    Args:
        images: ``images.csv``, a row per image.
        protocol: bundled name, YAML file or protocol.
        clinical: ``clinical.csv``; its outcomes and sites are written before the features.
        folder: for all files of ``habitat-radiomics extract`` and the finished cases, which an interrupted run, or a
            training, reuses; None: nothing is stored.
        timepoint: which one to take if the table has several.
        jobs: processes; the result does not depend on it.
        resample_mask: accept masks on another grid, with a warning.

    Returns:
        A row per case that could be measured (index ``case_id``) and a column per feature; NaN if a feature is not
        defined. ``attrs["catalogue"]`` describes each column (the content of ``features.json``), ``attrs["protocol"]``
        is the protocol with the population's habitats, and ``attrs["problems"]`` lists what could not be measured.

    Raises:
        CohortError: the tables have problems (names all, with row numbers), or no case could be measured.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> table = hr.extract("images.csv", "protocol.yaml")
        >>> table.shape
        (12, 36)
        >>> table.attrs["catalogue"]["columns"][table.columns[0]]["sequence"]
        'T1W'
    """
    protocol = load_protocol(protocol)
    cohort = load_cohort(
        Path(images),
        None if clinical is None else Path(clinical),
        timepoint=timepoint,
        timepoints=timepoints_of(protocol, timepoint),
    )
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()) if folder is None else folder)
        extraction = extract_features(
            cohort, protocol, work / WORK_FOLDER, jobs=jobs, resample_mask=resample_mask, progress=progress
        )
        if folder is not None:
            write_extraction(work, extraction, cohort)
    table = extraction.table
    table.attrs = {
        "catalogue": Catalogue(catalogue(table, extraction.protocol, extraction.engine)),
        "protocol": extraction.protocol,
        "problems": list(extraction.problems),
    }
    return table


def write_extraction(folder: Path, extraction: Extraction, cohort: Cohort) -> None:
    """Write all tables of an extraction into a folder."""
    table, protocol = extraction.table, extraction.protocol
    write_feature_table(folder, table, protocol, engine=extraction.engine, outcomes=cohort.outcomes, sites=cohort.sites)
    write_problems(extraction.problems, folder / "errors.csv")
    if protocol.timepoints is not None and needs_habitats(protocol):
        write_habitat_changes(extraction.habitat_changes, folder / "habitat_changes.csv")
    write_warnings(extraction.warnings, folder / "warnings.csv")
