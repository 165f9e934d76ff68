"""Results as table nodes, and SHAP values as a bar plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import vtk

from HabitatRadiomicsLib.scene.case_keys import label_of
from HabitatRadiomicsLib.scene.colours import AFTER_RGB, BEFORE_RGB, DOWN_RGB, UP_RGB

#: Columns of the table of changes.
BEFORE, AFTER = "Baseline [ml]", "Follow-up [ml]"
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
        "Sequence": [label_of(sequence) for sequence, _ in rows],
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


def add_change_table(scene: Any, changes: Sequence[Mapping[str, Any]]) -> Any:
    """Habitat volumes at both time points and their change; the percentage is NaN if the baseline volume is 0.

    Args:
        changes: rows as in ``habitat_changes.csv``.
    """
    nothing = float("nan")
    return add_table(
        scene,
        "Change of habitat volumes",
        {
            "Sequence": [row["sequence"] for row in changes],
            "Habitat": [row["habitat"] for row in changes],
            "Row": [str(number) for number in range(1, len(changes) + 1)],
            BEFORE: [row["baseline_ml"] for row in changes],
            AFTER: [row["followup_ml"] for row in changes],
            "Change [ml]": [row["change_ml"] for row in changes],
            "Change [%]": [nothing if row["change_percent"] is None else row["change_percent"] for row in changes],
            "Scale": [row["scale"] for row in changes],
        },
    )


def add_change_chart(scene: Any, table: Any) -> Any:
    """Two bars per habitat of :func:`add_change_table`, before and after."""
    chart = _add_bars(
        scene, table, "Change of habitat volumes", "Row", "Habitat", {BEFORE: BEFORE_RGB, AFTER: AFTER_RGB}
    )
    chart.SetTitle("Habitat volumes before and after")
    chart.SetXAxisTitle("habitat (row; names in the table)")
    chart.SetYAxisTitle("volume [ml]")
    return chart


def add_contribution_chart(scene: Any, table: Any, score: Mapping[str, Any]) -> Any:
    """A bar per feature of :func:`add_contribution_table`, in two colours, for Slicer's plot view."""
    chart = _add_bars(scene, table, "SHAP bars", "Rank", "Feature", {"Pushes up": UP_RGB, "Pushes down": DOWN_RGB})
    chart.SetTitle(f"Rad-score {score['score']:.3f}: SHAP values")
    chart.SetXAxisTitle("feature (rank; names in the table)")
    chart.SetYAxisTitle("contribution to the rad-score")
    return chart


def _add_bars(
    scene: Any, table: Any, name: str, place: str, label: str, columns: Mapping[str, tuple[float, float, float]]
) -> Any:
    """A chart with a bar for each row of a table and each of some columns, by their colours."""
    chart = scene.AddNewNodeByClass("vtkMRMLPlotChartNode", scene.GenerateUniqueName(name))
    for title, colour in columns.items():
        series = scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", title)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(place)
        series.SetYColumnName(title)
        series.SetLabelColumnName(label)
        series.SetPlotType(series.PlotTypeBar)
        series.SetColor(*colour)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    return chart
