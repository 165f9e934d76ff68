"""The tables of a study, as CSV: everything that its figures and report show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.outputs import write_csv

#: Of a numeric characteristic.
_STATISTICS = ("mean", "sd", "median", "lower_quartile", "upper_quartile")


def write_tables(folder: Path, study: Mapping[str, Any]) -> None:
    """Each list of rows in a study document as a table of its own.

    Args:
        study: the document as plain data.
    """
    import pandas as pd

    tables = {
        **_of_folds(study.get("folds") or ()),
        "reliability": _of_reliability(study.get("reliability")),
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
            write_csv(pd.DataFrame(rows, dtype=object), folder / f"{name}.csv")


def _of_folds(folds: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """``folds``: which candidate each fold chose, and by what; ``fold_features``: what each candidate selected."""
    return {
        "folds": [
            {
                "repeat": row["repeat"],
                "fold": row["fold"],
                "candidate": name,
                "inner_auc": area,
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
    }


def _of_reliability(reliability: Mapping[str, Any] | None) -> list[dict[str, Any]]:
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
    for index, level in enumerate(row["levels"] or ("",)):
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
                    "count": counts[index] if counts else None,
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
