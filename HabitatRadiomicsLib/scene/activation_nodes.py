"""Activation maps of networks as overlays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import SimpleITK as sitk

from HabitatRadiomicsLib.scene.case_keys import label_of
from HabitatRadiomicsLib.scene.colours import activation_colours
from HabitatRadiomicsLib.scene.volumes import add_volume

#: Values below this fraction of the maximum are transparent: the threshold at which the authors of class activation
#: maps separate object from background (Zhou et al. 2016, doi 10.1109/CVPR.2016.319).
LEAST_ACTIVATION = 0.2
_LEGEND_POINTS = 13


def add_activation(scene: Any, key: str, file: Path) -> Any:
    """A volume node of an activation map, 0 to 1, as a heat map; low values are transparent."""
    node = add_volume(scene, sitk.ReadImage(str(file)), f"{label_of(key)} activation")
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(activation_colours(scene).GetID())
    # An interpolated overlay would show a false rim at the edge of the patch.
    display.SetInterpolate(0)
    display.SetAutoWindowLevel(0)
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.SetAutoThreshold(0)
    display.SetThreshold(LEAST_ACTIVATION, 1.0)
    display.SetApplyThreshold(1)
    legend = scene.AddNewNodeByClass("vtkMRMLColorLegendDisplayNode")
    legend.SetAndObservePrimaryDisplayNode(display)
    node.AddAndObserveDisplayNodeID(legend.GetID())
    legend.SetTitleText("Activation\n[of maximum]")
    legend.SetLabelFormat("%.1f")
    legend.SetNumberOfLabels(6)
    legend.GetTitleTextProperty().SetFontSize(_LEGEND_POINTS)
    legend.GetLabelTextProperty().SetFontSize(_LEGEND_POINTS)
    legend.SetVisibility(False)
    return node
