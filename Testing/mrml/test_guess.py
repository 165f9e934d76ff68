"""The panel fills in what is safe to guess, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from mrml_nodes import add_image, add_segmentation, block, noise

from HabitatRadiomicsLib.scene.guess import guess_input, guess_segment
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE


def volume(name: str) -> object:
    return add_image(noise((4, 4, 4)), name)


def segmentation(name: str, *segments: str) -> object:
    mask = block(noise((4, 4, 4)), low=(1, 1, 1), high=(3, 3, 3))
    return add_segmentation(dict.fromkeys(segments or ("lesion",), mask), name)


def label_map(name: str) -> object:
    mask = block(noise((4, 4, 4)), low=(1, 1, 1), high=(3, 3, 3))
    return add_image(mask, name, "vtkMRMLLabelMapVolumeNode")


@pytest.mark.parametrize(
    "name",
    ["T1W", "t1w", "t1w_tse_sag", "axial T1W", "5: T1-W", "T1 W", "pre.T1W.nii", "T1_w (2)", "DOE T1W 1958"],
)
def test_a_volume_is_known_by_its_name(scene: object, name: str) -> None:
    volume("T2FS")
    meant = volume(name)
    assert guess_input(scene, "T1W", only_sequence=False).volume is meant


@pytest.mark.parametrize("name", ["T1WCE", "CT1W", "T1", "T1W2", "xT1W", "T11W", "image", ""])
def test_a_name_that_only_holds_it_is_another(scene: object, name: str) -> None:
    volume("T2FS")
    volume(name)
    assert guess_input(scene, "T1W", only_sequence=True).volume is None


def test_letters_of_a_pattern_are_letters(scene: object) -> None:
    meant = volume("T2+FS .*")
    volume("T2 anything FS")
    assert guess_input(scene, "T2-FS", only_sequence=False).volume is meant


def test_two_volumes_that_fit_are_left_to_the_user(scene: object) -> None:
    volume("T1W sagittal")
    volume("T1W axial")
    assert guess_input(scene, "T1W", only_sequence=True).volume is None


def test_the_only_volume_is_meant_when_the_model_needs_one(scene: object) -> None:
    only = volume("series 7")
    assert guess_input(scene, "T1W", only_sequence=True).volume is only
    assert guess_input(scene, "T1W", only_sequence=False).volume is None


def test_masks_colour_images_and_results_are_no_volumes(scene: object) -> None:
    label_map("T1W lesion")
    colours = np.zeros((4, 4, 4, 3), np.uint8)
    slicer.util.addVolumeFromArray(colours, name="T1W screenshot", nodeClassName="vtkMRMLVectorVolumeNode")
    volume("T1W local entropy").SetAttribute(RESULT_ATTRIBUTE, "T1W")
    volume("T1W hidden").SetHideFromEditors(True)
    assert guess_input(scene, "T1W", only_sequence=True).volume is None
    meant = volume("T1W")
    assert guess_input(scene, "T1W", only_sequence=True).volume is meant


def test_masks_are_known_by_their_names(scene: object) -> None:
    first, second = segmentation("T1W lesion"), label_map("T2FS lesion")
    segmentation("T1W habitats").SetAttribute(RESULT_ATTRIBUTE, "T1W")
    for sequence, mask, choice in (("T1W", first, "lesion"), ("T2FS", second, "1")):
        guessed = guess_input(scene, sequence, only_sequence=False)
        assert guessed.mask is mask
        assert guessed.segment == choice


def test_the_only_mask_is_meant_for_all_sequences(scene: object) -> None:
    only = segmentation("Segmentation", "T1W lesion", "T2FS lesion")
    for sequence in ("T1W", "T2FS"):
        guessed = guess_input(scene, sequence, only_sequence=False)
        assert guessed.mask is only
        assert guessed.segment == f"{sequence} lesion"


def test_two_masks_of_no_name_are_left_to_the_user(scene: object) -> None:
    segmentation("Segmentation")
    segmentation("Segmentation_1")
    guessed = guess_input(scene, "T1W", only_sequence=True)
    assert guessed.mask is None
    assert guessed.segment == ""


def test_an_empty_scene_gives_nothing(scene: object) -> None:
    guessed = guess_input(scene, "T1W", only_sequence=True)
    assert (guessed.volume, guessed.mask, guessed.segment) == (None, None, "")


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        (("anything",), "anything"),
        (("cord", "Metastasis L3"), "Metastasis L3"),
        (("GTV", "bowel"), "GTV"),
        (("Tumor", "ring"), "Tumor"),
        (("tumour", "T1W"), "T1W"),
        (("lesion 1", "lesion 2"), ""),
        (("cord", "muscle"), ""),
        (("T1W a", "T1W b", "lesion"), "lesion"),
    ],
)
def test_a_segment_is_guessed_when_one_alone_could_be_the_lesion(
    scene: object, segments: tuple[str, ...], expected: str
) -> None:
    assert guess_segment(segmentation("Segmentation", *segments), "T1W") == expected


def test_a_mask_without_segments_gives_no_segment(scene: object) -> None:
    for kind in ("vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"):
        assert guess_segment(slicer.mrmlScene.AddNewNodeByClass(kind), "T1W") == ""
