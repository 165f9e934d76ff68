"""Results as table nodes, and as bar charts of tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import vtk

from HabitatRadiomicsLib.scene.colours import AFTER_RGB, BEFORE_RGB, DOWN_RGB, UP_RGB
from HabitatRadiomicsLib.scene.sequence_input import label_of

#: Columns of the table of changes.
BEFORE, AFTER = "Baseline [ml]", "Follow-up [ml]"
_CHANGE_COLUMNS = {BEFORE: "baseline_ml", AFTER: "followup_ml", "Change [ml]": "change_ml",
                   "Change [%]": "change_percent", "Scale": "scale"}  # fmt: skip
_HABITAT_COLUMNS = {
    "Volume [ml]": "volume_ml",
    "Share [%]": "fraction",
    "Intensity mean": "intensity_mean",
    "Intensity SD": "intensity_sd",
    "Local entropy mean [bits]": "entropy_mean_bits",
    "Local entropy SD [bits]": "entropy_sd_bits",
    "Voxels": "voxels",
}


def add_table(scene: Any, name: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """A new table node; columns of text become text, all others numbers, None becomes NaN."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
    table = vtk.vtkTable()
    for title, values in columns.items():
        text = any(isinstance(value, str) for value in values)
        column = vtk.vtkStringArray() if text else vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value if text else float("nan") if value is None else float(value))
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    return node


def add_habitat_table(scene: Any, habitats: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    """Volumes in ml, intensities and entropies of every sequence's habitats.

    Args:
        habitats: by sequence, rows as in ``habitats.json``.
    """
    rows = [(label_of(sequence), row) for sequence, rows in habitats.items() for row in rows]
    columns: dict[str, list[Any]] = {
        "Sequence": [sequence for sequence, _ in rows],
        "Habitat": [row["name"] for _, row in rows],
        **{title: [row[name] for _, row in rows] for title, name in _HABITAT_COLUMNS.items()},
    }
    columns["Share [%]"] = [100 * share for share in columns["Share [%]"]]
    return add_table(scene, "Habitats", columns)


def add_contributions(scene: Any, score: Mapping[str, Any]) -> tuple[Any, Any]:
    """SHAP values, the largest first: a table with each feature's value and its percentile in the training cases, and
    a chart with a bar per feature, in two colours."""
    rows = score["contributions"]
    table = add_table(
        scene,
        "SHAP values",
        {
            "Feature": [row["name"] for row in rows],
            "Rank": [str(rank) for rank in range(1, len(rows) + 1)],
            "Value": [row["value"] for row in rows],
            "Training percentile": [row["percentile"] for row in rows],
            "SHAP": [row["shap"] for row in rows],
            "Pushes up": [max(row["shap"], 0.0) for row in rows],
            "Pushes down": [min(row["shap"], 0.0) for row in rows],
        },
    )
    chart = _add_bars(scene, table, "SHAP bars", ("Rank", "Feature"), {"Pushes up": UP_RGB, "Pushes down": DOWN_RGB})
    chart.SetTitle(f"Rad-score {score['score']:.3f}: SHAP values")
    chart.SetXAxisTitle("feature (rank; names in the table)")
    chart.SetYAxisTitle("contribution to the rad-score")
    return table, chart


def add_changes(scene: Any, changes: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Habitat volumes at both time points: a table with their change, and a chart with two bars per habitat.

    Args:
        changes: rows as in ``habitat_changes.csv``; the percentage is None if the baseline volume is 0.
    """
    columns = {
        "Sequence": [row["sequence"] for row in changes],
        "Habitat": [row["habitat"] for row in changes],
        "Row": [str(number) for number in range(1, len(changes) + 1)],
        **{title: [row[name] for row in changes] for title, name in _CHANGE_COLUMNS.items()},
    }
    table = add_table(scene, "Change of habitat volumes", columns)
    colours = {BEFORE: BEFORE_RGB, AFTER: AFTER_RGB}
    chart = _add_bars(scene, table, "Change of habitat volumes", ("Row", "Habitat"), colours)
    chart.SetTitle("Habitat volumes before and after")
    chart.SetXAxisTitle("habitat (row; names in the table)")
    chart.SetYAxisTitle("volume [ml]")
    return table, chart


def _add_bars(
    scene: Any, table: Any, name: str, axis: tuple[str, str], columns: Mapping[str, tuple[float, float, float]]
) -> Any:
    """A chart with a bar for each row of a table and each of some columns, given with their colours; ``axis`` names the
    columns of positions and labels."""
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName(name))
    for title, colour in columns.items():
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", title)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(axis[0])
        series.SetYColumnName(title)
        series.SetLabelColumnName(axis[1])
        series.SetPlotType(series.PlotTypeBar)
        series.SetColor(*colour)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return chart
