"""The way back to what the slice views showed before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer
from mrml_nodes import add_image, noise
from slice_pictures import VIEWS, pictures

from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

if TYPE_CHECKING:
    from standin.headless import StandIn


def test_the_legend_goes_with_its_map(application: StandIn, scene: object, results: ResultNodes) -> None:
    before, plain = views.ViewState.now(scene), pictures(application)
    views.show_maps(scene, results, "T1W")
    assert all((pictures(application)[name] != plain[name]).any() for name in VIEWS)
    before.restore(scene)
    for name, picture in pictures(application).items():
        np.testing.assert_array_equal(picture, plain[name])


def state(application: StandIn) -> dict[str, object]:
    """Everything about the views that a user can set and a jump can change."""
    found: dict[str, object] = {}
    for name, view in application.slice_views.items():
        composite, node = view.composite_node, view.node
        found[name] = (
            composite.GetBackgroundVolumeID(),
            composite.GetForegroundVolumeID(),
            composite.GetLabelVolumeID(),
            composite.GetForegroundOpacity(),
            composite.GetLabelOpacity(),
            slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).tolist(),
            slicer.util.arrayFromVTKMatrix(node.GetXYToRAS()).tolist(),
            node.GetFieldOfView(),
            node.GetXYZOrigin(),
            node.GetOrientation(),
            node.GetSliceVisible(),
        )
    for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode"):
        found[node.GetID()] = node.GetDisplayVisibility()
    return found


def test_the_way_back_leads_to_the_very_same_view(
    application: StandIn, scene: object, results: ResultNodes, inputs: dict[str, SequenceInput]
) -> None:
    """Layers, opacities, places, zoom, a turned slice, and what was visible."""
    red, yellow, green = (application.slice_views[name] for name in VIEWS)
    red.composite_node.SetForegroundVolumeID(inputs["T2FS"].volume.GetID())
    red.composite_node.SetForegroundOpacity(0.37)
    yellow.composite_node.SetLabelVolumeID(inputs["T2FS"].mask.GetID())
    green.composite_node.SetBackgroundVolumeID(None)
    red.node.SetOrientation("Coronal")
    yellow.node.RotateToVolumePlane(inputs["T2FS"].volume)
    yellow.node.JumpSliceByOffsetting(3.1, -4.1, 5.9)
    width, height, depth = red.node.GetFieldOfView()
    red.node.SetFieldOfView(width / 3, height / 3, depth)
    green.node.SetXYZOrigin(17, -9, 0)
    inputs["T1W"].mask.SetDisplayVisibility(True)
    before, seen = state(application), pictures(application)
    kept = views.ViewState.now(scene)
    views.show_habitat(scene, results, "T2FS", "S2")
    views.show_habitat(scene, results, "T1W", "S1")
    red.node.SetFieldOfView(2 * width, 2 * height, depth)
    yellow.node.SetXYZOrigin(5, 5, 0)
    assert state(application) != before
    kept.restore(scene)
    assert state(application) == before
    for name, picture in pictures(application).items():
        np.testing.assert_array_equal(picture, seen[name])


def test_the_way_back_hides_results_and_nothing_else_that_came_since(
    application: StandIn, scene: object, scored: Path, inputs: dict[str, SequenceInput]
) -> None:
    kept = views.ViewState.now(scene)
    results = add_results(scene, scored, inputs)
    drawn = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "drawn by the user")
    drawn.CreateDefaultDisplayNodes()
    views.show_maps(scene, results, "T1W")
    kept.restore(scene)
    assert not results.habitats["T1W"].GetDisplayVisibility()
    assert drawn.GetDisplayVisibility()


def test_the_way_back_leaves_out_what_is_gone(
    application: StandIn, scene: object, results: ResultNodes, inputs: dict[str, SequenceInput]
) -> None:
    red = application.slice_views["Red"].composite_node
    red.SetForegroundVolumeID(inputs["T2FS"].volume.GetID())
    kept = views.ViewState.now(scene)
    scene.RemoveNode(inputs["T2FS"].volume)
    scene.RemoveNode(results.habitats["T2FS"])
    kept.restore(scene)
    assert red.GetForegroundVolumeID() is None
    assert red.GetBackgroundVolumeID() == inputs["T1W"].volume.GetID()


def test_a_view_of_nothing_is_restored_too(application: StandIn, scene: object) -> None:
    kept = views.ViewState.now(scene)
    volume = add_image(noise())
    for view in application.slice_views.values():
        view.composite_node.SetBackgroundVolumeID(volume.GetID())
    kept.restore(scene)
    assert {view.composite_node.GetBackgroundVolumeID() for view in application.slice_views.values()} == {None}
