"""Runs the commands for a cohort in a separate process; the result becomes a table node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.progress import Progress, progress_of, silent
from HabitatRadiomicsLib.scene.command import reason_of, start_command
from HabitatRadiomicsLib.scene.patient import check_packages
from HabitatRadiomicsLib.scene.table_nodes import add_table

_SECONDS = 0.1
#: Exit statuses of success: complete, and without the cases that errors.csv names.
DONE, DONE_IN_PART = 0, 3
_TEXT_COLUMNS = ("case_id", "site", "call", "warnings", "model", "notice")
_MEASURES = {
    "auc": "AUC",
    "auprc": "Area under the precision-recall curve",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "accuracy": "Accuracy",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "f1": "F1",
}


@dataclass(frozen=True)
class Task:
    """A command of the library that works on the tables of a cohort.

    Attributes:
        title: as a list of tasks shows it.
        table: name of the table node with its result.
        settings: what it applies, ``protocol`` or ``model``.
        result: the file of the output folder that a user wants to see first.
        needs_clinical: it cannot do without the outcomes in ``clinical.csv``.
    """

    command: str
    title: str
    table: str
    settings: str
    result: str
    needs_clinical: bool = False

    @property
    def trains(self) -> bool:
        """Whether the task trains a model."""
        return self.command == "train"

    @property
    def reports(self) -> bool:
        """Whether the task writes a report and ``study.json``."""
        return self.result == "report.html"

    def arguments(self, images: Path | str, output: Path | str, settings: str, clinical: Any, jobs: int) -> list[str]:
        """The arguments of the command line; ``clinical`` may be empty or None."""
        arguments = [self.command, "--cohort", str(images), "--out", str(output)]
        arguments += [f"--{self.settings}", settings, "--jobs", str(jobs)]
        return [*arguments, "--clinical", str(clinical)] if clinical else arguments


_TASKS = (
    Task("extract", "Extract features", "Features", "protocol", "features.csv"),
    Task("score-cohort", "Score all patients", "Scores", "model", "scores.csv"),
    Task("train", "Train a model", "Training", "protocol", "report.html", needs_clinical=True),
    Task("evaluate", "Evaluate a model", "Evaluation", "model", "report.html", needs_clinical=True),
)
#: By command, in the order of a list of tasks.
TASKS = {task.command: task for task in _TASKS}


def run_task(
    scene: Any,
    command: str,
    images: Path | str,
    output: Path | str,
    settings: str,
    *,
    clinical: Path | str | None = None,
    jobs: int = 1,
    options: Sequence[str] = (),
    progress: Progress = silent,
) -> Any:
    """Run a task on the patients of a table, and wait until it is done.

    Args:
        command: of the task, as in :data:`TASKS`.
        images: images.csv.
        output: folder for the results; an interrupted run continues there, and training takes over what extraction
            measured there.
        settings: bundled name or file of the protocol or model.
        clinical: clinical.csv with outcomes, sites and clinical values.
        jobs: processes.
        options: further arguments of the command.

    Returns:
        vtkMRMLTableNode: the rows of features.csv or scores.csv, NaN where a value is not defined; or, of a task that
        writes a report, a row for each measure: ``Measure``, ``Value``, and ``Low`` and ``High`` of its interval.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    check_packages()
    task = TASKS[command]
    process = start_command([*task.arguments(images, output, settings, clinical, jobs), *options])
    output_lines: list[str] = []
    status = None
    try:
        while status is None:
            process.wait(_SECONDS)
            status = process.status
            for line in process.lines():
                step = progress_of(line)
                if step is None:
                    output_lines.append(line)
                else:
                    progress(*step)
    finally:
        process.stop()
    if status not in (DONE, DONE_IN_PART):
        raise HabitatRadiomicsError(reason_of(output_lines, status))
    columns = _performance(Path(output)) if task.reports else _rows(Path(output) / task.result)
    return add_table(scene, task.table, columns)


def _rows(path: Path) -> dict[str, list[Any]]:
    import pandas as pd

    cells = pd.read_csv(path, dtype=str, keep_default_na=False)  # a patient may be called NA
    numbers = cells.columns.difference(_TEXT_COLUMNS)
    rows = cells.replace({name: {"": "nan"} for name in numbers}).astype(dict.fromkeys(numbers, float))
    return rows.to_dict("list")


def _performance(folder: Path) -> dict[str, list[Any]]:
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    model = study["validation"]["candidates"][0]  # the rows after it are what it is compared with
    columns = {"Value": "", "Low": "_low", "High": "_high"}
    values = {title: [model[name + suffix] for name in _MEASURES] for title, suffix in columns.items()}
    return {"Measure": list(_MEASURES.values()), **values}
