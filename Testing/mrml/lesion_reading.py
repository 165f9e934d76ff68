"""A lesion read from the scene, and what it is compared with."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from mrml_nodes import SURFACE, add_segment

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, read_input


def read(volume: object, mask: object, segment: str = "") -> SequenceImage:
    return read_input("T1W", SequenceInput(volume, mask, segment))


def voxels_of(sequence: SequenceImage) -> np.ndarray:
    return sitk.GetArrayFromImage(sequence.mask)


def assert_drawn(sequence: SequenceImage, expected: sitk.Image) -> None:
    """The very voxels, without a warning."""
    np.testing.assert_array_equal(voxels_of(sequence), sitk.GetArrayViewFromImage(expected))
    assert sequence.mask.GetPixelID() == sitk.sitkUInt8
    assert sequence.warnings == ()


def ball(volume: object, radius: float = 7.0) -> object:
    """A sphere around the volume's middle as a closed surface."""
    source = vtk.vtkSphereSource()
    source.SetCenter(*middle_of(volume))
    source.SetRadius(radius)
    source.SetThetaResolution(96)
    source.SetPhiResolution(96)
    source.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "surface")
    node.GetSegmentation().SetSourceRepresentationName(SURFACE)
    add_segment(node, "lesion", SURFACE, source.GetOutput())
    return node


def middle_of(volume: object) -> np.ndarray:
    bounds = np.zeros(6)
    volume.GetRASBounds(bounds)
    return (bounds[::2] + bounds[1::2]) / 2
