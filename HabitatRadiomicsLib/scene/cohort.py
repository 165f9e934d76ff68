"""A cohort scored beside Slicer, and its table back as a node."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.progress import Progress, progress_of, silent
from HabitatRadiomicsLib.scene.command import reason_of, start_command
from HabitatRadiomicsLib.scene.patient import check_packages
from HabitatRadiomicsLib.scene.tables import add_table

_SECONDS = 0.1
#: Exit status: done, and done but for some cases, which errors.csv names.
_DONE = (0, 3)
_TEXT_COLUMNS = ("case_id", "call", "warnings", "model", "notice")


def score_table(
    scene: Any,
    images: str | Path,
    output: str | Path,
    model: str,
    *,
    clinical: str | Path | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> Any:
    """Score every patient of a table; waits until it is done.

    Args:
        images: images.csv.
        output: folder for scores.csv and errors.csv; a run that was interrupted goes on there.
        model: bundled name or file.
        clinical: clinical.csv, for its column site.
        jobs: processes.

    Returns:
        vtkMRMLTableNode with the rows of scores.csv.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    check_packages()
    arguments = ["score-cohort", "--cohort", str(images), "--out", str(output), "--model", model, "--jobs", str(jobs)]
    if clinical is not None:
        arguments += ["--clinical", str(clinical)]
    process = start_command(arguments)
    said: list[str] = []
    try:
        while True:
            process.wait(_SECONDS)
            status = process.status
            for line in process.lines():
                told = progress_of(line)
                if told is None:
                    said.append(line)
                else:
                    progress(*told)
            if status is not None:
                break
    finally:
        process.stop()
    if status not in _DONE:
        raise HabitatRadiomicsError(reason_of(said, status))
    return _table_node(scene, Path(output) / "scores.csv")


def _table_node(scene: Any, path: Path) -> Any:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = {
        name: [row[name] if name in _TEXT_COLUMNS else float(row[name] or "nan") for row in rows] for name in rows[0]
    }
    return add_table(scene, "Scores", columns)
