"""The parameter node keeps what the panel shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import slicer
from mrml_nodes import add_image, add_segmentation, block, noise

from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput


@pytest.fixture
def parameters(scene: object) -> Parameters:
    """Of a new node."""
    return Parameters(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


@pytest.fixture
def results(scene: object, scored: Path, inputs: dict[str, SequenceInput]) -> ResultNodes:
    """The nodes of a score."""
    return add_results(scene, scored, inputs)


def test_a_text_comes_back(parameters: Parameters) -> None:
    assert parameters.text("model") == ""
    assert parameters.text("model", "none yet") == "none yet"
    parameters.set_text("model", "Ärzte & <Röntgen> = 50 %; a|b")
    assert parameters.text("model", "none yet") == "Ärzte & <Röntgen> = 50 %; a|b"
    parameters.set_text("model", "")
    assert parameters.text("model", "none yet") == "none yet"


def test_the_same_text_again_tells_nobody(parameters: Parameters) -> None:
    parameters.set_text("model", "a")
    heard: list[str] = []
    parameters.node.AddObserver("ModifiedEvent", lambda caller, event: heard.append(event))
    parameters.set_text("model", "a")
    assert heard == []
    parameters.set_text("model", "b")
    assert len(heard) == 1


def test_a_choice_comes_back(parameters: Parameters) -> None:
    chosen = SequenceInput(add_image(noise()), add_segmentation({"lesion": block(noise())}), "lesion")
    assert parameters.input("T1W") == SequenceInput(None, None, "")
    parameters.set_input("T1W", chosen)
    assert parameters.input("T1W") == chosen
    assert parameters.input("T2FS") == SequenceInput(None, None, "")
    parameters.set_input("T1W", replace(chosen, mask=None, segment=""))
    assert parameters.input("T1W") == SequenceInput(chosen.volume, None, "")


def test_a_choice_that_was_deleted_is_none(parameters: Parameters, scene: object) -> None:
    chosen = SequenceInput(add_image(noise()), add_segmentation({"lesion": block(noise())}), "lesion")
    parameters.set_input("T1W", chosen)
    scene.RemoveNode(chosen.volume)
    assert parameters.input("T1W") == SequenceInput(None, chosen.mask, "lesion")


def test_results_come_back_with_their_folder(parameters: Parameters, results: ResultNodes) -> None:
    assert parameters.results() is None
    parameters.set_results(results)
    back = parameters.results()
    assert back == results
    assert back.folder == results.folder != 0


def test_results_without_a_score_come_back(parameters: Parameters, results: ResultNodes) -> None:
    only_maps = replace(results, report=None, contribution_table=None, contribution_chart=None)
    parameters.set_results(results)
    parameters.set_results(only_maps)
    assert parameters.results() == only_maps


def test_results_of_fewer_sequences_leave_none_of_the_earlier(parameters: Parameters, results: ResultNodes) -> None:
    parameters.set_results(results)
    fewer = replace(
        results,
        **{role: {"T2FS": getattr(results, role)["T2FS"]} for role in ("volumes", "entropy", "habitats")},
    )
    parameters.set_results(fewer)
    assert parameters.results() == fewer
    assert parameters.node.GetNodeReference("result.T1W.entropy") is None


def test_forgotten_results_stay_in_the_scene(parameters: Parameters, results: ResultNodes, scene: object) -> None:
    parameters.set_results(results)
    parameters.set_results(None)
    assert parameters.results() is None
    assert all(scene.IsNodePresent(node) for node in results.nodes())


@pytest.mark.parametrize("role", ["entropy", "habitats", "volumes"])
def test_a_sequence_of_which_a_node_was_deleted_is_left_out(
    parameters: Parameters, results: ResultNodes, scene: object, role: str
) -> None:
    parameters.set_results(results)
    scene.RemoveNode(getattr(results, role)["T1W"])
    back = parameters.results()
    assert back is not None
    assert list(back.entropy) == list(back.habitats) == list(back.volumes) == ["T2FS"]


@pytest.mark.parametrize("role", ["document", "habitat_table"])
def test_results_without_their_document_or_table_are_none(
    parameters: Parameters, results: ResultNodes, scene: object, role: str
) -> None:
    parameters.set_results(results)
    scene.RemoveNode(getattr(results, role))
    assert parameters.results() is None


def test_a_closed_scene_leaves_nothing(parameters: Parameters, results: ResultNodes, scene: object) -> None:
    parameters.set_results(results)
    scene.Clear(False)
    fresh = Parameters(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))
    assert fresh.results() is None
    assert slicer.mrmlScene.GetFirstNodeByName("T1W local entropy") is None
