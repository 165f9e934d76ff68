"""The tables of a study as CSV: everything that its figures and report show, and the tables that name its cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.extraction.kept_cases import write_problems, write_warnings
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import write_feature_table
from HabitatRadiomicsLib.outputs import write_csv

if TYPE_CHECKING:
    from HabitatRadiomicsLib.training.train import Training

#: Of a numeric characteristic.
_STATISTICS = ("mean", "sd", "median", "lower_quartile", "upper_quartile")

_Rows = Sequence[Mapping[str, Any]]


def write_tables(folder: Path, study: Mapping[str, Any]) -> None:
    """Write each list of rows in a study document as a table; a part that the study lacks has no table.

    Args:
        study: the document as plain data.
    """
    import pandas as pd

    fusion, nomogram = study.get("fusion") or {}, study.get("nomogram") or {}
    calibration, inputs = study.get("calibration"), fusion.get("inputs") or []
    known = nomogram.get("calibration") or {}
    curve = {name: known[name] for name in ("predicted", "apparent", "corrected") if name in known}
    tables: dict[str, _Rows | None] = {
        **_of_folds(study.get("folds") or ()),
        "reliability": _of_reliability(study.get("reliability")),
        "characteristics": [row for one in study.get("characteristics") or () for row in _characteristic(one)],
        "habitats": [
            {"sequence": sequence, **row, "chosen": "yes" if row["k"] == choice["chosen"] else "no"}
            for sequence, choice in (study.get("habitats") or {}).items()
            for row in choice["candidates"]
        ],
        "performance": [_flat(row) for row in study["validation"]["candidates"]],
        "comparisons": study["validation"].get("comparisons"),
        "selection_frequency": study.get("selection_frequency"),
        "model": study["model"]["features"],
        "learning_curve": study.get("learning_curve"),
        "decision_curve": _columns(study.get("decision_curve") or {}),
        "calibration": [calibration] if calibration else None,
        **{name: (study.get(name) or {}).get("rows") for name in ("search", "scouts", "fusion")},
        "input_correlation": [
            {"input": name, **dict(zip(inputs, row))} for name, row in zip(inputs, fusion.get("correlation") or [])
        ],
        **{f"nomogram_{name}": nomogram.get(name) for name in ("univariate", "odds_ratios", "left_out")},
        "nomogram_calibration": _columns(curve),
    }
    for name, rows in tables.items():
        if rows:
            write_csv(pd.DataFrame(rows, dtype=object), folder / f"{name}.csv")


def _of_folds(folds: _Rows) -> dict[str, _Rows]:
    """``folds``: the candidate that each fold chose, and by which AUC; ``fold_features``: what each selected."""
    return {
        "folds": [
            {
                "repeat": row["repeat"], "fold": row["fold"], "candidate": name, "inner_auc": area,
                "chosen": "yes" if name == row["chosen"] else "no",
            }
            for row in folds
            for name, area in row["inner_auc"].items()
        ],
        "fold_features": [
            {"repeat": row["repeat"], "fold": row["fold"], "candidate": name, "feature": feature}
            for row in folds
            for name, features in row["features"].items()
            for feature in features
        ],
    }  # fmt: skip


def _of_reliability(reliability: Mapping[str, Any] | None) -> _Rows:
    """A row for each feature and kind of repeated measurement."""
    if reliability is None:
        return []
    return [
        {
            "feature": name,
            "kind": kind,
            **{key: columns[key][index] for key in ("icc", "low", "high", "cases")},
            "kept": "yes" if reliability["kept"][index] else "no",
        }
        for index, name in enumerate(reliability["features"])
        for kind, columns in reliability["kinds"].items()
    ]


def _characteristic(row: Mapping[str, Any]) -> _Rows:
    """A row of Table 1: a line per level and group, numbers in full. Identifiers and free text are only counted."""
    return [
        {
            "characteristic": row["name"],
            "kind": row["kind"],
            "level": level,
            "group": name,
            "cases": group["cases"],
            "missing": group["missing"],
            "count": group["counts"][index] if group.get("counts") else None,
            **{key: group.get(key) for key in _STATISTICS},
            "test": row["test"],
            "p": row["p"],
        }
        for index, level in enumerate(row["levels"] or ("",))
        for name, group in row["groups"].items()
    ]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose groups of numbers are columns of their own."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    return flat


def _columns(table: Mapping[str, Sequence[Any]]) -> _Rows:
    return [dict(zip(table, row)) for row in zip(*table.values())]


def write_features(folder: Path, training: Training) -> None:
    """Features as measured with the habitats of all cases, their definitions, and the cases that failed."""
    study, protocol = training.study, training.model.protocol
    table = with_deltas(study.features.table(0), protocol.timepoints, with_followup=True)
    write_feature_table(
        folder, table, protocol, engine=study.features.engine, outcomes=study.cohort.outcomes, sites=study.cohort.sites
    )
    write_problems([*study.features.problems, *study.features.region_problems(0)], folder / "errors.csv")
    write_warnings(study.features.warnings, folder / "warnings.csv")


def write_held_out(folder: Path, training: Training) -> None:
    """``held_out.csv``: each case's score by each model that had not seen it, a row per case, repeat and model."""
    import pandas as pd

    from HabitatRadiomicsLib.reporting.document.learning import shown_name  # loads what learns

    ids, outcome = training.study.features.case_ids, training.table.outcome
    rows = [
        (case_id, repeat, shown_name(training, name), value, score, cut_off)
        for name, held_out in training.validation.held_out.items()
        for repeat, (scores, cut_offs) in enumerate(zip(held_out.scores, held_out.cut_offs), start=1)
        for case_id, value, score, cut_off in zip(ids, outcome, scores, cut_offs)
    ]
    columns = ["case_id", "repeat", "model", "outcome", "score", "cut_off"]
    write_csv(pd.DataFrame(rows, columns=columns), folder / "held_out.csv")
