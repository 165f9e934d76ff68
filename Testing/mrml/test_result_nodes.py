"""Results as nodes: whole, named, coloured, beside their input, and still there after saving and loading."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from mrml_nodes import column_values, contents, matrix_of, to_ras

from HabitatRadiomicsLib.scene import result_nodes
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes, add_habitat_labelmap, add_results, habitat_labels
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

#: Okabe and Ito's sky blue and vermilion.
COLOURS = {"S1": (0x56 / 255, 0xB4 / 255, 0xE9 / 255), "S2": (0xD5 / 255, 0x5E / 255, 0x00 / 255)}
SEQUENCES = ("T1W", "T2FS")


@pytest.fixture
def score(scored: Path) -> dict:
    """score.json."""
    return json.loads((scored / "score.json").read_text(encoding="utf-8"))


@pytest.fixture
def maps(scored: Path) -> dict:
    """habitats.json."""
    return json.loads((scored / "habitats.json").read_text(encoding="utf-8"))


@pytest.fixture
def results(scene: object, scored: Path, inputs: dict[str, SequenceInput]) -> ResultNodes:
    """The nodes of the score."""
    return add_results(scene, scored, inputs)


def hierarchy() -> object:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


def parent_of(node: object) -> int:
    return hierarchy().GetItemParent(hierarchy().GetItemByDataNode(node))


def voxels(path: Path) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def volume_tag(segment: object) -> str:
    text = vtk.reference("")
    assert segment.GetTag("HabitatRadiomics.VolumeMl", text)
    return str(text)


def test_nodes_are_named_after_what_they_show(results: ResultNodes) -> None:
    assert [node.GetName() for node in results.nodes()] == [
        "T1W local entropy", "T2FS local entropy", "T1W habitats", "T2FS habitats", "Habitats",
        "Habitat Radiomics result", "Habitat Radiomics report", "SHAP values", "SHAP bars",
        "Pushes up", "Pushes down",
    ]  # fmt: skip
    tags = {node.GetName(): node.GetAttribute("HabitatRadiomics.Result") for node in results.nodes()}
    assert tags.pop("T1W local entropy") == tags.pop("T1W habitats") == "T1W"
    assert tags.pop("T2FS local entropy") == tags.pop("T2FS habitats") == "T2FS"
    assert set(tags.values()) == {""}


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_entropy_is_the_command_lines_to_the_last_bit(results: ResultNodes, scored: Path, sequence: str) -> None:
    path = scored / f"{sequence}_entropy.nrrd"
    node = results.entropy[sequence]
    found = slicer.util.arrayFromVolume(node)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, voxels(path))
    np.testing.assert_allclose(matrix_of(node), to_ras(sitk.ReadImage(str(path))), atol=1e-9)
    np.testing.assert_allclose(matrix_of(node), matrix_of(results.volumes[sequence]), atol=1e-5)


def test_entropy_is_shown_from_zero_unsmoothed_in_its_own_colours(results: ResultNodes) -> None:
    for node in results.entropy.values():
        display = node.GetDisplayNode()
        colours = display.GetColorNode()
        highest = np.ceil(slicer.util.arrayFromVolume(node).max())
        assert display.GetInterpolate() == 0
        assert display.GetAutoWindowLevel() == 0
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0, highest)
        assert display.GetApplyThreshold() == 1
        assert 0 < display.GetLowerThreshold() < 1e-3
        assert display.GetUpperThreshold() == highest
        assert colours.GetName() == "Habitat Radiomics local entropy"
        legend = slicer.modules.colors.logic().GetColorLegendDisplayNode(node)
        assert legend.GetVisibility()
        assert legend.GetTitleText() == "Local entropy\n[bits]"
        assert legend.GetNumberOfLabels() == highest + 1, "a label at each whole bit"
        assert legend.GetLabelFormat() % 3.0 == "3"
    first, second = (node.GetDisplayNode().GetColorNode() for node in results.entropy.values())
    assert first is second


def test_entropy_colours_grow_lighter_all_the_way(results: ResultNodes) -> None:
    colours = results.entropy["T1W"].GetDisplayNode().GetColorNode()
    assert colours.GetNumberOfColors() == 256
    table = np.array([colours.GetLookupTable().GetTableValue(index) for index in range(256)])
    linear = np.where(table[:, :3] > 0.04045, ((table[:, :3] + 0.055) / 1.055) ** 2.4, table[:, :3] / 12.92)
    lightness = linear @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) > 0).all()
    assert lightness[0] < 0.01
    assert lightness[-1] > 0.9
    assert (table[:, 3] == 1).all()


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_habitats_are_segments_with_names_colours_and_volumes(
    results: ResultNodes, maps: dict, scored: Path, sequence: str
) -> None:
    segmentation = results.habitats[sequence].GetSegmentation()
    labels = voxels(scored / f"{sequence}_habitats.nrrd")
    rows = maps["sequences"][sequence]["habitats"]
    assert [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())] == ["S1", "S2"]
    for value, row in enumerate(rows, start=1):
        segment = segmentation.GetSegment(f"S{value}")
        assert segment.GetName() == row["name"] == f"S{value}"
        assert segment.GetColor() == pytest.approx(COLOURS[f"S{value}"])
        assert float(volume_tag(segment)) == pytest.approx(row["volume_ml"], abs=5e-4)
        drawn = slicer.util.arrayFromSegmentBinaryLabelmap(
            results.habitats[sequence], f"S{value}", results.volumes[sequence]
        )
        np.testing.assert_array_equal(drawn, labels == value)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_a_label_map_of_habitats_is_the_command_lines(results: ResultNodes, scored: Path, sequence: str) -> None:
    expected = voxels(scored / f"{sequence}_habitats.nrrd")
    np.testing.assert_array_equal(habitat_labels(results, sequence), expected)
    node = add_habitat_labelmap(slicer.mrmlScene, results, sequence)
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    assert node.GetName() == f"{sequence} habitat labels"
    assert slicer.util.arrayFromVolume(node).dtype == np.uint8
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), expected)
    np.testing.assert_array_equal(matrix_of(node), matrix_of(results.entropy[sequence]))
    assert parent_of(node) == results.folder
    assert node.GetAttribute("HabitatRadiomics.Result") == sequence
    colours = node.GetDisplayNode().GetColorNode()
    for value, name in ((1, "S1"), (2, "S2")):
        assert colours.GetColorName(value) == name
        assert colours.GetLookupTable().GetTableValue(value)[:3] == pytest.approx(COLOURS[name], abs=1 / 255)


def test_the_habitat_table_has_the_numbers_of_the_document(results: ResultNodes, maps: dict) -> None:
    rows = [(name, row) for name in SEQUENCES for row in maps["sequences"][name]["habitats"]]
    assert column_values(results.habitat_table, "Sequence") == ["T1W", "T1W", "T2FS", "T2FS"]
    assert column_values(results.habitat_table, "Habitat") == ["S1", "S2", "S1", "S2"]
    for title, key in (
        ("Volume [ml]", "volume_ml"),
        ("Intensity mean", "intensity_mean"),
        ("Intensity SD", "intensity_sd"),
        ("Local entropy mean [bits]", "entropy_mean_bits"),
        ("Local entropy SD [bits]", "entropy_sd_bits"),
        ("Voxels", "voxels"),
    ):
        assert column_values(results.habitat_table, title) == [row[key] for _, row in rows]
    shares = column_values(results.habitat_table, "Share [%]")
    assert shares == pytest.approx([100 * row["fraction"] for _, row in rows])
    assert [sum(shares[:2]), sum(shares[2:])] == pytest.approx([100, 100])


def test_shap_values_stand_in_a_table_the_largest_first(results: ResultNodes, score: dict) -> None:
    table, rows = results.contribution_table, score["contributions"]
    values = column_values(table, "SHAP")
    assert values == [row["shap"] for row in rows]
    assert [abs(value) for value in values] == sorted((abs(value) for value in values), reverse=True)
    assert sum(values) == pytest.approx(score["score"] - score["base"])
    assert column_values(table, "Feature") == [row["name"] for row in rows]
    assert column_values(table, "Value") == [row["value"] for row in rows]
    assert column_values(table, "Training percentile") == [row["percentile"] for row in rows]
    assert column_values(table, "Rank") == [str(rank) for rank in range(1, len(rows) + 1)]
    up, down = column_values(table, "Pushes up"), column_values(table, "Pushes down")
    assert [a + b for a, b in zip(up, down)] == values
    assert min(up) >= 0 >= max(down)
    assert max(up) > 0


def test_the_chart_draws_the_table_in_two_colours(results: ResultNodes, score: dict) -> None:
    chart = results.contribution_chart
    assert chart.GetTitle() == f"Rad-score {score['score']:.3f}: SHAP values"
    assert chart.GetNumberOfPlotSeriesNodes() == 2
    for number, (title, colour) in enumerate(
        {"Pushes up": (0xD6 / 255, 0x27 / 255, 0x28 / 255), "Pushes down": (0x1F / 255, 0x77 / 255, 0xB4 / 255)}.items()
    ):
        series = chart.GetNthPlotSeriesNode(number)
        assert series.GetTableNode() is results.contribution_table
        assert series.GetPlotTypeAsString(series.GetPlotType()) == "Bar"
        assert (series.GetXColumnName(), series.GetYColumnName()) == ("Rank", title)
        assert series.GetLabelColumnName() == "Feature"
        assert series.GetColor() == pytest.approx(colour)


def test_results_lie_in_one_folder_beside_their_input(
    scene: object, scored: Path, inputs: dict[str, SequenceInput]
) -> None:
    tree = hierarchy()
    subject = tree.CreateSubjectItem(tree.GetSceneItemID(), "patient")
    study = tree.CreateStudyItem(subject, "study")
    for chosen in inputs.values():
        tree.SetItemParent(tree.GetItemByDataNode(chosen.volume), study)
    results = add_results(scene, scored, inputs)
    assert tree.GetItemParent(results.folder) == study
    assert tree.GetItemName(results.folder) == "Habitats of T1W, T2FS"
    assert {parent_of(node) for node in results.nodes()} == {results.folder}
    assert parent_of(inputs["T1W"].volume) == study


def test_results_of_an_input_in_no_folder_lie_at_the_top(results: ResultNodes) -> None:
    assert hierarchy().GetItemParent(results.folder) == hierarchy().GetSceneItemID()


def test_a_second_run_makes_nodes_of_its_own(
    scene: object, scored: Path, inputs: dict[str, SequenceInput], results: ResultNodes
) -> None:
    slicer.util.arrayFromVolume(results.entropy["T1W"])[:] = 0
    again = add_results(scene, scored, inputs)
    first, second = ({node.GetID(): node.GetName() for node in found.nodes()} for found in (results, again))
    assert len(first) == len(second) == 11
    assert not set(first) & set(second)
    shared = set(first.values()) & set(second.values())
    assert shared == {"Pushes up", "Pushes down"}, "the names in a chart's legend"
    assert again.folder != results.folder
    names = [hierarchy().GetItemName(found.folder) for found in (results, again)]
    assert len(set(names)) == 2
    assert slicer.util.arrayFromVolume(results.entropy["T1W"]).max() == 0, "the first ones stay as they are"
    assert slicer.util.arrayFromVolume(again.entropy["T1W"]).max() > 0
    assert scene.GetNodesByName("Habitat Radiomics local entropy").GetNumberOfItems() == 1


@pytest.mark.parametrize(
    "step", ["_add_entropy", "_add_habitats", "add_habitat_table", "_add_text", "add_contributions", "_beside_input"]
)
@pytest.mark.parametrize("second", [False, True], ids=["first run", "second run"])
def test_a_failure_on_the_way_leaves_nothing(
    scene: object,
    scored: Path,
    inputs: dict[str, SequenceInput],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    second: bool,
) -> None:
    if second:
        add_results(scene, scored, inputs)
    before = contents(scene)
    working = getattr(result_nodes, step)

    def failing(*arguments: object) -> None:
        working(*arguments)
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(result_nodes, step, failing)
    with pytest.raises(ZeroDivisionError, match="oops"):
        add_results(scene, scored, inputs)
    assert contents(scene) == before


def test_a_failure_in_the_hierarchy_leaves_nothing(
    scene: object, scored: Path, inputs: dict[str, SequenceInput], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(scene)
    calls: Iterator[int] = iter(range(5))

    def failing(*arguments: object) -> None:
        if next(calls) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(result_nodes, "move_into", failing)
    with pytest.raises(KeyboardInterrupt):
        add_results(scene, scored, inputs)
    assert contents(scene) == before


def test_a_folder_that_lacks_a_file_leaves_nothing(
    scene: object, scored: Path, inputs: dict[str, SequenceInput], tmp_path: Path
) -> None:
    for path in scored.iterdir():
        if path.name != "T2FS_habitats.nrrd":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    before = contents(scene)
    with pytest.raises(RuntimeError):
        add_results(scene, tmp_path, inputs)
    assert contents(scene) == before


@pytest.fixture
def saved(
    scene: object, results: ResultNodes, inputs: dict[str, SequenceInput], tmp_path: Path
) -> Callable[[], Parameters]:
    """Saves the scene with its parameter node, closes it, loads it, and gives the parameters that came back."""

    def save_and_load() -> Parameters:
        path = tmp_path / "scene.mrb"
        assert slicer.util.saveScene(str(path))
        scene.Clear(False)
        assert scene.GetFirstNodeByName("T1W local entropy") is None
        slicer.util.loadScene(str(path))
        return Parameters(scene.GetFirstNodeByClass("vtkMRMLScriptedModuleNode"))

    parameters = Parameters(scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "HabitatRadiomics"))
    parameters.set_results(results)
    for name, chosen in inputs.items():
        parameters.set_input(name, chosen)
    parameters.set_text("model", "t790m-spine-demo")
    return save_and_load


def test_results_survive_saving_and_loading(
    results: ResultNodes, saved: Callable[[], Parameters], scored: Path, score: dict, maps: dict
) -> None:
    highest = {name: float(np.ceil(slicer.util.arrayFromVolume(node).max())) for name, node in results.entropy.items()}
    parameters = saved()
    back = parameters.results()
    assert back is not None
    assert back.content == {"maps": maps, "score": score}
    assert back.report.GetText() == (scored / "report.html").read_text(encoding="utf-8")
    # Slicer writes tables with six digits; the document keeps all of them.
    assert column_values(back.contribution_table, "SHAP") == pytest.approx(
        [row["shap"] for row in score["contributions"]], rel=1e-5
    )
    assert column_values(back.habitat_table, "Habitat") == ["S1", "S2", "S1", "S2"]
    assert back.contribution_chart.GetNthPlotSeriesNode(1).GetTableNode() is back.contribution_table
    for name in SEQUENCES:
        np.testing.assert_array_equal(
            slicer.util.arrayFromVolume(back.entropy[name]), voxels(scored / f"{name}_entropy.nrrd")
        )
        np.testing.assert_array_equal(habitat_labels(back, name), voxels(scored / f"{name}_habitats.nrrd"))
        display = back.entropy[name].GetDisplayNode()
        assert display.GetInterpolate() == 0
        assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0, highest[name])
        colours = display.GetColorNode()
        assert colours.GetName() == "Habitat Radiomics local entropy"
        assert colours.GetLookupTable().GetTableValue(255)[:3] == pytest.approx((0.988, 1.0, 0.643), abs=0.005)
        segment = back.habitats[name].GetSegmentation().GetSegment("S2")
        assert segment.GetColor() == pytest.approx(COLOURS["S2"], abs=1e-3)
        assert float(volume_tag(segment)) == pytest.approx(
            maps["sequences"][name]["habitats"][1]["volume_ml"], abs=5e-4
        )
        assert back.volumes[name].GetName() == name
        assert slicer.modules.colors.logic().GetColorLegendDisplayNode(back.entropy[name]).GetVisibility()
        assert back.entropy[name].GetAttribute("HabitatRadiomics.Result") == name
    assert {parent_of(node) for node in back.nodes()} == {back.folder}
    assert hierarchy().GetItemName(back.folder) == "Habitats of T1W, T2FS"


def test_choices_survive_saving_and_loading(results: ResultNodes, saved: Callable[[], Parameters]) -> None:
    parameters = saved()
    assert parameters.text("model") == "t790m-spine-demo"
    for name in SEQUENCES:
        chosen = parameters.input(name)
        assert chosen.volume.GetName() == name
        assert chosen.mask.GetName() == f"{name} lesion"
