"""The activation of a network as an overlay: in place of the entropy, with its own opacity, and transparent where it
is 0."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.panel.widgets import quiet
from HabitatRadiomicsLib.reporting import write_score
from HabitatRadiomicsLib.scene.result_nodes import LEAST_ACTIVATION, RESULT_ATTRIBUTE, ResultNodes, add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.volumes import add_volume
from HabitatRadiomicsLib.scoring.patient import score_case

sys.path.append(str(Path(__file__).resolve().parent))

from made_up_models import deep_image, deep_model
from panel_steps import add_patient, module_panel, scored_by_the_library, show_results_of
from two_scans import add_lesion

pytest.importorskip("radiomics")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command line would write of a model with deep features."""
    folder = tmp_path_factory.mktemp("deep")
    image, mask = deep_image(1)
    write_score(folder, score_case(Case("case", {"CT": SequenceImage("CT", image, mask)}), deep_model()))
    return folder


def _add_scan() -> dict[str, SequenceInput]:
    image, mask = deep_image(1)
    volume = add_volume(slicer.mrmlScene, image, "CT")
    volume.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    return {"CT": SequenceInput(volume, add_lesion(mask, "CT lesion", volume), "lesion")}


@pytest.fixture
def shown(habitat_widget: Any, folder: Path) -> ResultNodes:
    """The results in the scene and in the panel."""
    show_results_of(habitat_widget, _add_scan(), folder)
    results = habitat_widget.patient._parameters.results()
    assert results is not None
    return results


def _composites() -> list[Any]:
    return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")


def test_node_is_the_file_in_the_colours_of_heat(shown: ResultNodes, folder: Path) -> None:
    node = shown.activation["CT"]
    expected = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "CT_activation.nrrd")))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), expected)
    assert node.GetAttribute(RESULT_ATTRIBUTE) == "CT"
    assert node.GetName() == "CT activation"
    display = node.GetDisplayNode()
    assert display.GetInterpolate() == 0
    assert display.GetApplyThreshold() == 1
    assert 0 < display.GetLowerThreshold() == pytest.approx(LEAST_ACTIVATION)
    assert display.GetColorNode().GetName() == "Habitat Radiomics activation"


def test_activation_takes_the_place_of_entropy_and_back(habitat_widget: Any, shown: ResultNodes) -> None:
    ui = habitat_widget.ui
    assert not ui.activationCheckBox.isHidden()
    assert not ui.activationCheckBox.checked, "at first, entropy is shown"
    entropy, activation = shown.entropy["CT"].GetID(), shown.activation["CT"].GetID()
    assert {node.GetForegroundVolumeID() for node in _composites()} == {entropy}
    ui.activationCheckBox.click()
    assert not ui.entropyCheckBox.checked
    assert {node.GetForegroundVolumeID() for node in _composites()} == {activation}
    assert {node.GetForegroundOpacity() for node in _composites()} == {0.6}
    ui.activationOpacitySlider.value = 0.35
    assert {round(node.GetForegroundOpacity(), 6) for node in _composites()} == {0.35}
    legends = {
        node.GetDisplayableNode().GetID(): bool(node.GetVisibility())
        for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
    }
    assert legends == {entropy: False, activation: True}
    ui.showMapsButton.click()
    assert {node.GetForegroundVolumeID() for node in _composites()} == {activation}, "it stays chosen"
    ui.entropyCheckBox.click()
    assert not ui.activationCheckBox.checked
    assert {node.GetForegroundVolumeID() for node in _composites()} == {entropy}
    ui.entropyCheckBox.click()
    assert {node.GetForegroundOpacity() for node in _composites()} == {0.0}


def test_outside_of_the_patch_the_image_is_seen(
    habitat_widget: Any, shown: ResultNodes, slicer_gui: Any, tmp_path: Path, screenshot: Callable[[Any, Path], None]
) -> None:
    ui = habitat_widget.ui
    view = slicer_gui.slice_views["Red"]
    ui.habitatsCheckBox.click()
    ui.entropyCheckBox.click()
    plain = view.pixels().astype(int)
    ui.activationCheckBox.click()
    slicer_gui.process_events()
    for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode"):
        node.SetVisibility(False)
    heated = view.pixels().astype(int)
    changed = np.abs(heated - plain).max(axis=2) > 3
    assert 0.002 < changed.mean() < 0.6
    red, green, blue = heated[changed].mean(axis=0)
    assert red > green > blue, "heat is red to yellow"
    view.save(tmp_path / "activation-slice.png")
    with module_panel(slicer_gui, habitat_widget):
        screenshot(habitat_widget.parent, tmp_path / "activation-panel.png")


def test_choice_survives_in_the_scene(habitat_widget: Any, shown: ResultNodes, slicer_gui: Any, tmp_path: Path) -> None:
    ui = habitat_widget.ui
    ui.activationCheckBox.click()
    ui.activationOpacitySlider.value = 0.5
    voxels = slicer.util.arrayFromVolume(shown.activation["CT"]).copy()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(False)
    slicer_gui.process_events()
    assert ui.activationCheckBox.isHidden() or ui.mapsSection.isHidden()
    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    slicer_gui.process_events()
    again = habitat_widget.patient._parameters.results()
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(again.activation["CT"]), voxels)
    assert ui.activationCheckBox.checked
    assert ui.activationOpacitySlider.value == pytest.approx(0.5)


def test_a_model_without_a_network_has_no_such_control(
    habitat_widget: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ui = habitat_widget.ui
    with quiet(ui.activationCheckBox):
        ui.activationCheckBox.checked = True
    show_results_of(habitat_widget, add_patient(habitat_widget), scored_by_the_library(tmp_path_factory))
    assert ui.activationCheckBox.isHidden()
    assert ui.activationOpacitySlider.isHidden()
    results = habitat_widget.patient._parameters.results()
    assert results.activation == {}
    assert {node.GetForegroundVolumeID() for node in _composites()} == {results.entropy["T1W"].GetID()}


def test_a_damaged_map_adds_nothing(slicer_gui: Any, folder: Path, tmp_path: Path) -> None:
    import shutil

    spoiled = tmp_path / "results"
    shutil.copytree(folder, spoiled)
    (spoiled / "CT_activation.nrrd").write_bytes(b"NRRD0004\n")
    inputs = _add_scan()
    before = slicer.mrmlScene.GetNumberOfNodes()
    with pytest.raises(RuntimeError):
        add_results(slicer.mrmlScene, spoiled, inputs)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
