"""Controls the slice views: overlays, jumps to a habitat, and restoring the earlier view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from HabitatRadiomicsLib.scene.colours import ENTROPY_OPACITY
from HabitatRadiomicsLib.scene.geometry import ras_of_voxel
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE, ResultNodes, habitat_names
from HabitatRadiomicsLib.scene.volumes import image_of

_LAYERS = ("Background", "Foreground", "Label")
_FAINT = 0.15


@dataclass(frozen=True)
class ViewState:
    """Layers, opacities and positions of all slice views, and which segmentations were visible."""

    composites: dict[str, dict[str, Any]]
    slices: dict[str, tuple[list[float], list[float], list[float]]]
    visible: dict[str, bool]

    @classmethod
    def now(cls, scene: Any) -> ViewState:
        """The current state of the views."""
        composites = {}
        for node in _nodes(scene, "vtkMRMLSliceCompositeNode"):
            layers = {layer: getattr(node, f"Get{layer}VolumeID")() for layer in _LAYERS}
            composites[node.GetID()] = {"layers": layers, "opacity": node.GetForegroundOpacity()}
        slices = {
            node.GetID(): (
                slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).ravel().tolist(),
                list(node.GetFieldOfView()),
                list(node.GetXYZOrigin()),
            )
            for node in _nodes(scene, "vtkMRMLSliceNode")
        }
        visible = {node.GetID(): bool(node.GetDisplayVisibility()) for node in _nodes(scene, "vtkMRMLSegmentationNode")}
        return cls(composites, slices, visible)

    def restore(self, scene: Any) -> None:
        """Restore this state; deleted nodes are skipped, and results added since are hidden."""
        for node_id, kept in self.composites.items():
            node = scene.GetNodeByID(node_id)
            if node is None:
                continue
            for layer, volume_id in kept["layers"].items():
                there = volume_id if volume_id and scene.GetNodeByID(volume_id) is not None else None
                getattr(node, f"Set{layer}VolumeID")(there)
            node.SetForegroundOpacity(kept["opacity"])
        for node_id, (matrix, view, origin) in self.slices.items():
            node = scene.GetNodeByID(node_id)
            if node is None:
                continue
            for index, value in enumerate(matrix):
                node.GetSliceToRAS().SetElement(index // 4, index % 4, value)
            node.UpdateMatrices()
            node.SetFieldOfView(*view)
            node.SetXYZOrigin(*origin)
        _update_legends(scene)
        for node in _nodes(scene, "vtkMRMLSegmentationNode"):
            no_result = node.GetAttribute(RESULT_ATTRIBUTE) is None
            node.SetDisplayVisibility(self.visible.get(node.GetID(), no_result))


def show_maps(scene: Any, results: ResultNodes, sequence: str, *, entropy: float = ENTROPY_OPACITY) -> None:
    """One sequence in all slice views: its image, its entropy as an overlay, its habitats, and no other segmentation.

    Args:
        entropy: opacity of the entropy overlay, 0 to 1.
    """
    for node in _nodes(scene, "vtkMRMLSliceCompositeNode"):
        node.SetBackgroundVolumeID(results.volumes[sequence].GetID())
        node.SetForegroundVolumeID(results.entropy[sequence].GetID())
        node.SetForegroundOpacity(entropy)
        node.SetLabelVolumeID(None)
    for segmentation in _nodes(scene, "vtkMRMLSegmentationNode"):
        segmentation.SetDisplayVisibility(segmentation is results.habitats[sequence])
    _update_legends(scene)
    emphasise(results, sequence, None)
    jump_to(scene, _middle_of(results.entropy[sequence]))


def show_habitat(
    scene: Any, results: ResultNodes, sequence: str, region: str, *, entropy: float = ENTROPY_OPACITY
) -> None:
    """The views on one habitat: its sequence, its segment strong and the others faint, its middle in the slices.

    Args:
        region: ``S1``, ``S2``, ...; any other region (``whole``, ``ring``) shows the lesion.
    """
    show_maps(scene, results, sequence, entropy=entropy)
    if region in habitat_names(results.habitats[sequence]):
        emphasise(results, sequence, region)
        jump_to(scene, _middle_of(results.entropy[sequence], _voxels(results, sequence, region)))


def emphasise(results: ResultNodes, sequence: str, region: str | None) -> None:
    """One habitat of a sequence filled strongly and the others faintly; None fills all alike.

    Outlines stay: over the entropy overlay they are what separates the habitats.
    """
    segmentation = results.habitats[sequence]
    display = segmentation.GetDisplayNode()
    for name in habitat_names(segmentation):
        display.SetSegmentOpacity2DFill(name, 1.0 if region in (None, name) else _FAINT)


def jump_to(scene: Any, place: tuple[float, float, float]) -> None:
    """Centre all slice views at a position, RAS in mm; their orientation is unchanged."""
    for node in _nodes(scene, "vtkMRMLSliceNode"):
        node.JumpSliceByCentering(*place)


def set_overlay(scene: Any, results: ResultNodes, overlay: Any, opacity: float) -> None:
    """Put an entropy or activation map, at an opacity, wherever any map of the results is the overlay."""
    ours = {node.GetID() for node in (*results.entropy.values(), *results.activation.values())}
    for node in _nodes(scene, "vtkMRMLSliceCompositeNode"):
        if overlay is not None and node.GetForegroundVolumeID() in ours:
            node.SetForegroundVolumeID(overlay.GetID())
            node.SetForegroundOpacity(opacity)
    _update_legends(scene)


def set_habitat_opacity(results: ResultNodes, opacity: float) -> None:
    """Set the fill opacity of all habitats; outlines are unchanged."""
    for segmentation in results.habitats.values():
        segmentation.GetDisplayNode().SetOpacity2DFill(opacity)


def _update_legends(scene: Any) -> None:
    """Let each view draw the legends of what it shows now: it does not look by itself when code changes its layers."""
    for node in _nodes(scene, "vtkMRMLColorLegendDisplayNode"):
        node.Modified()


def _voxels(results: ResultNodes, sequence: str, region: str) -> np.ndarray:
    return slicer.util.arrayFromSegmentBinaryLabelmap(results.habitats[sequence], region, results.entropy[sequence])


def _middle_of(volume: Any, voxels: np.ndarray | None = None) -> tuple[float, float, float]:
    """Of the voxels that are not 0, in the slice that has most of them, the one nearest the middle.

    A shell's own middle lies outside of it, and its voxel nearest the middle at one of its poles.
    """
    inside = (slicer.util.arrayFromVolume(volume) if voxels is None else voxels) > 0
    k = int(np.count_nonzero(inside, axis=(1, 2)).argmax())
    there = np.argwhere(inside[k])
    j, i = (int(value) for value in there[((there - there.mean(axis=0)) ** 2).sum(axis=1).argmin()])
    return ras_of_voxel(image_of(volume, where=""), (i, j, k))


def _nodes(scene: Any, kind: str) -> list[Any]:
    found = scene.GetNodesByClass(kind)
    found.UnRegister(scene)
    return [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]
