"""Controls the slice views: overlays, jumps to a habitat, and the way back to the earlier view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

from HabitatRadiomicsLib.scene.colours import ENTROPY_OPACITY
from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE, ResultNodes
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
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
            layers = {layer: getattr(node, f"Get{layer}VolumeID")() for layer in _LAYERS}
            composites[node.GetID()] = {"layers": layers, "opacity": node.GetForegroundOpacity()}
        slices = {
            node.GetID(): (
                slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).ravel().tolist(),
                list(node.GetFieldOfView()),
                list(node.GetXYZOrigin()),
            )
            for node in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene)
        }
        segmentations = slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene)
        visible = {node.GetID(): bool(node.GetDisplayVisibility()) for node in segmentations}
        return cls(composites, slices, visible)

    def restore(self, scene: Any) -> None:
        """Restore this state; deleted nodes are skipped, and results added since are hidden."""
        for node_id, kept in self.composites.items():
            node = scene.GetNodeByID(node_id)
            if node is not None:
                for layer, volume_id in kept["layers"].items():
                    present = volume_id and scene.GetNodeByID(volume_id) is not None
                    getattr(node, f"Set{layer}VolumeID")(volume_id if present else None)
                node.SetForegroundOpacity(kept["opacity"])
        for node_id, (matrix, field_of_view, origin) in self.slices.items():
            node = scene.GetNodeByID(node_id)
            if node is not None:
                node.GetSliceToRAS().DeepCopy(matrix)
                node.UpdateMatrices()
                node.SetFieldOfView(*field_of_view)
                node.SetXYZOrigin(*origin)
        _update_legends(scene)
        for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene):
            no_result = node.GetAttribute(RESULT_ATTRIBUTE) is None
            node.SetDisplayVisibility(self.visible.get(node.GetID(), no_result))


def show_maps(scene: Any, results: ResultNodes, sequence: str) -> None:
    """One sequence in all slice views: its image, its entropy as an overlay, its habitats; no other segmentation."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
        node.SetBackgroundVolumeID(results.volumes[sequence].GetID())
        node.SetForegroundVolumeID(results.entropy[sequence].GetID())
        node.SetForegroundOpacity(ENTROPY_OPACITY)
        node.SetLabelVolumeID(None)
    for segmentation in slicer.util.getNodesByClass("vtkMRMLSegmentationNode", scene):
        segmentation.SetDisplayVisibility(segmentation is results.habitats[sequence])
    _update_legends(scene)
    _emphasise(results.habitats[sequence], None)
    _jump_to_middle(scene, results.entropy[sequence], slicer.util.arrayFromVolume(results.entropy[sequence]))


def show_habitat(scene: Any, results: ResultNodes, sequence: str, region: str) -> None:
    """:func:`show_maps` with one habitat filled strongly, the others faintly, and the slices through its middle.

    Args:
        region: ``S1``, ``S2``, ...; any other region (``whole``, ``ring``) shows the lesion.
    """
    show_maps(scene, results, sequence)
    segmentation, reference = results.habitats[sequence], results.entropy[sequence]
    if region in choices_of(segmentation):
        _emphasise(segmentation, region)
        _jump_to_middle(scene, reference, slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, region, reference))


def set_overlay(scene: Any, results: ResultNodes, overlay: Any, opacity: float) -> None:
    """Show an entropy or activation map, at an opacity, in each view whose overlay is a map of these results."""
    ours = {node.GetID() for node in (*results.entropy.values(), *results.activation.values())}
    for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
        if overlay is not None and node.GetForegroundVolumeID() in ours:
            node.SetForegroundVolumeID(overlay.GetID())
            node.SetForegroundOpacity(opacity)
    _update_legends(scene)


def set_habitat_opacity(results: ResultNodes, opacity: float) -> None:
    """Set the fill opacity of all habitats; outlines are unchanged."""
    for segmentation in results.habitats.values():
        segmentation.GetDisplayNode().SetOpacity2DFill(opacity)


def _emphasise(segmentation: Any, region: str | None) -> None:
    """Fill one habitat strongly and the others faintly; None fills all alike.

    Outlines stay: over the entropy overlay they are what separates the habitats.
    """
    for name in choices_of(segmentation):
        segmentation.GetDisplayNode().SetSegmentOpacity2DFill(name, 1.0 if region in (None, name) else _FAINT)


def _update_legends(scene: Any) -> None:
    """Let each view draw the legends of what it shows now: it does not notice when code changes its layers."""
    for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode", scene):
        node.Modified()


def _jump_to_middle(scene: Any, volume: Any, voxels: np.ndarray) -> None:
    """Centre all slice views at a voxel above 0: in the slice that has most of them, the one nearest their mean.

    The middle of a shell lies outside of it, and its voxel nearest the middle at one of its poles.
    """
    k = int(np.count_nonzero(voxels > 0, axis=(1, 2)).argmax())
    inside = np.argwhere(voxels[k] > 0)
    j, i = (int(value) for value in inside[((inside - inside.mean(axis=0)) ** 2).sum(axis=1).argmin()])
    left, posterior, superior = image_of(volume, where="").TransformIndexToPhysicalPoint((i, j, k))
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene):
        node.JumpSliceByCentering(-left, -posterior, superior)
