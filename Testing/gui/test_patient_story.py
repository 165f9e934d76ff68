"""One patient in the panel, from the sample data to a saved and loaded scene, over one real run."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
import vtk
from matplotlib.image import imread

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR, red_green_blue

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import SITE, add_patient, click, load_panel, module_panel, scored_by_the_library, shown_backgrounds
from patient_story import Story, run_story, view_state
from standin.install import install_gui

pytest.importorskip("radiomics")


@pytest.fixture(scope="module")
def story(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    app = install_gui()
    app.reset()
    story = Story(app, load_panel(app, checkout), scored_by_the_library(tmp_path_factory))
    seen, ui = story.seen, story.ui
    with module_panel(app, story.widget):
        seen.apply_in_empty_scene = ui.applyButton.enabled
        add_patient(story.widget)
        rows = {name: row.ui for name, row in story.widget.patient.rows.items()}
        seen.chosen = {
            name: (
                row.volumeSelector.currentNode().GetName(),
                row.maskSelector.currentNode().GetName(),
                row.segmentSelector.currentText,
            )
            for name, row in rows.items()
        }
        seen.apply_with_patient = ui.applyButton.enabled
        ui.siteSelector.setEditText(SITE)
        red = story.app.slice_views["Red"].node
        red.SetSliceOffset(red.GetSliceOffset() + 7)
        seen.view_before = view_state()
        run_story(story)
        app.process_events()
        yield story
    errors = app.problems.take_errors()
    app.reset()
    assert not errors, "\n".join(errors)


@pytest.fixture(autouse=True)
def _no_error_unseen(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "story" in request.fixturenames:
        errors = request.getfixturevalue("story").app.problems.take_errors()
        assert not errors, "\n".join(errors)


def test_rows_are_filled_in_by_name_and_apply_is_enabled(story: Story) -> None:
    assert not story.seen.apply_in_empty_scene
    assert story.seen.chosen == {
        "T1W": ("T1W", "T1W lesion", "lesion"),
        "T2FS": ("T2FS", "T2FS lesion", "lesion"),
    }
    assert story.seen.apply_with_patient


def test_window_lives_and_tells_progress_during_the_run(story: Story) -> None:
    seen = story.seen
    assert seen.while_running == {(False, False, True)}, "bar shown, Apply off, Cancel on"
    assert len(seen.fractions) > 2
    assert max(seen.fractions) >= 80
    words = " ".join(seen.words)
    # Several lines may come at once, of which the last is seen.
    assert "features of" in words or "habitats of" in words
    assert seen.ticks > 20, "the window froze"


def test_panel_rests_after_the_run(story: Story) -> None:
    ui = story.ui
    assert ui.statusLabel.text == "Done."
    assert ui.progressBar.isHidden()
    assert ui.applyButton.enabled
    assert not ui.cancelButton.enabled
    assert not ui.mapsSection.isHidden()
    assert not ui.scoreSection.isHidden()


def test_score_is_the_librarys_bit_for_bit(story: Story) -> None:
    assert story.results.score == story.expected


def test_report_is_the_command_lines(story: Story) -> None:
    assert story.results.report.GetText() == (story.reference / "report.html").read_text(encoding="utf-8")


def test_results_are_in_the_scene_beside_their_input(story: Story) -> None:
    results, expected = story.results, story.expected
    for name in ("T1W", "T2FS"):
        rows = expected["habitats"][name]
        segments = results.habitats[name].GetSegmentation()
        assert [segments.GetNthSegment(index).GetName() for index in range(len(rows))] == [row["name"] for row in rows]
        assert slicer.util.arrayFromVolume(results.entropy[name]).max() > 1
        display = results.entropy[name].GetDisplayNode()
        assert display.GetInterpolate() == 0
        assert display.GetColorNode().GetName() == "Habitat Radiomics local entropy"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    volume = hierarchy.GetItemByDataNode(results.volumes["T1W"])
    assert hierarchy.GetItemParent(results.folder) == hierarchy.GetItemParent(volume)
    items = vtk.vtkIdList()
    hierarchy.GetItemChildren(results.folder, items)
    inside = {hierarchy.GetItemDataNode(items.GetId(index)) for index in range(items.GetNumberOfIds())}
    assert set(results.nodes()) <= inside


def test_score_is_shown_with_its_interval_notice_and_warnings(story: Story) -> None:
    ui, expected = story.ui, story.expected
    assert ui.scoreNoticeLabel.text == expected["notice"]
    assert "Demonstration model" in expected["notice"]
    assert "Research use only" in expected["notice"]
    text = ui.scoreLabel.text
    assert "<b>T790M-positive</b>" in text
    assert f"Rad-score {expected['score']:.3f} (95% interval {expected['score_interval']['low']:.3f}" in text
    assert f"cut-off {expected['cutoff']['value']:.3f}" in text
    assert f"Probability of T790M mutation {expected['probability']:.0%}" in text
    for warning in expected["warnings"]:
        assert warning in ui.warningsLabel.text
    assert "has not seen the site Gamma" in ui.warningsLabel.text
    for label in (ui.scalePictureLabel, ui.barsPictureLabel):
        assert label.pixmap.width() <= 460
        assert not label.isHidden()


def test_habitat_table_gives_volume_share_and_entropy(story: Story) -> None:
    story.view("T1W")
    table, rows = story.ui.habitatTable, story.expected["habitats"]["T1W"]
    assert table.rowCount == len(rows)
    for number, row in enumerate(rows):
        texts = [table.item(number, column).text() for column in range(4)]
        assert texts[:3] == [row["name"], f"{row['volume_ml']:.2f}", f"{row['fraction']:.0%}"]
        assert texts[3].startswith(f"{row['entropy_mean_bits']:.2f} ±")


def _bars(label: Any, folder: Path) -> list[tuple[int, int]]:
    """Where the bars lie in a picture, by their colours: x and y of their middles, the uppermost first."""
    assert label.pixmap.save(str(folder / "bars.png"))
    pixels = imread(folder / "bars.png")[:, :, :3]
    coloured = np.zeros(pixels.shape[:2], bool)
    for colour in (UP_COLOUR, DOWN_COLOUR):
        coloured |= np.abs(pixels - red_green_blue(colour)).max(axis=2) < 0.05
    lines = coloured.sum(axis=1) > 3
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lines, [False]]).astype(int)))
    bars = [(start, end) for start, end in edges.reshape(-1, 2) if end - start > 6]
    middles = [(start + end) // 2 for start, end in bars]
    return [(int(np.flatnonzero(coloured[middle]).mean()), middle) for middle in middles]


@pytest.mark.parametrize("rank", [1, -1])
def test_click_on_a_bar_tells_of_its_feature_and_shows_its_habitat(story: Story, rank: int, tmp_path: Path) -> None:
    ui, row = story.ui, story.expected["contributions"][rank]
    sequence, region, image, kind, feature = row["name"].split("_")
    other = {"T1W": "T2FS", "T2FS": "T1W"}[sequence]
    story.view(other)
    places = _bars(ui.barsPictureLabel, tmp_path)
    assert len(places) == len(story.expected["contributions"])
    click(ui.barsPictureLabel, *places[rank])
    text = ui.featureLabel.text
    assert f"<b>{kind} {feature}</b>" in text
    assert f"{sequence} {region}, {image}" in text
    training = row["training"]
    assert (
        f"Value {row['value']:.4g}; training cases {training['minimum']:.4g} to {training['maximum']:.4g}, "
        f"mean {training['mean']:.4g}"
    ) in text
    assert f"SHAP {row['shap']:+.3f}" in text
    assert not ui.featureLabel.isHidden()
    assert shown_backgrounds() == [story.results.volumes[sequence]] * 3
    assert ui.shownSequenceSelector.currentText == sequence
    _assert_emphasised(story, sequence, region)


def _assert_emphasised(story: Story, sequence: str, region: str) -> None:
    """One habitat strong, the others faint, its segmentation the only one shown, and the views inside it."""
    results = story.results
    display = results.habitats[sequence].GetDisplayNode()
    names = [row["name"] for row in story.expected["habitats"][sequence]]
    strong = [name for name in names if display.GetSegmentOpacity2DFill(name) == 1.0]
    faint = [name for name in names if display.GetSegmentOpacity2DFill(name) < 0.5]
    assert (strong, faint) == ([region], [name for name in names if name != region])
    shown = [node for node in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if node.GetDisplayVisibility()]
    assert shown == [results.habitats[sequence]]
    habitat = slicer.util.arrayFromSegmentBinaryLabelmap(results.habitats[sequence], region, results.entropy[sequence])
    red = story.app.slice_views["Red"].node
    place = [red.GetSliceToRAS().GetElement(axis, 3) for axis in range(3)]
    to_voxel = vtk.vtkMatrix4x4()
    results.entropy[sequence].GetRASToIJKMatrix(to_voxel)
    i, j, k, _ = (round(value) for value in to_voxel.MultiplyPoint([*place, 1.0]))
    assert habitat[k, j, i], "the views are not centred in the habitat"


def test_click_beside_the_bars_does_nothing(story: Story) -> None:
    story.view("T2FS")
    ui = story.ui
    before = ui.featureLabel.text
    click(ui.barsPictureLabel, 20, 4)
    assert ui.featureLabel.text == before
    assert shown_backgrounds() == [story.results.volumes["T2FS"]] * 3


def test_click_in_the_habitat_table_shows_the_habitat(story: Story) -> None:
    story.view("T2FS")
    table = story.ui.habitatTable
    table.scrollToItem(table.item(0, 2))
    story.app.process_events()
    place = table.visualItemRect(table.item(0, 2)).center()
    click(table.viewport(), place.x(), place.y())
    _assert_emphasised(story, "T2FS", table.item(0, 0).text())
    story.view("T2FS")
    display = story.results.habitats["T2FS"].GetDisplayNode()
    assert display.GetSegmentOpacity2DFill("S2") == 1.0, "Show maps shows all habitats alike again"


def test_opacities_and_check_boxes_change_what_is_shown(story: Story) -> None:
    story.view("T1W")
    ui, results = story.ui, story.results
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert {node.GetForegroundVolumeID() for node in composites} == {results.entropy["T1W"].GetID()}
    legend = [
        node
        for node in slicer.util.getNodesByClass("vtkMRMLColorLegendDisplayNode")
        if node.GetDisplayableNode() is results.entropy["T1W"]
    ]

    def overlay() -> tuple[set[float], list[int]]:
        return {node.GetForegroundOpacity() for node in composites}, [node.GetVisibility() for node in legend]

    ui.entropyOpacitySlider.value = 0.8
    assert overlay() == ({0.8}, [1])
    ui.entropyCheckBox.click()
    assert overlay() == ({0.0}, [0])
    ui.entropyCheckBox.click()
    assert overlay() == ({0.8}, [1])
    habitats = results.habitats["T1W"]
    ui.habitatOpacitySlider.value = 0.25
    assert habitats.GetDisplayNode().GetOpacity2DFill() == 0.25
    assert habitats.GetDisplayNode().GetOpacity2DOutline() == 1.0
    ui.habitatsCheckBox.click()
    assert not habitats.GetDisplayVisibility()
    ui.habitatsCheckBox.click()
    assert habitats.GetDisplayVisibility()
    ui.entropyOpacitySlider.value = 0.5
    ui.habitatOpacitySlider.value = 0.5


def test_previous_view_comes_back_with_one_click(story: Story) -> None:
    ui = story.ui
    if ui.previousViewButton.enabled:
        ui.previousViewButton.click()
    assert view_state() == story.seen.view_before
    assert not ui.previousViewButton.enabled
    ui.showMapsButton.click()
    assert view_state() != story.seen.view_before
    ui.previousViewButton.click()
    assert view_state() == story.seen.view_before
    assert not any(segmentation.GetDisplayVisibility() for segmentation in story.results.habitats.values())


def test_label_map_holds_the_habitats(story: Story) -> None:
    story.view("T2FS")
    story.ui.labelmapButton.click()
    (labels,) = slicer.util.getNodesByClass("vtkMRMLLabelMapVolumeNode")
    counts = np.bincount(slicer.util.arrayFromVolume(labels).ravel())[1:]
    assert counts.tolist() == [row["voxels"] for row in story.expected["habitats"]["T2FS"]]
    slicer.mrmlScene.RemoveNode(labels)


def test_plot_view_shows_the_bars(story: Story) -> None:
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    before = manager.layout
    story.ui.showPlotButton.click()
    assert manager.layout != before
    chart = story.results.contribution_chart
    shown = [node.GetPlotChartNodeID() for node in slicer.util.getNodesByClass("vtkMRMLPlotViewNode")]
    assert chart.GetID() in shown
    values = slicer.util.arrayFromTableColumn(story.results.contribution_table, "SHAP")
    assert values.tolist() == [row["shap"] for row in story.expected["contributions"]]
    manager.setLayout(before)


def test_report_and_table_are_saved_where_the_user_says(story: Story, tmp_path: Path) -> None:
    story.app.dialogs.answer(str(tmp_path / "report.html"), str(tmp_path / "table.csv"))
    story.ui.saveReportButton.click()
    story.ui.exportTableButton.click()
    assert (tmp_path / "report.html").read_bytes() == (story.reference / "report.html").read_bytes()
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["feature"], float(row["shap"])) for row in rows] == [
        (row["name"], row["shap"]) for row in story.expected["contributions"]
    ]
    assert {row["notice"] for row in rows} == {story.expected["notice"]}


def test_saving_may_be_called_off_and_fails_with_a_sentence(story: Story, tmp_path: Path) -> None:
    dialogs = story.app.dialogs
    shown = len(dialogs.shown)
    dialogs.answer("", "")
    story.ui.saveReportButton.click()
    story.ui.exportTableButton.click()
    assert len(dialogs.shown) == shown + 2
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    dialogs.answer(str(tmp_path / "file" / "report.html"))
    story.ui.saveReportButton.click()
    assert "The results cannot be written" in dialogs.texts[-1]
    assert story.app.problems.take_errors() == []


def test_saved_scene_brings_the_panel_back(story: Story, tmp_path: Path) -> None:
    ui = story.ui
    story.view("T2FS")
    ui.entropyOpacitySlider.value = 0.35
    ui.habitatOpacitySlider.value = 0.85
    ui.habitatsCheckBox.checked = False
    texts = [label.text for label in (ui.scoreLabel, ui.warningsLabel, ui.scoreNoticeLabel, ui.modelCardLabel)]
    content = story.results.content
    report = story.results.report.GetText()
    voxels = slicer.util.arrayFromVolume(story.results.entropy["T2FS"]).copy()
    assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))

    slicer.mrmlScene.Clear(False)
    story.app.process_events()
    assert ui.mapsSection.isHidden()
    assert ui.scoreSection.isHidden()
    assert ui.habitatTable.rowCount == 0
    assert ui.siteSelector.currentText == ""
    assert not ui.applyButton.enabled
    assert not ui.previousViewButton.enabled
    assert all(row.empty for row in story.widget.patient.rows.values())

    slicer.util.loadScene(str(tmp_path / "scene.mrb"))
    story.app.process_events()
    assert story.results.content == content
    assert story.results.report.GetText() == report
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(story.results.entropy["T2FS"]), voxels)
    labels = (ui.scoreLabel, ui.warningsLabel, ui.scoreNoticeLabel, ui.modelCardLabel)
    assert [label.text for label in labels] == texts
    assert not ui.mapsSection.isHidden()
    assert not ui.scoreSection.isHidden()
    assert not ui.barsPictureLabel.pixmap.isNull()
    assert ui.siteSelector.currentText == SITE
    assert ui.modelSelector.currentData == "t790m-spine-demo"
    assert ui.shownSequenceSelector.currentText == "T2FS"
    assert ui.entropyOpacitySlider.value == pytest.approx(0.35)
    assert ui.habitatOpacitySlider.value == pytest.approx(0.85)
    assert not ui.habitatsCheckBox.checked
    assert {
        name: (row.chosen.volume.GetName(), row.chosen.mask.GetName(), row.chosen.segment)
        for name, row in story.widget.patient.rows.items()
    } == story.seen.chosen
    story.app.wait_until(lambda: ui.applyButton.enabled)
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    assert {round(node.GetForegroundOpacity(), 6) for node in composites} == {0.35}
    segments = story.results.habitats["T2FS"].GetSegmentation()
    assert [segments.GetNthSegment(index).GetName() for index in range(2)] == ["S1", "S2"]
    ui.habitatsCheckBox.checked = True
    ui.entropyOpacitySlider.value = 0.5
    ui.habitatOpacitySlider.value = 0.5
