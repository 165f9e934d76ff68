"""The tables of a training, as CSV: everything that its figures and report show."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from HabitatRadiomicsLib.extraction.kept_cases import write_problems, write_warnings
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import write_feature_table
from HabitatRadiomicsLib.learning.preparation import reliability_of, reliable
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.reporting.document.study import shown_name
from HabitatRadiomicsLib.training.train import Training

#: Of a numeric characteristic.
_STATISTICS = ("mean", "sd", "median", "lower_quartile", "upper_quartile")


def write_features(folder: Path, training: Training) -> None:
    """Features as measured under the habitats of all cases, what they are, and what could not be measured."""
    study, protocol = training.study, training.model.protocol
    cohort = study.cohort
    table = with_deltas(study.features.table(0), protocol.timepoints, with_followup=True)
    write_feature_table(
        folder, table, protocol, engine=study.features.engine, outcomes=cohort.outcomes, sites=cohort.sites
    )
    write_problems([*study.features.problems, *study.features.region_problems(0)], folder / "errors.csv")
    write_warnings(study.features.warnings, folder / "warnings.csv")


def write_held_out(folder: Path, training: Training) -> None:
    """``held_out.csv``: each case's score by each model that had not seen it, a row per case, repeat and model."""
    ids, outcome = training.study.features.case_ids, training.table.outcome
    rows = []
    for name, held_out in training.validation.held_out.items():
        for repeat, (scores, cut_offs) in enumerate(zip(held_out.scores, held_out.cut_offs), start=1):
            rows += [
                (case_id, repeat, shown_name(training, name), value, score, cut_off)
                for case_id, value, score, cut_off in zip(ids, outcome, scores, cut_offs)
            ]
    _write(folder / "held_out.csv", ("case_id", "repeat", "model", "outcome", "score", "cut_off"), rows)


def write_folds(folder: Path, training: Training) -> None:
    """``folds.csv``: which candidate each fold chose, and by what; ``fold_features.csv``: what it selected."""
    folds = training.validation.folds
    chosen = [
        (result.fold.repeat + 1, result.fold.number + 1, name, area, "yes" if name == result.chosen else "no")
        for result in folds
        for name, area in result.inner_auc.items()
    ]
    _write(folder / "folds.csv", ("repeat", "fold", "candidate", "inner_auc", "chosen"), chosen)
    selected = [
        (result.fold.repeat + 1, result.fold.number + 1, name, feature)
        for result in folds
        for name, features in result.features.items()
        for feature in features
    ]
    _write(folder / "fold_features.csv", ("repeat", "fold", "candidate", "feature"), selected)


def write_reliability(folder: Path, training: Training) -> None:
    """``reliability.csv``: ICC of every feature, of all cases that were measured again; a row for each kind of that
    (perturbed copies, or inter-observer and intra-observer readings), and whether the feature was kept."""
    settings, table = training.protocol.robustness, training.table
    if settings is None or not table.repeated:
        return
    found = reliability_of(table, np.arange(len(table.outcome)), settings)
    kept = reliable(found, settings.threshold)
    rows = []
    for place, name in enumerate(table.columns):
        for kind, one in found.items():
            values = (float(bound[place]) for bound in (one.reliability.icc, one.reliability.low, one.reliability.high))
            known = (None if np.isnan(value) else value for value in values)
            rows.append((name, kind, *known, int(one.cases[place]), "yes" if kept[place] else "no"))
    _write(folder / "reliability.csv", ("feature", "kind", "icc", "low", "high", "cases", "kept"), rows)


def write_documents(folder: Path, study: Mapping[str, Any]) -> None:
    """Each list of rows in a study document as a table of its own."""
    tables = {
        "characteristics": [row for one in study.get("characteristics") or () for row in _characteristic(one)],
        "habitats": [
            {"sequence": sequence, **row, "chosen": "yes" if row["k"] == choice["chosen"] else "no"}
            for sequence, choice in (study.get("habitats") or {}).items()
            for row in choice["candidates"]
        ],
        "performance": [_flat(row) for row in study["validation"]["candidates"]],
        "comparisons": study["validation"].get("comparisons", []),
        "selection_frequency": study.get("selection_frequency", []),
        "model": study["model"]["features"],
        "learning_curve": study.get("learning_curve") or [],
        "decision_curve": _columns(study.get("decision_curve")),
        "calibration": [study["calibration"]] if study.get("calibration") else [],
        **{name: (study.get(name) or {}).get("rows") or [] for name in ("search", "scouts", "fusion")},
        "input_correlation": _correlations(study.get("fusion") or {}),
        **_of_nomogram(study.get("nomogram") or {}),
    }
    for name, rows in tables.items():
        if rows:
            header = list(dict.fromkeys(key for row in rows for key in row))
            _write(folder / f"{name}.csv", header, [[row.get(key) for key in header] for row in rows])


def _correlations(fusion: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Spearman's correlations of a fused score's inputs, a row and a column for each."""
    names = fusion.get("inputs") or []
    return [{"input": name, **dict(zip(names, row))} for name, row in zip(names, fusion.get("correlation") or [])]


def _of_nomogram(nomogram: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    curve = nomogram.get("calibration") or {}
    points = {name: curve[name] for name in ("predicted", "apparent", "corrected") if name in curve}
    return {
        "nomogram_univariate": nomogram.get("univariate") or [],
        "nomogram_odds_ratios": nomogram.get("odds_ratios") or [],
        "nomogram_left_out": nomogram.get("left_out") or [],
        "nomogram_calibration": _columns(points),
    }


def _characteristic(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of Table 1: a line per level and group, numbers in full. Identifiers and free words are only counted."""
    lines = []
    for place, level in enumerate(row["levels"] or ("",)):
        for name, group in row["groups"].items():
            counts = group.get("counts") or ()
            lines.append(
                {
                    "characteristic": row["name"],
                    "kind": row["kind"],
                    "level": level,
                    "group": name,
                    "cases": group["cases"],
                    "missing": group["missing"],
                    "count": counts[place] if counts else None,
                    **{key: group.get(key) for key in _STATISTICS},
                    "test": row["test"],
                    "p": row["p"],
                }
            )
    return lines


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose groups of numbers are columns of their own."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= dict(value) if isinstance(value, Mapping) else {name: value}
    return flat


def _columns(table: Mapping[str, Sequence[Any]] | None) -> list[dict[str, Any]]:
    if not table:
        return []
    return [dict(zip(table, row)) for row in zip(*table.values())]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    write_text(path, stream.getvalue())


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else value
