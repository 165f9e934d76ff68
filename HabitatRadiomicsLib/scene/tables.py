"""Results as table nodes, and SHAP values as a bar plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import vtk

from HabitatRadiomicsLib.scene.colours import DOWN_RGB, UP_RGB

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
    """A new table node; columns of text become text, all others numbers."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", scene.GenerateUniqueName(name))
    table = vtk.vtkTable()
    for title, values in columns.items():
        text = any(isinstance(value, str) for value in values)
        column = vtk.vtkStringArray() if text else vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value if text else float(value))
        table.AddColumn(column)
    node.SetAndObserveTable(table)
    return node


def add_habitat_table(scene: Any, habitats: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    """Volumes in ml, intensities and entropies of every sequence's habitats.

    Args:
        habitats: by sequence, rows as in ``habitats.json``.
    """
    rows = [(sequence, row) for sequence, found in habitats.items() for row in found]
    columns: dict[str, list[Any]] = {
        "Sequence": [sequence for sequence, _ in rows],
        "Habitat": [row["name"] for _, row in rows],
    }
    for title, key in _HABITAT_COLUMNS.items():
        scale = 100 if key == "fraction" else 1
        columns[title] = [scale * row[key] for _, row in rows]
    return add_table(scene, "Habitats", columns)


def add_contribution_table(scene: Any, score: Mapping[str, Any]) -> Any:
    """SHAP values, the largest first, with each feature's value and its percentile in the training cases."""
    rows = score["contributions"]
    return add_table(
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


def add_contribution_chart(scene: Any, table: Any, score: Mapping[str, Any]) -> Any:
    """A bar per feature of :func:`add_contribution_table`, in two colours, for Slicer's plot view."""
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName("SHAP bars"))
    for title, colour in (("Pushes up", UP_RGB), ("Pushes down", DOWN_RGB)):
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", title)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("Rank")
        series.SetYColumnName(title)
        series.SetLabelColumnName("Feature")
        series.SetPlotType(series.PlotTypeBar)
        series.SetColor(*colour)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(f"Rad-score {score['score']:.3f}: SHAP values")
    chart.SetXAxisTitle("feature (rank; names in the table)")
    chart.SetYAxisTitle("contribution to the rad-score")
    return chart
