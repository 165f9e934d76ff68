"""Whatever does not fit is told in a sentence at its place, Apply stays off, and the scene as it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.system.resources import resource_files

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import MODEL, add_patient, draw, lesion_of, run_to_the_end, scene_content

_COMPLETE = "Complete the images above, then press Apply."


def _not_a_number(chosen: SequenceInput) -> None:
    voxels = slicer.util.arrayFromVolume(chosen.volume).astype(np.float32)
    voxels[0, 0, 0] = np.inf
    voxels[tuple(np.argwhere(lesion_of(chosen))[0])] = np.nan
    slicer.util.updateVolumeFromArray(chosen.volume, voxels)


def _uniform(chosen: SequenceInput) -> None:
    voxels = slicer.util.arrayFromVolume(chosen.volume).copy()
    voxels[lesion_of(chosen) > 0] = 77
    slicer.util.updateVolumeFromArray(chosen.volume, voxels)


def _two_dimensional(chosen: SequenceInput) -> None:
    slicer.util.updateVolumeFromArray(chosen.volume, slicer.util.arrayFromVolume(chosen.volume)[:1].copy())


def _colour(chosen: SequenceInput) -> None:
    data = vtk.vtkImageData()
    data.SetDimensions(4, 4, 4)
    data.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    chosen.volume.SetAndObserveImageData(data)


def _no_voxels(chosen: SequenceInput) -> None:
    chosen.volume.SetAndObserveImageData(None)


def _erased(chosen: SequenceInput) -> None:
    draw(chosen, 0 * lesion_of(chosen))


def _erased_in_place(chosen: SequenceInput) -> None:
    """As the Segment Editor's brushes do: the voxels change, and the image tells of it."""
    segmentation = chosen.mask.GetSegmentation()
    data = segmentation.GetSegment(chosen.segment).GetRepresentation(segmentation.GetSourceRepresentationName())
    data.GetPointData().GetScalars().Fill(0)
    data.Modified()


def _never_drawn(chosen: SequenceInput) -> None:
    chosen.mask.GetSegmentation().RemoveAllSegments()
    chosen.mask.GetSegmentation().AddEmptySegment("lesion", "lesion")


def _no_segment(chosen: SequenceInput) -> None:
    chosen.mask.GetSegmentation().RemoveAllSegments()


def _single_voxel(chosen: SequenceInput) -> None:
    voxels = lesion_of(chosen)
    voxels.flat[np.flatnonzero(voxels)[1:]] = 0
    draw(chosen, voxels)


def _several_segments(chosen: SequenceInput) -> None:
    for name in ("oedema", "necrosis"):
        chosen.mask.GetSegmentation().AddEmptySegment(name, name)
    chosen.mask.GetSegmentation().RemoveSegment(chosen.segment)


def _wholly_outside(chosen: SequenceInput) -> None:
    transform = slicer.util.getNode("shift")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 500.0)
    transform.SetMatrixTransformToParent(matrix)
    chosen.mask.SetAndObserveTransformNodeID(transform.GetID())


def _bent(chosen: SequenceInput) -> None:
    transform = slicer.util.getNode("shift")
    bending = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for place in np.random.default_rng(0).normal(0, 20, (6, 3)):
        points[0].InsertNextPoint(place)
        points[1].InsertNextPoint(place[0], place[1] + 3 * np.sin(place[0]), place[2])
    bending.SetBasisToR()
    bending.SetSourceLandmarks(points[0])
    bending.SetTargetLandmarks(points[1])
    transform.SetAndObserveTransformToParent(bending)
    chosen.volume.SetAndObserveTransformNodeID(transform.GetID())


_CASES: dict[str, tuple[Callable[[SequenceInput], None], str]] = {
    "NaN in the volume": (
        _not_a_number,
        "T1W volume: The image holds NaN or infinite values: 2 in all, 1 of them inside the mask. "
        "Replace them (e.g. by the background value) or export the image again.",
    ),
    "uniform lesion": (
        _uniform,
        "T1W volume: The image has the same intensity (77) everywhere inside the mask. "
        "Check that image and mask belong together.",
    ),
    "2D volume": (_two_dimensional, "T1W volume: The image is 2D; a volume is needed."),
    "colour volume": (
        _colour,
        "T1W volume: The volume has 3 values per voxel (colour or vectors); one is needed. "
        "Convert it to a scalar volume (Vector to Scalar Volume module).",
    ),
    "volume without voxels": (_no_voxels, "T1W volume: The volume holds no voxels. Load it again."),
    "erased segment": (_erased, "T1W segment: The mask is empty: no voxel is labelled."),
    "segment erased in place": (_erased_in_place, "T1W segment: The mask is empty: no voxel is labelled."),
    "segment never drawn": (
        _never_drawn,
        "T1W segment: The segment is empty: nothing is drawn in it. Draw the lesion first.",
    ),
    "segmentation without segments": (
        _no_segment,
        "T1W segment: The segmentation has no segments. Draw the lesion first.",
    ),
    "single voxel": (
        _single_voxel,
        "T1W segment: The mask has a single voxel; a lesion needs more to be measured. "
        "Check that the right segment or label was exported.",
    ),
    "several segments, none chosen": (
        _several_segments,
        "T1W segment: The segmentation has several segments, and none is chosen. Choose one of: oedema, necrosis.",
    ),
    "mask wholly outside": (
        _wholly_outside,
        "T1W segment: The mask lies outside the image: it has no labelled voxel inside the image. "
        "Check that image and mask belong to the same patient and study.",
    ),
    "transform that is not linear": (
        _bent,
        "T1W volume: It lies under a transform that is not linear (a deformation), which would change what is "
        "measured. Harden the transform on a copy (Transforms module), or take the image out of it.",
    ),
}


@pytest.fixture
def inputs(habitat_widget: Any) -> dict[str, SequenceInput]:
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode", "shift")
    inputs = add_patient(habitat_widget)
    assert habitat_widget.ui.applyButton.enabled
    return inputs


@pytest.mark.parametrize(("spoil", "sentence"), _CASES.values(), ids=_CASES)
def test_change_that_spoils_an_input_is_told_under_its_row_by_itself(
    spoil: Callable[[SequenceInput], None],
    sentence: str,
    inputs: dict[str, SequenceInput],
    habitat_widget: Any,
    slicer_gui: Any,
) -> None:
    ui, row = habitat_widget.ui, habitat_widget.patient.rows["T1W"]
    before = scene_content()
    spoil(inputs["T1W"])
    assert not ui.applyButton.enabled, "it could be pressed before the change was looked at"
    slicer_gui.wait_until(lambda: row.ui.messageLabel.text)
    assert row.ui.messageLabel.text == sentence
    assert not row.ui.messageLabel.isHidden()
    assert habitat_widget.patient.rows["T2FS"].ui.messageLabel.isHidden(), "the other row has no fault"
    assert ui.problemLabel.text == _COMPLETE
    assert not ui.problemLabel.isHidden()
    ui.applyButton.click()
    assert not habitat_widget.patient.run.running
    assert scene_content() == before


def test_what_is_drawn_right_again_is_accepted_by_itself(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    ui, row = habitat_widget.ui, habitat_widget.patient.rows["T1W"]
    lesion = lesion_of(inputs["T1W"])
    _erased(inputs["T1W"])
    slicer_gui.wait_until(lambda: row.ui.messageLabel.text)
    draw(inputs["T1W"], lesion)
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    assert row.ui.messageLabel.isHidden()
    assert ui.problemLabel.isHidden()


def test_mask_on_another_grid_is_a_warning_and_apply_stays(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    ui, row = habitat_widget.ui, habitat_widget.patient.rows["T1W"]
    row.ui.maskSelector.setCurrentNode(inputs["T2FS"].mask)
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    assert row.ui.messageLabel.text == (
        "The mask was not drawn on this image's grid and was resampled (nearest neighbour): 9.02 ml before, "
        "8.99 ml after."
    )


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        ("volumeSelector", "T1W volume: No volume is chosen."),
        ("maskSelector", "T1W segment: No segmentation or label map is chosen."),
    ],
)
@pytest.mark.parametrize("removed", [False, True], ids=["unchosen", "removed"])
def test_node_that_is_not_chosen_any_more_is_told(
    selector: str,
    sentence: str,
    removed: bool,
    inputs: dict[str, SequenceInput],
    habitat_widget: Any,
    slicer_gui: Any,
) -> None:
    row = habitat_widget.patient.rows["T1W"]
    widget = getattr(row.ui, selector)
    if removed:
        slicer.mrmlScene.RemoveNode(widget.currentNode())
    else:
        widget.setCurrentNode(None)
    assert not habitat_widget.ui.applyButton.enabled
    slicer_gui.wait_until(lambda: row.ui.messageLabel.text)
    assert row.ui.messageLabel.text == sentence
    assert not habitat_widget.ui.applyButton.enabled


def test_empty_row_asks_for_its_volume_and_lesion(habitat_widget: Any) -> None:
    ui = habitat_widget.ui
    texts = {row.ui.messageLabel.text for row in habitat_widget.patient.rows.values()}
    assert texts == {"Choose the volume, and the segment or label of the lesion."}
    assert not ui.applyButton.enabled
    assert ui.applyButton.toolTip == ui.problemLabel.text == _COMPLETE


def test_label_map_is_no_volume_and_volume_is_no_lesion(inputs: dict[str, SequenceInput], habitat_widget: Any) -> None:
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    row = habitat_widget.patient.rows["T1W"]
    row.ui.volumeSelector.setCurrentNode(labels)
    row.ui.maskSelector.setCurrentNode(inputs["T1W"].volume)
    assert (row.ui.volumeSelector.currentNode(), row.ui.maskSelector.currentNode()) == (None, None)
    row.ui.maskSelector.setCurrentNode(labels)
    assert row.ui.maskSelector.currentNode() is labels


def test_label_map_volume_offers_its_labels(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    ui, row = habitat_widget.ui, habitat_widget.patient.rows["T1W"]
    lesion = lesion_of(inputs["T1W"]).astype(np.uint8)
    lesion[lesion > 0] = 3
    lesion[0, 0, 0] = 7
    labels = slicer.util.addVolumeFromArray(lesion, name="labels", nodeClassName="vtkMRMLLabelMapVolumeNode")
    labels.CopyOrientation(inputs["T1W"].volume)
    row.ui.maskSelector.setCurrentNode(labels)
    offered = [row.ui.segmentSelector.itemData(index) for index in range(row.ui.segmentSelector.count)]
    assert offered == ["", "3", "7"]
    slicer_gui.wait_until(lambda: row.ui.messageLabel.text)
    assert row.ui.messageLabel.text.startswith("T1W segment: The mask has several labels (3, 7).")
    row.ui.segmentSelector.setCurrentIndex(2)
    slicer_gui.wait_until(lambda: "single voxel" in row.ui.messageLabel.text)
    row.ui.segmentSelector.setCurrentIndex(1)
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    assert row.ui.messageLabel.isHidden()


def test_segments_are_listed_again_when_they_are_added_and_renamed(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    selector = habitat_widget.patient.rows["T1W"].ui.segmentSelector
    segments = inputs["T1W"].mask.GetSegmentation()
    segments.AddEmptySegment("rim", "rim")
    segments.GetSegment("lesion").SetName("metastasis L3")
    names = [selector.itemText(index) for index in range(selector.count)]
    assert names == ["(choose)", "metastasis L3", "rim"]
    assert (selector.currentText, selector.currentData) == ("metastasis L3", "lesion")
    slicer_gui.wait_until(lambda: habitat_widget.ui.applyButton.enabled)


def test_lesion_too_small_for_habitats_is_told_by_the_run(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    ui = habitat_widget.ui
    voxels = 0 * lesion_of(inputs["T1W"])
    voxels[8:10, 39:41, 35:37] = 1
    draw(inputs["T1W"], voxels)
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    before = scene_content()
    run_to_the_end(slicer_gui, habitat_widget)
    assert ui.statusLabel.text == (
        "T1W: The lesion has 8 voxels; an entropy window of 9 x 9 needs at least 81. "
        "Choose a smaller window or a finer spacing in the protocol."
    )
    assert not ui.statusLabel.isHidden()
    assert scene_content() == before
    assert ui.mapsSection.isHidden()
    assert ui.applyButton.enabled, "another lesion may be tried"


def _edited(path: Path) -> str:
    document = json.loads(resource_files("Models", ".json")[MODEL].read_text(encoding="utf-8"))
    document["intercept"] += 0.01
    path.write_text(json.dumps(document), encoding="utf-8")
    return (
        f"{path}: The file was edited or damaged after it was written: its SHA-256 does not match its content. "
        "Use the original file; a changed model is another model and has to be trained anew."
    )


def _too_new(path: Path) -> str:
    document = json.loads(resource_files("Models", ".json")[MODEL].read_text(encoding="utf-8"))
    document["format_version"] += 1
    path.write_text(json.dumps(document), encoding="utf-8")
    version = document["format_version"]
    return f"{path}: The model has format {version}; this version reads up to {version - 1}. Update Habitat Radiomics."


_DAMAGED = (
    "model.json: This is not a model file, or it is damaged. Choose a file that 'train' wrote, or a bundled model."
)


def _truncated(path: Path) -> str:
    path.write_bytes(resource_files("Models", ".json")[MODEL].read_bytes()[:2000])
    return _DAMAGED


def _no_model(path: Path) -> str:
    path.write_text('{"name": "a protocol", "sequences": []}', encoding="utf-8")
    return _DAMAGED


def _gone(path: Path) -> str:
    return _DAMAGED


@pytest.mark.parametrize("make", [_edited, _too_new, _truncated, _no_model, _gone])
def test_model_file_that_cannot_be_used_is_told_and_another_one_can_be_chosen(
    make: Callable[[Path], str],
    inputs: dict[str, SequenceInput],
    habitat_widget: Any,
    slicer_gui: Any,
    tmp_path: Path,
) -> None:
    ui = habitat_widget.ui
    sentence = make(tmp_path / "model.json")
    before = scene_content()
    slicer_gui.dialogs.answer(str(tmp_path / "model.json"))
    ui.modelFileButton.click()
    assert ui.modelProblemLabel.text == sentence
    assert not ui.modelProblemLabel.isHidden()
    assert ui.modelCardLabel.isHidden()
    assert ui.problemLabel.text == "Choose a model."
    assert not ui.applyButton.enabled
    assert scene_content() == before
    ui.modelSelector.setCurrentIndex(0)
    assert ui.modelProblemLabel.isHidden()
    assert not ui.modelCardLabel.isHidden()
    assert set(habitat_widget.patient.rows) == {"T1W", "T2FS"}
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)


def test_choosing_no_model_file_changes_nothing(
    inputs: dict[str, SequenceInput], habitat_widget: Any, slicer_gui: Any
) -> None:
    before = habitat_widget.ui.modelSelector.count, habitat_widget.ui.modelSelector.currentData
    slicer_gui.dialogs.answer("")
    habitat_widget.ui.modelFileButton.click()
    assert (habitat_widget.ui.modelSelector.count, habitat_widget.ui.modelSelector.currentData) == before
    assert habitat_widget.ui.applyButton.enabled
