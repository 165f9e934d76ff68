"""Measures, trains on, scores or evaluates a cohort in a separate process; the result becomes a table node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.progress import Progress, progress_of, silent
from HabitatRadiomicsLib.scene.command import reason_of, start_command
from HabitatRadiomicsLib.scene.patient import check_packages
from HabitatRadiomicsLib.scene.table_nodes import add_table

_SECONDS = 0.1
#: Exit status of success, complete or without the cases that errors.csv names.
_DONE = (0, 3)
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


def feature_table(
    scene: Any,
    images: str | Path,
    output: str | Path,
    protocol: str,
    *,
    clinical: str | Path | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> Any:
    """Measure every patient of a table; waits until it is done.

    Args:
        images: images.csv.
        output: folder for features.csv and what goes with it; a run that was interrupted goes on there, and
            :func:`training_table` takes over what was measured.
        protocol: bundled name or YAML file.
        clinical: clinical.csv, for the columns outcome and site.
        jobs: processes.

    Returns:
        vtkMRMLTableNode with the rows of features.csv; NaN where a feature is not defined.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    arguments = ["extract", "--cohort", str(images), "--out", str(output), "--protocol", protocol, "--jobs", str(jobs)]
    if clinical is not None:
        arguments += ["--clinical", str(clinical)]
    _run(arguments, progress)
    return _csv_node(scene, "Features", Path(output) / "features.csv")


def training_table(
    scene: Any,
    images: str | Path,
    clinical: str | Path,
    output: str | Path,
    protocol: str,
    *,
    name: str = "model",
    jobs: int = 1,
    progress: Progress = silent,
) -> Any:
    """Train a model on the patients of a table; waits until it is done.

    Args:
        images: images.csv.
        clinical: clinical.csv with outcomes.
        output: folder for model.json, report.html, study.json, tables and figures; a run that was interrupted goes on
            there.
        protocol: bundled name or YAML file.
        name: of the model: letters, digits, hyphens.
        jobs: processes.

    Returns:
        vtkMRMLTableNode with a row for each measure of the held-out performance, as :func:`evaluate_table` gives.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    arguments = ["train", "--cohort", str(images), "--clinical", str(clinical), "--out", str(output)]
    _run([*arguments, "--protocol", protocol, "--name", name, "--jobs", str(jobs)], progress)
    return _performance_node(scene, "Training", Path(output) / "study.json")


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
        clinical: clinical.csv, for its column site and the clinical values that a nomogram needs.
        jobs: processes.

    Returns:
        vtkMRMLTableNode with the rows of scores.csv.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    arguments = ["score-cohort", "--cohort", str(images), "--out", str(output), "--model", model, "--jobs", str(jobs)]
    if clinical is not None:
        arguments += ["--clinical", str(clinical)]
    _run(arguments, progress)
    return _csv_node(scene, "Scores", Path(output) / "scores.csv")


def evaluate_table(
    scene: Any,
    images: str | Path,
    clinical: str | Path,
    output: str | Path,
    model: str,
    *,
    jobs: int = 1,
    progress: Progress = silent,
) -> Any:
    """Compare a frozen model with the outcomes of new patients; waits until it is done.

    Args:
        images: images.csv.
        clinical: clinical.csv with outcomes.
        output: folder for report.html, study.json, tables and figures; a run that was interrupted goes on there.
        model: bundled name or file.
        jobs: processes.

    Returns:
        vtkMRMLTableNode with a row for each measure: ``Measure``, ``Value``, and ``Low`` and ``High`` of its interval;
        NaN where there is none.

    Raises:
        HabitatRadiomicsError: in the command's own words.
        Cancelled: by ``progress``; the command was stopped.
    """
    arguments = ["evaluate", "--cohort", str(images), "--clinical", str(clinical), "--out", str(output)]
    _run([*arguments, "--model", model, "--jobs", str(jobs)], progress)
    return _performance_node(scene, "Evaluation", Path(output) / "study.json")


def _run(arguments: Sequence[str], progress: Progress) -> None:
    check_packages()
    process = start_command(arguments)
    output_lines: list[str] = []
    try:
        while True:
            process.wait(_SECONDS)
            status = process.status
            for line in process.lines():
                step = progress_of(line)
                if step is None:
                    output_lines.append(line)
                else:
                    progress(*step)
            if status is not None:
                break
    finally:
        process.stop()
    if status not in _DONE:
        raise HabitatRadiomicsError(reason_of(output_lines, status))


def _csv_node(scene: Any, title: str, path: Path) -> Any:
    import pandas as pd

    cells = pd.read_csv(path, dtype=str, keep_default_na=False)  # a patient may be called NA
    numbers = cells.columns.difference(_TEXT_COLUMNS)
    rows = cells.replace({name: {"": "nan"} for name in numbers}).astype(dict.fromkeys(numbers, float))
    return add_table(scene, title, rows.to_dict("list"))


def _performance_node(scene: Any, title: str, path: Path) -> Any:
    row = json.loads(path.read_text(encoding="utf-8"))["validation"]["candidates"][0]  # the model's; its parts follow
    columns: dict[str, list[Any]] = {"Measure": list(_MEASURES.values())}
    for column, suffix in (("Value", ""), ("Low", "_low"), ("High", "_high")):
        values = [row[name + suffix] for name in _MEASURES]
        columns[column] = [float("nan") if value is None else value for value in values]
    return add_table(scene, title, columns)
