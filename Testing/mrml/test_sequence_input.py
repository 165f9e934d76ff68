"""What the user chose for a sequence is taken as a file would be, or refused in a sentence that names no node."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mrml_nodes import add_image, add_segmentation, assert_same_image, block, noise

from HabitatRadiomicsLib.cases import checked_sequence
from HabitatRadiomicsLib.errors import GeometryError, HabitatRadiomicsError, ImageError, MaskError
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, case_of, read_input

#: A name as DICOM import makes them; it must never be told.
NAME = "DOE^JANE 1958"


def chosen(image: sitk.Image, mask: sitk.Image | None = None) -> SequenceInput:
    mask = block(image) if mask is None else mask
    return SequenceInput(add_image(image, NAME), add_segmentation({"lesion": mask}, f"{NAME} lesion"), "lesion")


def test_a_sequence_is_what_the_library_makes_of_the_same_images(scene: object) -> None:
    image = noise()
    read, expected = read_input("T1W", chosen(image)), checked_sequence("T1W", image, block(image), label=1)
    assert read.name == "T1W"
    assert_same_image(read.image, expected.image)
    assert_same_image(read.mask, expected.mask)
    assert read.warnings == expected.warnings == ()


def test_a_case_has_all_sequences_and_no_name(scene: object) -> None:
    case = case_of({"T1W": chosen(noise()), "T2FS": chosen(noise(spacing=(1.0, 1.0, 5.0)))})
    assert case.case_id == "case"
    assert list(case.sequences) == ["T1W", "T2FS"]
    assert case.sequences["T2FS"].image.GetSpacing() == (1.0, 1.0, 5.0)


def no_volume() -> SequenceInput:
    return SequenceInput(None, chosen(noise()).mask)


def no_mask() -> SequenceInput:
    return SequenceInput(add_image(noise(), NAME), None)


def not_a_volume() -> SequenceInput:
    return SequenceInput(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", NAME), chosen(noise()).mask)


def not_a_mask() -> SequenceInput:
    return SequenceInput(add_image(noise(), NAME), add_image(noise(), f"{NAME} other"))


def the_same_node() -> SequenceInput:
    node = add_image(block(noise()), NAME, "vtkMRMLLabelMapVolumeNode")
    return SequenceInput(node, node)


def nan_inside() -> SequenceInput:
    image = noise(kind=np.float32)
    image[9, 9, 4] = float("nan")
    return chosen(image)


def infinite_inside() -> SequenceInput:
    image = noise(kind=np.float64)
    image[9, 9, 4] = float("inf")
    return chosen(image)


def uniform() -> SequenceInput:
    image = noise()
    image[6:18, 5:16, 2:7] = 77
    return chosen(image)


def single_voxel() -> SequenceInput:
    return chosen(noise(), block(noise(), low=(6, 5, 2), high=(7, 6, 3)))


def spacing_of_zero() -> SequenceInput:
    image = noise(direction=np.eye(3))
    found = chosen(image)
    matrix = np.diag([0.9, 0.7, 0.0, 1.0])
    found.volume.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    return found


def place_not_finite() -> SequenceInput:
    found = chosen(noise())
    found.volume.SetOrigin(np.nan, 0, 0)
    return found


REFUSED = {
    no_volume: (ImageError, "T1W volume", "No volume is chosen."),
    no_mask: (MaskError, "T1W segment", "No segmentation or label map is chosen."),
    not_a_volume: (ImageError, "T1W volume", "It is not a scalar volume."),
    not_a_mask: (MaskError, "T1W segment", "It is neither a segmentation nor a label map."),
    the_same_node: (MaskError, "T1W segment", "Volume and label map are the same node."),
    nan_inside: (ImageError, "T1W volume", "NaN or infinite"),
    infinite_inside: (ImageError, "T1W volume", "NaN or infinite"),
    uniform: (ImageError, "T1W volume", "the same"),
    single_voxel: (MaskError, "T1W segment", "The mask has a single voxel"),
    spacing_of_zero: (GeometryError, "T1W volume", "every spacing must be positive"),
    place_not_finite: (GeometryError, "T1W volume", "not finite"),
}


@pytest.mark.parametrize("make", REFUSED)
def test_what_cannot_be_measured_is_refused_in_a_sentence(scene: object, make: Callable[[], SequenceInput]) -> None:
    kind, where, told = REFUSED[make]
    with pytest.raises(HabitatRadiomicsError) as error:
        read_input("T1W", make())
    assert type(error.value) is kind
    assert told in error.value.problem
    assert error.value.where == where
    assert error.value.problem.endswith((".", ")"))
    assert "DOE" not in str(error.value)


def test_a_case_is_refused_for_any_of_its_sequences(scene: object) -> None:
    with pytest.raises(MaskError) as error:
        case_of({"T1W": chosen(noise()), "T2FS": no_mask()})
    assert error.value.where == "T2FS segment"
