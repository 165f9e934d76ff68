"""Lesions kept as a surface or as a fractional label map become a mask by a rule that is told."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from lesion_reading import assert_drawn, ball, middle_of, read, voxels_of
from mrml_nodes import (
    BINARY,
    FRACTIONAL,
    SURFACE,
    add_image,
    add_segment,
    add_segmentation,
    noise,
    oriented,
    to_ras,
)


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.9, 0.7, 1.6)], ids=["isotropic", "anisotropic"])
def test_a_surface_holds_the_voxels_whose_centres_lie_inside(
    scene: object, spacing: tuple[float, float, float]
) -> None:
    image = noise((40, 44, 36), spacing)
    volume = add_image(image)
    found = read(volume, ball(volume))
    k, j, i = np.indices(image.GetSize()[::-1])
    places = np.stack([i, j, k, np.ones_like(i)], axis=-1) @ to_ras(image).T
    distance = np.linalg.norm(places[..., :3] - middle_of(volume), axis=-1) - 7.0
    inside = voxels_of(found) == 1
    # The polygons lie up to 0.02 mm inside the sphere; Slicer's stencil works slice by slice.
    sure = np.abs(distance) > 0.5 * max(spacing)
    np.testing.assert_array_equal(inside[sure], distance[sure] < 0)
    assert (~sure).sum() > 100
    ideal = 4 / 3 * np.pi * 7.0**3
    assert inside.sum() * np.prod(spacing) == pytest.approx(ideal, rel=0.03)
    assert found.warnings == (
        "The mask was made from a closed surface: a voxel whose centre lies inside belongs to it.",
    )


def test_a_surface_is_left_as_the_user_drew_it(volume: object) -> None:
    node = ball(volume)
    segmentation = node.GetSegmentation()
    surface = segmentation.GetSegment("lesion").GetRepresentation(SURFACE)
    before = segmentation.GetMTime(), surface.GetMTime(), surface.GetNumberOfPoints()
    read(volume, node)
    assert not segmentation.ContainsRepresentation(BINARY)
    assert segmentation.GetSourceRepresentationName() == SURFACE
    assert (segmentation.GetMTime(), surface.GetMTime(), surface.GetNumberOfPoints()) == before


def test_a_surface_of_which_slicer_made_a_label_map_is_still_the_surface(volume: object) -> None:
    """That label map lies on a grid of Slicer's choice."""
    node = ball(volume)
    alone = read(volume, node)
    assert node.CreateBinaryLabelmapRepresentation()
    assert node.GetSegmentation().GetSourceRepresentationName() == SURFACE
    both = read(volume, node)
    np.testing.assert_array_equal(voxels_of(both), voxels_of(alone))
    assert both.warnings == alone.warnings


def test_a_drawn_segment_shown_in_3d_is_still_the_voxels_that_were_drawn(volume: object, lesion: sitk.Image) -> None:
    node = add_segmentation({"lesion": lesion})
    assert node.CreateClosedSurfaceRepresentation()
    assert_drawn(read(volume, node), lesion)


def fractional(image: sitk.Image, part: np.ndarray, span: tuple[float, float], threshold: float | None) -> object:
    """A segmentation of a fractional label map: ``part`` of 0 to 1, stored as signed bytes between the span's ends."""
    low, high = span
    values = np.rint(low + part * (high - low)).astype(np.int8)
    data = oriented(values, to_ras(image))
    fields = [("ScalarRange", list(span))] + ([] if threshold is None else [("ThresholdValue", [threshold])])
    for name, numbers in fields:
        array = vtk.vtkDoubleArray()
        array.SetName(name)
        for number in numbers:
            array.InsertNextValue(number)
        data.GetFieldData().AddArray(array)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "fractional")
    node.GetSegmentation().SetSourceRepresentationName(FRACTIONAL)
    add_segment(node, "lesion", FRACTIONAL, data)
    return node


@pytest.mark.parametrize(
    ("span", "threshold", "told"),
    [((0, 100), None, 0.5), ((-108, 108), 0, 0.5), ((-108, 108), 54, 0.75), ((0, 100), 25, 0.25)],
)
def test_a_fractional_label_map_is_cut_at_its_threshold(
    volume: object, image: sitk.Image, span: tuple[float, float], threshold: float | None, told: float
) -> None:
    generator = np.random.default_rng(8)
    part = np.zeros(image.GetSize()[::-1])
    part[2:7, 4:15, 5:18] = generator.integers(0, 217, (5, 11, 13)) / 216
    node = fractional(image, part, span, threshold)
    stored = np.rint(span[0] + part * (span[1] - span[0]))
    cut = threshold if threshold is not None else (span[0] + span[1]) / 2
    found = read(volume, node)
    np.testing.assert_array_equal(voxels_of(found) == 1, stored >= cut)
    assert 0 < (stored >= cut).sum() < (part > 0).sum()
    assert found.warnings == (
        f"The mask was made from a fractional label map: voxels of {told:.0%} or more belong to it.",
    )
