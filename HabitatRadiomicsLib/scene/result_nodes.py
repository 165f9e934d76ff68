"""Results of one patient as nodes: maps, tables, plot, documents; beside their input in the subject hierarchy."""

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
from HabitatRadiomicsLib.scene.activation_nodes import add_activation
from HabitatRadiomicsLib.scene.case_keys import label_of
from HabitatRadiomicsLib.scene.colours import HABITAT_OPACITY, entropy_colours, habitat_colours, habitat_rgb
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.table_nodes import (
    add_change_chart,
    add_change_table,
    add_contribution_chart,
    add_contribution_table,
    add_habitat_table,
)
from HabitatRadiomicsLib.scene.transaction import all_or_nothing
from HabitatRadiomicsLib.scene.volumes import add_volume

#: Attribute of every node that is a result; holds its sequence, or nothing.
RESULT_ATTRIBUTE = "HabitatRadiomics.Result"
#: Role of the references from a result's document to the volumes that were measured.
VOLUME_ROLE = "HabitatRadiomics.volume"
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
        report: vtkMRMLTextNode with the HTML report; None without a score, as the two that follow.
        contribution_table: vtkMRMLTableNode, SHAP values.
        contribution_chart: vtkMRMLPlotChartNode of the same.
        change_table: vtkMRMLTableNode, habitat volumes at both time points; None of one time point.
        change_chart: vtkMRMLPlotChartNode of the same.
        activation: vtkMRMLScalarVolumeNode by sequence, what of the image the network's part of the score looks at; of
            a model with deep features.
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
        """``maps`` (as ``habitats.json``), ``score`` (as ``score.json``, or null) and, of two time points, ``changes``
        (a row for each of ``habitat_changes.csv``)."""
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

    def nodes(self) -> Iterator[Any]:
        """All nodes that were made."""
        yield from self.entropy.values()
        yield from self.habitats.values()
        yield from self.activation.values()
        yield from self.about_all()

    def about_all(self) -> Iterator[Any]:
        """The nodes that do not belong to a single image."""
        single = (self.habitat_table, self.document, self.report, self.contribution_table, self.contribution_chart,
                  self.change_table, self.change_chart)  # fmt: skip
        yield from (node for node in single if node is not None)
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
    with all_or_nothing(scene):
        entropy = {name: _add_entropy(scene, name, folder / f"{name}_entropy.nrrd") for name in maps["sequences"]}
        habitats = {
            name: _add_habitats(scene, name, folder / f"{name}_habitats.nrrd", document["habitats"], entropy[name])
            for name, document in maps["sequences"].items()
        }
        rows = {name: document["habitats"] for name, document in maps["sequences"].items()}
        results = ResultNodes(
            volumes={name: chosen.volume for name, chosen in inputs.items()},
            entropy=entropy,
            habitats=habitats,
            habitat_table=add_habitat_table(scene, rows),
            document=_add_text(
                scene,
                "Habitat Radiomics result",
                json_text({"maps": maps, "score": score, **({"changes": changes} if changes else {})}),
            ),
            activation={
                name: add_activation(scene, name, file)
                for name in inputs
                if (file := folder / f"{name}_activation.nrrd").is_file()
            },
        )
        if changes:
            table = add_change_table(scene, changes)
            results = replace(results, change_table=table, change_chart=add_change_chart(scene, table))
        if score is not None:
            table = add_contribution_table(scene, score)
            chart = add_contribution_chart(scene, table, score)
            results = replace(
                results, report=_add_report(scene, folder), contribution_table=table, contribution_chart=chart
            )
        for node in results.nodes():
            node.SetAttribute(RESULT_ATTRIBUTE, "")
        for name in maps["sequences"]:
            for node in (entropy[name], habitats[name]):
                node.SetAttribute(RESULT_ATTRIBUTE, name)
        for name, node in results.activation.items():
            node.SetAttribute(RESULT_ATTRIBUTE, name)
        for chosen in inputs.values():
            results.document.AddNodeReferenceID(VOLUME_ROLE, chosen.volume.GetID())
        return _beside_input(scene, results, inputs)


def add_habitat_labelmap(scene: Any, results: ResultNodes, sequence: str) -> Any:
    """The habitats of a sequence as a label map volume too: 1 is S1, 2 is S2, ..."""
    labels = habitat_labels(results, sequence)
    node = add_volume(scene, sitk.GetImageFromArray(labels), f"{label_of(sequence)} habitat labels", labels=True)
    node.CopyOrientation(results.entropy[sequence])
    node.GetDisplayNode().SetAndObserveColorNodeID(habitat_colours(scene, int(labels.max())).GetID())
    node.SetAttribute(RESULT_ATTRIBUTE, sequence)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(results.entropy[sequence])
    _into_folder(scene, node, hierarchy.GetItemParent(item) if item else results.folder)
    return node


def habitat_labels(results: ResultNodes, sequence: str) -> np.ndarray:
    """The habitats of a sequence as an array on the volume's grid, shape (k, j, i): 1 is S1, 2 is S2, ..., else 0."""
    reference, segmentation = results.entropy[sequence], results.habitats[sequence]
    labels = np.zeros(slicer.util.arrayFromVolume(reference).shape, dtype=np.uint8)
    for name in habitat_names(segmentation):
        labels[slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, name, reference) > 0] = int(name[1:])
    return labels


def habitat_names(segmentation: Any) -> list[str]:
    """The habitats of a segmentation of ours, in order; they are the segments' IDs."""
    segments = segmentation.GetSegmentation()
    return [segments.GetNthSegmentID(index) for index in range(segments.GetNumberOfSegments())]


def _add_entropy(scene: Any, sequence: str, file: Path) -> Any:
    image = sitk.ReadImage(str(file))
    node = add_volume(scene, image, f"{label_of(sequence)} local entropy")
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(entropy_colours(scene).GetID())
    # A smoothed overlay would draw a false rim where the lesion ends.
    display.SetInterpolate(0)
    highest = float(np.ceil(sitk.GetArrayViewFromImage(image).max())) or 1.0
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(0.0, highest)
    display.SetAutoThreshold(0)
    display.SetThreshold(_LEAST_BITS, highest)
    display.SetApplyThreshold(1)
    _add_legend(scene, node, int(highest))
    return node


def _add_legend(scene: Any, volume: Any, highest: int) -> None:
    legend = scene.AddNewNodeByClass("vtkMRMLColorLegendDisplayNode")
    legend.SetAndObservePrimaryDisplayNode(volume.GetDisplayNode())
    volume.AddAndObserveDisplayNodeID(legend.GetID())
    legend.SetTitleText("Local entropy\n[bits]")
    # A label at each whole bit: between them, a rounded number would stand at the wrong place.
    legend.SetLabelFormat("%.0f")
    legend.SetNumberOfLabels(highest + 1)
    legend.GetTitleTextProperty().SetFontSize(_LEGEND_POINTS)
    legend.GetLabelTextProperty().SetFontSize(_LEGEND_POINTS)
    legend.SetVisibility(True)


def _add_habitats(scene: Any, sequence: str, file: Path, rows: list[dict[str, Any]], reference: Any) -> Any:
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(file)))
    name = scene.GenerateUniqueName(f"{label_of(sequence)} habitats")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    for row in rows:
        habitat = row["name"]
        node.GetSegmentation().AddEmptySegment(habitat, habitat, habitat_rgb(habitat))
        inside = (labels == int(habitat[1:])).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(inside, node, habitat, reference)
        node.GetSegmentation().GetSegment(habitat).SetTag("HabitatRadiomics.VolumeMl", f"{row['volume_ml']:.3f}")
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(HABITAT_OPACITY)
    display.SetOpacity2DOutline(1.0)
    display.SetSliceIntersectionThickness(_OUTLINE_PIXELS)
    return node


def _add_text(scene: Any, name: str, text: str) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLTextNode", scene.GenerateUniqueName(name))
    node.SetText(text)
    return node


def _add_report(scene: Any, folder: Path) -> Any:
    return _add_text(scene, "Habitat Radiomics report", (folder / "report.html").read_text(encoding="utf-8"))


def _beside_input(scene: Any, results: ResultNodes, inputs: Mapping[str, SequenceInput]) -> ResultNodes:
    """Put each image's maps beside it, in one folder for all images in the same place; nodes that do not belong to a
    single image go beside the first."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    together: dict[int, list[str]] = {}
    for name, chosen in inputs.items():
        item = hierarchy.GetItemByDataNode(chosen.volume)
        parent = hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()
        together.setdefault(parent, []).append(name)
    folders: dict[str, int] = {}
    for parent, names in together.items():
        title = hierarchy.GenerateUniqueItemName(f"Habitats of {', '.join(names).replace('_', ' ')}")
        folders |= dict.fromkeys(names, hierarchy.CreateFolderItem(parent, title))
    for nodes in (results.entropy, results.habitats, results.activation):
        for name, node in nodes.items():
            _into_folder(scene, node, folders[name])
    first = next(iter(folders.values()))
    for node in results.about_all():
        _into_folder(scene, node, first)
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


def _into_folder(scene: Any, node: Any, folder: int) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, node)
