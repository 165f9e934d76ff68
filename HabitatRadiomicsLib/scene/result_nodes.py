"""Results of one patient as nodes: maps, tables, charts, documents; beside their input in the subject hierarchy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer

from HabitatRadiomicsLib.outputs import MAPS_FILE, json_text
from HabitatRadiomicsLib.scene.colours import (
    HABITAT_OPACITY,
    activation_colours,
    entropy_colours,
    habitat_colours,
    habitat_rgb,
)
from HabitatRadiomicsLib.scene.masks import add_segmentation, choices_of
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, label_of
from HabitatRadiomicsLib.scene.subject_hierarchy import all_or_nothing, folder_of, hierarchy_of, move_into
from HabitatRadiomicsLib.scene.table_nodes import add_changes, add_contributions, add_habitat_table
from HabitatRadiomicsLib.scene.volumes import add_volume

#: Attribute of every node that is a result; holds its sequence, or nothing.
RESULT_ATTRIBUTE = "HabitatRadiomics.Result"
#: Role of the references from a result's document to the volumes that were measured.
VOLUME_ROLE = "HabitatRadiomics.volume"
#: Fields of :class:`ResultNodes` that hold one node, or None.
SINGLE_NODES = ("habitat_table", "document", "report", "contribution_table", "contribution_chart", "change_table",
                "change_chart")  # fmt: skip
#: Values below this fraction of the maximum are transparent: the threshold at which the authors of class activation
#: maps separate object from background (Zhou et al. 2016, doi 10.1109/CVPR.2016.319).
LEAST_ACTIVATION = 0.2
_LEAST_BITS = 1e-6
_LEGEND_POINTS = 13
_OUTLINE_PIXELS = 2


@dataclass(frozen=True)
class ResultNodes:
    """The nodes of one result.

    Attributes:
        volumes: the input volume by sequence.
        entropy: vtkMRMLScalarVolumeNode, local entropy in bits, by sequence.
        habitats: vtkMRMLSegmentationNode, segments ``S1``, ``S2``, ..., by sequence.
        habitat_table: vtkMRMLTableNode, a row per sequence and habitat, with ml.
        document: vtkMRMLTextNode with the JSON of :attr:`content`.
        report: vtkMRMLTextNode with the HTML report; None without a score, like the next two.
        contribution_table: vtkMRMLTableNode, SHAP values.
        contribution_chart: vtkMRMLPlotChartNode of the same.
        change_table: vtkMRMLTableNode, habitat volumes at both time points; None with one time point.
        change_chart: vtkMRMLPlotChartNode of the same.
        activation: vtkMRMLScalarVolumeNode by sequence, where the network of a model with deep features looks.
        folder: subject hierarchy item that holds them.
    """

    volumes: Mapping[str, Any]
    entropy: Mapping[str, Any]
    habitats: Mapping[str, Any]
    habitat_table: Any
    document: Any
    report: Any = None
    contribution_table: Any = None
    contribution_chart: Any = None
    change_table: Any = None
    change_chart: Any = None
    activation: Mapping[str, Any] = field(default_factory=dict)
    folder: int = field(default=0, compare=False)

    @property
    def content(self) -> dict[str, Any]:
        """``maps`` (as ``habitats.json``), ``score`` (as ``score.json``, or null) and, with two time points,
        ``changes`` (the rows of ``habitat_changes.csv``)."""
        return json.loads(self.document.GetText())

    @property
    def score(self) -> dict[str, Any] | None:
        """``score.json``, or None when only maps were made."""
        return self.content["score"]

    @property
    def warnings(self) -> list[str]:
        """The warnings of the result, as sentences."""
        content = self.content
        return list(content["maps" if content["score"] is None else "score"]["warnings"])

    @property
    def maps(self) -> tuple[Mapping[str, Any], ...]:
        """The nodes of single images, by sequence: entropy, habitats, activation."""
        return self.entropy, self.habitats, self.activation

    def nodes(self) -> Iterator[Any]:
        """All nodes that were made."""
        for maps in self.maps:
            yield from maps.values()
        yield from self.about_all()

    def about_all(self) -> Iterator[Any]:
        """The nodes that do not belong to a single image."""
        yield from (node for name in SINGLE_NODES if (node := getattr(self, name)) is not None)
        for chart in (self.contribution_chart, self.change_chart):
            if chart is not None:
                yield from (chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes()))


def add_results(scene: Any, folder: Path, inputs: Mapping[str, SequenceInput]) -> ResultNodes:
    """Nodes of a result folder of ``maps`` or ``score``; all of them, or none when something fails.

    Args:
        folder: as the command line writes it.
        inputs: the measured inputs; the results go beside the first volume.
    """
    maps = json.loads((folder / MAPS_FILE).read_text(encoding="utf-8"))
    score_file = folder / "score.json"
    score = json.loads(score_file.read_text(encoding="utf-8")) if score_file.is_file() else None
    changes = _changes(folder / "habitat_changes.csv")
    rows = {name: document["habitats"] for name, document in maps["sequences"].items()}
    with all_or_nothing(scene):
        entropy = {name: _add_entropy(scene, name, folder / f"{name}_entropy.nrrd") for name in rows}
        habitats = {
            name: _add_habitats(scene, name, folder / f"{name}_habitats.nrrd", rows[name], entropy[name])
            for name in rows
        }
        content = json_text({"maps": maps, "score": score, **({"changes": changes} if changes else {})})
        activation_files = {name: folder / f"{name}_activation.nrrd" for name in inputs}
        results = ResultNodes(
            volumes={name: chosen.volume for name, chosen in inputs.items()},
            entropy=entropy,
            habitats=habitats,
            habitat_table=add_habitat_table(scene, rows),
            document=_add_text(scene, "Habitat Radiomics result", content),
            activation={
                name: _add_activation(scene, name, file) for name, file in activation_files.items() if file.is_file()
            },
        )
        if changes:
            table, chart = add_changes(scene, changes)
            results = replace(results, change_table=table, change_chart=chart)
        if score is not None:
            table, chart = add_contributions(scene, score)
            html = (folder / "report.html").read_text(encoding="utf-8")
            report = _add_text(scene, "Habitat Radiomics report", html)
            results = replace(results, report=report, contribution_table=table, contribution_chart=chart)
        for node in results.about_all():
            node.SetAttribute(RESULT_ATTRIBUTE, "")
        for nodes in results.maps:
            for name, node in nodes.items():
                node.SetAttribute(RESULT_ATTRIBUTE, name)
        for chosen in inputs.values():
            results.document.AddNodeReferenceID(VOLUME_ROLE, chosen.volume.GetID())
        return _beside_input(scene, results)


def add_habitat_labelmap(scene: Any, results: ResultNodes, sequence: str) -> Any:
    """The habitats of a sequence as a label map volume too: 1 is S1, 2 is S2, ..."""
    labels = habitat_labels(results, sequence)
    node = add_volume(scene, sitk.GetImageFromArray(labels), f"{label_of(sequence)} habitat labels", labels=True)
    node.CopyOrientation(results.entropy[sequence])
    node.GetDisplayNode().SetAndObserveColorNodeID(habitat_colours(scene, int(labels.max())).GetID())
    node.SetAttribute(RESULT_ATTRIBUTE, sequence)
    move_into(node, folder_of(results.entropy[sequence]))
    return node


def habitat_labels(results: ResultNodes, sequence: str) -> np.ndarray:
    """The habitats of a sequence as an array on the volume's grid, shape (k, j, i): 1 is S1, 2 is S2, ..., else 0."""
    reference, segmentation = results.entropy[sequence], results.habitats[sequence]
    labels = np.zeros(slicer.util.arrayFromVolume(reference).shape, dtype=np.uint8)
    for name in choices_of(segmentation):
        labels[slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, reference) > 0] = int(name[1:])
    return labels


def _add_entropy(scene: Any, sequence: str, file: Path) -> Any:
    image = sitk.ReadImage(str(file))
    node = add_volume(scene, image, f"{label_of(sequence)} local entropy")
    highest = float(np.ceil(sitk.GetArrayViewFromImage(image).max())) or 1.0
    legend = _make_overlay(scene, node, entropy_colours(scene), _LEAST_BITS, highest)
    legend.SetTitleText("Local entropy\n[bits]")
    # A label at each whole bit: a rounded number between two of them would be at the wrong place.
    legend.SetLabelFormat("%.0f")
    legend.SetNumberOfLabels(int(highest) + 1)
    legend.SetVisibility(True)
    return node


def _add_activation(scene: Any, key: str, file: Path) -> Any:
    node = add_volume(scene, sitk.ReadImage(str(file)), f"{label_of(key)} activation")
    legend = _make_overlay(scene, node, activation_colours(scene), LEAST_ACTIVATION, 1.0)
    legend.SetTitleText("Activation\n[of maximum]")
    legend.SetLabelFormat("%.1f")
    legend.SetNumberOfLabels(6)
    legend.SetVisibility(False)
    return node


def _make_overlay(scene: Any, node: Any, colours: Any, least: float, highest: float) -> Any:
    """Colour a volume node from 0 to ``highest``, transparent below ``least``; returns its legend."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colours.GetID())
    # A smoothed overlay would draw a false rim where the map ends.
    display.SetInterpolate(0)
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(0.0, highest)
    display.SetAutoThreshold(0)
    display.SetThreshold(least, highest)
    display.SetApplyThreshold(1)
    legend = scene.AddNewNodeByClass("vtkMRMLColorLegendDisplayNode")
    legend.SetAndObservePrimaryDisplayNode(display)
    node.AddAndObserveDisplayNodeID(legend.GetID())
    legend.GetTitleTextProperty().SetFontSize(_LEGEND_POINTS)
    legend.GetLabelTextProperty().SetFontSize(_LEGEND_POINTS)
    return legend


def _add_habitats(scene: Any, sequence: str, file: Path, rows: list[dict[str, Any]], reference: Any) -> Any:
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    names = [row["name"] for row in rows]
    segments = {name: (labels == int(name[1:]), habitat_rgb(name)) for name in names}
    node = add_segmentation(scene, f"{label_of(sequence)} habitats", reference, segments)
    for row in rows:
        segment = node.GetSegmentation().GetSegment(row["name"])
        segment.SetTag("HabitatRadiomics.VolumeMl", f"{row['volume_ml']:.3f}")
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(HABITAT_OPACITY)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
    return node


def _add_text(scene: Any, name: str, text: str) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLTextNode", scene.GenerateUniqueName(name))
    node.SetText(text)
    return node


def _beside_input(scene: Any, results: ResultNodes) -> ResultNodes:
    """Put each image's maps beside it, in one folder for all images in the same place; nodes that do not belong to a
    single image go beside the first."""
    hierarchy = hierarchy_of(scene)
    together: dict[int, list[str]] = {}
    for name, volume in results.volumes.items():
        together.setdefault(folder_of(volume), []).append(name)
    folders: dict[str, int] = {}
    for parent, names in together.items():
        title = hierarchy.GenerateUniqueItemName(f"Habitats of {', '.join(names).replace('_', ' ')}")
        folders |= dict.fromkeys(names, hierarchy.CreateFolderItem(parent, title))
    for nodes in results.maps:
        for name, node in nodes.items():
            move_into(node, folders[name])
    first = next(iter(folders.values()))
    for node in results.about_all():
        move_into(node, first)
    return replace(results, folder=first)


def _changes(file: Path) -> list[dict[str, Any]]:
    """The rows of ``habitat_changes.csv``; none where there is no such file."""
    if not file.is_file():
        return []
    import pandas as pd

    rows = pd.read_csv(file, dtype=str, keep_default_na=False).drop(columns="case_id").to_dict("records")
    return [
        {name: cell if name in ("sequence", "habitat", "scale") else float(cell) if cell else None
         for name, cell in row.items()}
        for row in rows
    ]  # fmt: skip
