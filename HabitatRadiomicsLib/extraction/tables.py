"""From a cohort's tables to its feature table: in memory, and as files."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, timepoints_of
from HabitatRadiomicsLib.extraction.cohort import Extraction, extract_features
from HabitatRadiomicsLib.extraction.habitat_changes import write_habitat_changes
from HabitatRadiomicsLib.extraction.kept_cases import write_problems, write_warnings
from HabitatRadiomicsLib.extraction.maps import needs_habitats
from HabitatRadiomicsLib.features.table import catalogue, write_feature_table
from HabitatRadiomicsLib.outputs import WORK_FOLDER
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import Protocol, load_protocol

if TYPE_CHECKING:
    import pandas as pd


class Catalogue(dict[str, Any]):
    """The description of each column.
    pandas copies ``attrs`` with every operation: all copies of a table share one catalogue."""

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
        folder: for all files of ``habitat-radiomics extract``, the finished cases among them, so that an interrupted
            run, or a training, resumes there; None: nothing is stored.
        timepoint: which one to take, when the table has several.
        jobs: processes; the result does not depend on it.
        resample_mask: accept masks on another grid, with a warning.

    Returns:
        A row per case that could be measured (index ``case_id``) and a column per feature; NaN where a feature is not
        defined. ``attrs["catalogue"]`` says what each column is (the content of ``features.json``);
        ``attrs["protocol"]`` is the protocol with the population's habitats; ``attrs["problems"]`` says what could not
        be measured, and why.

    Raises:
        CohortError: every problem of the tables, with row numbers; or no case could be measured.

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
    """All tables of an extraction in a folder."""
    table, protocol = extraction.table, extraction.protocol
    write_feature_table(folder, table, protocol, engine=extraction.engine, outcomes=cohort.outcomes, sites=cohort.sites)
    write_problems(extraction.problems, folder / "errors.csv")
    if protocol.timepoints is not None and needs_habitats(protocol):
        write_habitat_changes(extraction.habitat_changes, folder / "habitat_changes.csv")
    write_warnings(extraction.warnings, folder / "warnings.csv")
