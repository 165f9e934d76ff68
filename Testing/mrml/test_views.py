"""What the slice views show, pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import slicer
from mrml_nodes import matrix_of
from slice_pictures import COLOURS, LEVELS, SEQUENCES, VIEWS, Seen, calm, pictures, without_legend
from vtk.util import numpy_support

from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.colours import ENTROPY_OPACITY, HABITAT_OPACITY
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, habitat_labels
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

if TYPE_CHECKING:
    from standin.headless import StandIn


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", VIEWS)
def test_habitats_are_drawn_in_their_colours_where_they_are(
    application: StandIn, scene: object, results: ResultNodes, sequence: str, name: str
) -> None:
    """T2FS is oblique to the views. The grey image is the same picture with the overlay switched off."""
    view = application.slice_views[name]
    without_legend(results)
    views.show_maps(scene, results, sequence)
    views.set_overlay(scene, results, results.entropy[sequence], 0)
    views.set_habitat_opacity(results, 0.6)
    with_habitats = view.pixels().astype(int)
    results.habitats[sequence].SetDisplayVisibility(False)
    grey = view.pixels().astype(int)
    assert np.ptp(grey, axis=2).max() == 0
    assert grey.max() > 120

    seen = Seen.of(view, results.entropy[sequence])
    labels = seen.values(habitat_labels(results, sequence))
    flat = calm(labels) & seen.sure
    outside = flat & (labels == 0)
    np.testing.assert_array_equal(with_habitats[outside], grey[outside])
    for value, colour in enumerate(COLOURS.values(), start=1):
        inside = flat & (labels == value)
        assert inside.sum() > 80
        expected = 0.4 * grey[inside] + 0.6 * np.array(colour)
        assert np.abs(with_habitats[inside] - expected).max() <= LEVELS


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", VIEWS)
def test_entropy_is_drawn_in_the_colour_of_each_voxels_value(
    application: StandIn, scene: object, results: ResultNodes, sequence: str, name: str
) -> None:
    """To the very rim: not smoothed, and nothing outside the lesion."""
    view, volume = application.slice_views[name], results.entropy[sequence]
    without_legend(results)
    views.show_maps(scene, results, sequence)
    views.set_overlay(scene, results, volume, 1)
    results.habitats[sequence].SetDisplayVisibility(False)
    drawn = view.pixels().astype(int)
    views.set_overlay(scene, results, volume, 0)
    grey = view.pixels().astype(int)

    seen = Seen.of(view, volume)
    bits = seen.values(slicer.util.arrayFromVolume(volume))
    inside, outside = seen.sure & (bits > 0), seen.sure & (bits == 0)
    assert inside.sum() > 800
    np.testing.assert_array_equal(drawn[outside], grey[outside])
    assert np.abs(drawn[inside] - entropy_colours(bits[inside], volume)).max() <= LEVELS
    assert np.ptp(drawn[inside], axis=0).max() > 100, "dark and bright"

    volume.GetDisplayNode().SetInterpolate(1)
    views.set_overlay(scene, results, volume, 1)
    smoothed = view.pixels().astype(int)
    assert np.abs(smoothed[inside] - entropy_colours(bits[inside], volume)).max() > 10 * LEVELS


def entropy_colours(bits: np.ndarray, volume: object) -> np.ndarray:
    """From 0 to the next whole number of bits above the maximum, through 256 colours; of 255."""
    highest = np.ceil(slicer.util.arrayFromVolume(volume).max())
    table = numpy_support.vtk_to_numpy(volume.GetDisplayNode().GetColorNode().GetLookupTable().GetTable())
    return table[np.clip(np.rint(bits / highest * 255).astype(int), 0, 255), :3].astype(int)


def test_a_half_opaque_entropy_lets_half_of_the_image_through(
    application: StandIn, scene: object, results: ResultNodes
) -> None:
    view = application.slice_views["Red"]
    without_legend(results)
    taken = {}
    for opacity in (0.0, 0.5, 1.0):
        views.show_maps(scene, results, "T1W")
        views.set_overlay(scene, results, results.entropy["T1W"], opacity)
        results.habitats["T1W"].SetDisplayVisibility(False)
        taken[opacity] = view.pixels().astype(int)
    assert np.abs(taken[0.5] - (taken[0.0] + taken[1.0]) / 2).max() <= 2
    assert np.abs(taken[1.0] - taken[0.0]).max() > 100


@pytest.mark.parametrize("name", VIEWS)
def test_the_legend_of_the_shown_entropy_is_drawn(
    application: StandIn, scene: object, results: ResultNodes, name: str
) -> None:
    view = application.slice_views[name]
    plain = view.pixels().astype(int)
    shown = {}
    for sequence in SEQUENCES:
        views.show_maps(scene, results, sequence)
        with_legend = view.pixels().astype(int)
        legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(results.entropy[sequence])
        legend.SetVisibility(False)
        without = view.pixels().astype(int)
        legend.SetVisibility(True)
        rows, columns = np.nonzero(np.abs(with_legend - without).max(axis=2) > 20)
        assert columns.min() > 0.4 * with_legend.shape[1], "on the right"
        shown[sequence] = len(rows)
        # The bar goes from black through red to pale yellow.
        bar = with_legend[rows, columns]
        for colour in ((0x9F, 0x2A, 0x63), (0xF5, 0x7D, 0x15), (0xFC, 0xFF, 0xA4)):
            assert (np.abs(bar - colour).max(axis=1) < 25).sum() > 10
    assert min(shown.values()) > 1000
    assert max(shown.values()) < 0.2 * plain[..., 0].size, "one legend, not one over the other"


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("region", ["S1", "S2"])
def test_a_habitat_is_shown_in_the_middle_of_all_views(
    application: StandIn, scene: object, results: ResultNodes, sequence: str, region: str
) -> None:
    application.slice_views["Red"].node.SetXYZOrigin(60, -45, 0)  # dragged
    views.show_habitat(scene, results, sequence, region)
    labels = habitat_labels(results, sequence)
    for view in application.slice_views.values():
        seen = Seen.of(view, results.entropy[sequence])
        # The centre lies between four pixels.
        middle = seen.values(labels)[149:151, 149:151]
        assert (middle == int(region[1:])).any()
        place = slicer.util.arrayFromVTKMatrix(view.node.GetSliceToRAS())[:3, 3]
        i, j, k = np.rint(np.linalg.inv(matrix_of(results.entropy[sequence])) @ [*place, 1])[:3].astype(int)
        assert labels[k, j, i] == int(region[1:])


@pytest.mark.parametrize(("region", "strong"), [("S1", {1}), ("S2", {2}), ("whole", {1, 2}), ("ring", {1, 2})])
def test_one_habitat_is_strong_and_the_others_are_faint(
    application: StandIn, scene: object, results: ResultNodes, region: str, strong: set[int]
) -> None:
    without_legend(results)
    views.show_habitat(scene, results, "T1W", region)
    views.set_overlay(scene, results, results.entropy["T1W"], 0)
    drawn = pictures(application)
    results.habitats["T1W"].SetDisplayVisibility(False)
    grey = pictures(application)
    found = {1: 0, 2: 0}
    for name in VIEWS:
        seen = Seen.of(application.slice_views[name], results.entropy["T1W"])
        labels = seen.values(habitat_labels(results, "T1W"))
        for value, colour in enumerate(COLOURS.values(), start=1):
            inside = calm(labels) & seen.sure & (labels == value)
            found[value] += inside.sum()
            part = HABITAT_OPACITY * (1 if value in strong else 0.15)
            expected = (1 - part) * grey[name][inside] + part * np.array(colour)
            assert np.abs(drawn[name][inside] - expected).max(initial=0) <= LEVELS
    assert min(found.values()) > 500


def test_only_the_shown_sequence_is_seen(
    application: StandIn, scene: object, results: ResultNodes, inputs: dict[str, SequenceInput]
) -> None:
    """The lesion as it was drawn would lie over its habitats."""
    inputs["T1W"].mask.SetDisplayVisibility(True)
    for name, other in (("T1W", "T2FS"), ("T2FS", "T1W")):
        views.show_maps(scene, results, name)
        assert results.habitats[name].GetDisplayVisibility()
        assert not results.habitats[other].GetDisplayVisibility()
        assert not inputs["T1W"].mask.GetDisplayVisibility()
        for view in application.slice_views.values():
            assert view.composite_node.GetBackgroundVolumeID() == results.volumes[name].GetID()
            assert view.composite_node.GetForegroundVolumeID() == results.entropy[name].GetID()


def test_another_overlay_keeps_its_opacity(application: StandIn, scene: object, results: ResultNodes) -> None:
    views.show_maps(scene, results, "T1W")
    red, green = (application.slice_views[name].composite_node for name in ("Red", "Green"))
    green.SetForegroundVolumeID(results.volumes["T2FS"].GetID())
    views.set_overlay(scene, results, results.entropy["T1W"], 0.8)
    assert red.GetForegroundOpacity() == pytest.approx(0.8)
    assert green.GetForegroundOpacity() == pytest.approx(ENTROPY_OPACITY)


def test_a_hollow_habitat_is_jumped_to_where_it_is(application: StandIn, scene: object, results: ResultNodes) -> None:
    """S1 lies around S2: the centre of its voxels is not one of them."""
    labels = habitat_labels(results, "T1W")
    k, j, i = np.rint(np.argwhere(labels == 1).mean(axis=0)).astype(int)
    assert labels[k, j, i] == 2
    views.show_habitat(scene, results, "T1W", "S1")
    place = slicer.util.arrayFromVTKMatrix(application.slice_views["Red"].node.GetSliceToRAS())[:3, 3]
    i, j, k = np.rint(np.linalg.inv(matrix_of(results.entropy["T1W"])) @ [*place, 1])[:3].astype(int)
    assert labels[k, j, i] == 1
