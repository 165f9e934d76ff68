"""The stand-in's MRML scene is a real one: geometry, segmentation, scene files, and what a view shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk

_SPACING = np.array([0.7, 1.1, 3.0])
_RED, _GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


@pytest.fixture
def volume(scene):
    """A volume with oblique axes and anisotropic voxels; its values rise along the columns."""
    turn = np.deg2rad(20)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ np.diag([-1, -1, 1]) * _SPACING
    matrix[:3, 3] = (12.5, -7.25, 101.0)
    voxels = np.broadcast_to(np.linspace(50, 200, 40, dtype=np.float32), (8, 30, 40))
    node = slicer.util.addVolumeFromArray(voxels.copy(), ijkToRAS=matrix, name="oblique")
    node.CreateDefaultDisplayNodes()
    return node


@pytest.fixture
def segmentation(volume):
    """Two blocks of the volume, each a segment with a colour of its own."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "blocks")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, color, columns in (("left", _RED, slice(5, 15)), ("right", _GREEN, slice(25, 35))):
        identifier = node.GetSegmentation().AddEmptySegment(name, name, color)
        block = np.zeros((8, 30, 40), np.uint8)
        block[:, 10:20, columns] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(block, node, identifier, volume)
    return node


def _ras_of(volume, ijk: tuple[float, float, float]) -> tuple[float, float, float]:
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return matrix.MultiplyPoint((*ijk, 1.0))[:3]


def _show(slice_view, volume) -> None:
    slicer.util.setSliceViewerLayers(background=volume)
    display = volume.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0, 255)
    slice_view.node.RotateToVolumePlane(volume)
    slice_view.logic.FitSliceToBackground()
    slice_view.logic.SetSliceOffset(_ras_of(volume, (0, 0, 4))[2])


def _assert_same_geometry(node, other) -> None:
    first, second = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(first)
    other.GetIJKToRASMatrix(second)
    np.testing.assert_allclose(
        slicer.util.arrayFromVTKMatrix(first), slicer.util.arrayFromVTKMatrix(second), rtol=0, atol=1e-6
    )


def test_logics_of_modules_are_there(scene):
    for name in ("colors", "volumes", "segmentations", "subjecthierarchy", "tables", "plots", "terminologies"):
        assert getattr(slicer.modules, name).logic().GetMRMLScene() is slicer.mrmlScene
    assert slicer.util.getModuleLogic("Units") is slicer.modules.units.logic()
    assert slicer.app.layoutManager() is None


def test_segments_come_back_as_they_went_in(volume, segmentation):
    block = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "left", volume)
    assert block.sum() == 8 * 10 * 10
    assert block[:, 10:20, 5:15].all()


def test_labelmap_export_and_import(volume, segmentation):
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    logic = slicer.modules.segmentations.logic()
    assert logic.ExportAllSegmentsToLabelmapNode(segmentation, labels, slicer.vtkSegmentation.EXTENT_REFERENCE_GEOMETRY)
    assert set(np.unique(slicer.util.arrayFromVolume(labels))) == {0, 1, 2}
    _assert_same_geometry(volume, labels)


def test_subject_hierarchy_has_items(volume, segmentation):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    assert hierarchy.GetItemByDataNode(volume)
    assert hierarchy.GetItemByDataNode(segmentation)


def test_scene_bundle_is_saved_and_reloaded(volume, segmentation, tmp_path: Path):
    path = tmp_path / "scene.mrb"
    voxels = slicer.util.arrayFromVolume(volume).copy()
    before = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(before)

    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(False)
    assert not slicer.util.getNodes("oblique")
    slicer.util.loadScene(str(path))

    reloaded = slicer.util.getNode("oblique")
    after = vtk.vtkMatrix4x4()
    reloaded.GetIJKToRASMatrix(after)
    np.testing.assert_allclose(slicer.util.arrayFromVTKMatrix(after), slicer.util.arrayFromVTKMatrix(before), atol=1e-5)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(reloaded), voxels)
    blocks = slicer.util.getNode("blocks")
    assert blocks.GetSegmentation().GetSegment("right").GetColor() == _GREEN
    assert slicer.util.arrayFromSegmentBinaryLabelmap(blocks, "right", reloaded).sum() == 8 * 10 * 10


def test_view_shows_volume_and_segments_where_they_are(volume, segmentation, slice_view):
    segmentation.GetDisplayNode().SetOpacity2DFill(1.0)
    _show(slice_view, volume)
    pixels = slice_view.pixels().astype(int)

    def at(i: float, j: float) -> np.ndarray:
        row, column = slice_view.pixel_of(_ras_of(volume, (i, j, 4)))
        return pixels[row, column]

    red, green, blue = at(10, 15)
    assert red > 150 > 50 > max(green, blue)
    red, green, blue = at(30, 15)
    assert green > 150 > 50 > max(red, blue)
    for i in (3, 20, 37):
        grey = np.linspace(50, 200, 40)[i]
        np.testing.assert_allclose(at(i, 25), grey, atol=6)


def test_view_shows_no_overlay_that_is_hidden(volume, segmentation, slice_view):
    segmentation.GetDisplayNode().SetVisibility(False)
    _show(slice_view, volume)
    pixels = slice_view.pixels().astype(int)
    assert pixels.mean() > 20
    assert np.ptp(pixels, axis=2).max() == 0, "all grey"


def test_view_shows_color_legend(volume, slice_view):
    _show(slice_view, volume)
    plain = slice_view.pixels()
    volume.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeRainbow")
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(volume)
    legend.SetVisibility(True)
    colored = slice_view.pixels()
    assert (np.ptp(colored[:, -80:].astype(int), axis=2) > 100).sum() > (np.ptp(plain.astype(int), axis=2) > 100).sum()


def test_picture_is_written(volume, slice_view, tmp_path: Path):
    _show(slice_view, volume)
    slice_view.save(tmp_path / "view.png")
    assert (tmp_path / "view.png").read_bytes().startswith(b"\x89PNG")


def test_errors_of_vtk_are_collected(application, scene):
    reader = vtk.vtkXMLPolyDataReader()
    reader.SetFileName("not-there.vtp")
    reader.Update()
    assert any("not-there.vtp" in error for error in application.problems.take_errors())


def test_exceptions_in_observers_are_collected(application, scene):
    def fail(caller: object, event: str) -> None:
        raise ValueError("in an observer")

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", fail)
    node.Modified()
    assert any("in an observer" in error for error in application.problems.take_errors())


def test_scene_is_empty_for_each_test(scene):
    assert not slicer.util.getNodes("oblique*")
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_sample_data_is_registered_and_loaded(scene, tmp_path: Path):
    import SampleData

    made = []
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="Ours",
        sampleName="OursOne",
        uris=[],
        fileNames=[],
        customDownloader=lambda source: made.append(source),
    )
    source = SampleData.SampleDataLogic().sourceForSampleName("OursOne")
    source.customDownloader(source)
    assert [source.sampleName for source in made] == ["OursOne"]
