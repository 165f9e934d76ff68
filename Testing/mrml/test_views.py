"""What the slice views show, pixel by pixel, and the way back to what they showed before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import slicer
import vtk
from mrml_nodes import add_image, matrix_of, noise
from vtk.util import numpy_support

from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.colours import HABITAT_OPACITY
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_results, habitat_labels
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

if TYPE_CHECKING:
    from standin.headless import StandIn
    from standin.slice_view import SliceView

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "HABITAT_RADIOMICS_UPDATE_PICTURES"
SEQUENCES = ("T1W", "T2FS")
VIEWS = ("Red", "Yellow", "Green")
#: Okabe and Ito's sky blue and vermilion.
COLOURS = {"S1": (0x56, 0xB4, 0xE9), "S2": (0xD5, 0x5E, 0x00)}
#: Of 255; pictures are rounded at each step of blending.
LEVELS = 4


@pytest.fixture
def results(
    application: StandIn, scene: object, scored: Path, inputs: dict[str, SequenceInput]
) -> Iterator[ResultNodes]:
    """The nodes of a score; the views show the first input, as after loading it, without any result."""
    found = add_results(scene, scored, inputs)
    for view in application.slice_views.values():
        view.composite_node.SetBackgroundVolumeID(inputs["T1W"].volume.GetID())
        view.logic.FitSliceToBackground()
    for node in (inputs["T1W"].mask, *found.habitats.values()):
        node.SetDisplayVisibility(False)
    yield found
    for view in application.slice_views.values():
        for layer in ("Background", "Foreground", "Label"):
            getattr(view.composite_node, f"Set{layer}VolumeID")(None)


@dataclass(frozen=True)
class Seen:
    """Which voxel each pixel of a view shows.

    Attributes:
        index: i, j, k, rounded; shape (rows, columns, 3).
        sure: pixels whose voxel is beyond doubt, inside the volume and away from its voxels' borders.
    """

    index: np.ndarray
    sure: np.ndarray

    @classmethod
    def of(cls, view: SliceView, volume: object) -> Seen:
        rows, columns, _ = view.pixels().shape
        row, column = np.mgrid[:rows, :columns]
        xy = np.stack([column, rows - 1 - row, np.zeros_like(row), np.ones_like(row)], axis=-1)
        to_ras = slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS())
        place = (xy @ (np.linalg.inv(matrix_of(volume)) @ to_ras).T)[..., :3]
        index = np.rint(place).astype(int)
        size = np.array(slicer.util.arrayFromVolume(volume).shape[::-1])
        inside = ((index >= 0) & (index < size)).all(axis=-1)
        sure = inside & (np.abs(place - index) < 0.35).all(axis=-1)
        return cls(np.clip(index, 0, size - 1), sure)

    def values(self, array: np.ndarray) -> np.ndarray:
        """An array's values (k, j, i) at the pixels."""
        i, j, k = np.moveaxis(self.index, -1, 0)
        return array[k, j, i]


def calm(labels: np.ndarray, reach: int = 3) -> np.ndarray:
    """Pixels around which, this far, there is no other label: no outline, no rim."""
    padded = np.pad(labels, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    return windows.min(axis=(2, 3)) == windows.max(axis=(2, 3))


def without_legend(results: ResultNodes) -> None:
    for volume in results.entropy.values():
        slicer.modules.colors.logic().GetColorLegendDisplayNode(volume).SetVisibility(False)


def pictures(application: StandIn) -> dict[str, np.ndarray]:
    return {name: application.slice_views[name].pixels().astype(int) for name in VIEWS}


@pytest.mark.parametrize("sequence", SEQUENCES)
@pytest.mark.parametrize("name", VIEWS)
def test_habitats_are_drawn_in_their_colours_where_they_are(
    application: StandIn, scene: object, results: ResultNodes, sequence: str, name: str
) -> None:
    """T2FS is oblique to the views. The grey image is the same picture with the overlay switched off."""
    view = application.slice_views[name]
    without_legend(results)
    views.show_maps(scene, results, sequence, entropy=0)
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
    views.show_maps(scene, results, sequence, entropy=1)
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
        views.show_maps(scene, results, "T1W", entropy=opacity)
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


def test_the_legend_goes_with_its_map(application: StandIn, scene: object, results: ResultNodes) -> None:
    before, plain = views.ViewState.now(scene), pictures(application)
    views.show_maps(scene, results, "T1W")
    assert all((pictures(application)[name] != plain[name]).any() for name in VIEWS)
    before.restore(scene)
    for name, picture in pictures(application).items():
        np.testing.assert_array_equal(picture, plain[name])


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
    views.show_habitat(scene, results, "T1W", region, entropy=0)
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
    views.show_maps(scene, results, "T1W", entropy=0.5)
    red, green = (application.slice_views[name].composite_node for name in ("Red", "Green"))
    green.SetForegroundVolumeID(results.volumes["T2FS"].GetID())
    views.set_overlay(scene, results, results.entropy["T1W"], 0.8)
    assert red.GetForegroundOpacity() == pytest.approx(0.8)
    assert green.GetForegroundOpacity() == pytest.approx(0.5)


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


def test_a_hollow_habitat_is_jumped_to_where_it_is(application: StandIn, scene: object, results: ResultNodes) -> None:
    """S1 lies around S2: the centre of its voxels is not one of them."""
    labels = habitat_labels(results, "T1W")
    k, j, i = np.rint(np.argwhere(labels == 1).mean(axis=0)).astype(int)
    assert labels[k, j, i] == 2
    views.show_habitat(scene, results, "T1W", "S1")
    place = slicer.util.arrayFromVTKMatrix(application.slice_views["Red"].node.GetSliceToRAS())[:3, 3]
    i, j, k = np.rint(np.linalg.inv(matrix_of(results.entropy["T1W"])) @ [*place, 1])[:3].astype(int)
    assert labels[k, j, i] == 1


#: As painters see them: mean difference, of 255, and how many pixels differ by more than 30.
MEAN_LIMIT, SHARE_LIMIT = 1.5, 0.01
GOLDEN_PICTURES = {"maps-axial": ("T1W", None, "Red"), "core-sagittal": ("T2FS", "S2", "Yellow")}


def draw(application: StandIn, results: ResultNodes, picture: str) -> SliceView:
    sequence, region, name = GOLDEN_PICTURES[picture]
    if region is None:
        views.show_maps(slicer.mrmlScene, results, sequence)
    else:
        views.show_habitat(slicer.mrmlScene, results, sequence, region)
    # Filled, so that a fault in them is many pixels and not a line's.
    views.set_habitat_opacity(results, 0.5)
    return application.slice_views[name]


def read_picture(path: Path) -> np.ndarray:
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    width, height, _ = image.GetDimensions()
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)


def is_like(picture: np.ndarray, golden: np.ndarray) -> bool:
    difference = np.abs(picture - golden)
    return difference.mean() <= MEAN_LIMIT and (difference.max(axis=2) > 30).mean() <= SHARE_LIMIT


@pytest.mark.parametrize("picture", GOLDEN_PICTURES)
def test_the_picture_is_the_golden_one(application: StandIn, results: ResultNodes, picture: str) -> None:
    """Drawn anew with the environment variable of :data:`UPDATE`; look at it then."""
    path = GOLDEN / f"{picture}.png"
    view = draw(application, results, picture)
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        view.save(path)
    assert path.stat().st_size <= 60_000
    assert is_like(view.pixels().astype(int), read_picture(path))


@pytest.mark.parametrize("picture", GOLDEN_PICTURES)
@pytest.mark.parametrize("fault", ["no habitats", "no entropy", "no legend", "smoothed", "shifted", "other colours"])
def test_a_picture_with_a_fault_is_not_the_golden_one(
    application: StandIn, scene: object, results: ResultNodes, picture: str, fault: str
) -> None:
    view = draw(application, results, picture)
    sequence = GOLDEN_PICTURES[picture][0]
    segmentation, volume = results.habitats[sequence], results.entropy[sequence]
    if fault == "no habitats":
        segmentation.SetDisplayVisibility(False)
    elif fault == "no entropy":
        views.set_overlay(scene, results, volume, 0)
    elif fault == "no legend":
        without_legend(results)
    elif fault == "smoothed":
        volume.GetDisplayNode().SetInterpolate(1)
        views.set_overlay(scene, results, volume, 1)
    elif fault == "shifted":
        volume.SetOrigin(*np.add(volume.GetOrigin(), 6))
    else:
        segmentation.GetSegmentation().GetSegment("S2").SetColor(0.0, 0.6, 0.45)
    assert not is_like(view.pixels().astype(int), read_picture(GOLDEN / f"{picture}.png"))


def test_a_view_of_nothing_is_restored_too(application: StandIn, scene: object) -> None:
    kept = views.ViewState.now(scene)
    volume = add_image(noise())
    for view in application.slice_views.values():
        view.composite_node.SetBackgroundVolumeID(volume.GetID())
    kept.restore(scene)
    assert {view.composite_node.GetBackgroundVolumeID() for view in application.slice_views.values()} == {None}
