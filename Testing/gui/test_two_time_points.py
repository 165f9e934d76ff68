"""A model of two time points, and a model of one that sees a patient twice."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.extraction.habitat_changes import SCALE_IN_WORDS
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.scoring.patient import score_case

sys.path.append(str(Path(__file__).resolve().parent))

from made_up_models import two_time_point_model
from panel_steps import module_panel, run_to_the_end
from two_scans import add_scans, put_into_study
from two_time_points import protocol

pytest.importorskip("radiomics")


def _choose(app: Any, widget: Any, model: Model, folder: Path) -> Model:
    file = folder / f"{model.name}.json"
    file.write_text(model_text(model), encoding="utf-8")
    app.dialogs.answer(str(file))
    widget.ui.modelFileButton.click()
    assert widget.patient.model.card is not None, widget.ui.modelProblemLabel.text
    return load_model(str(file))


def _single() -> Model:
    """The same, at baseline alone and of one time point."""
    model = two_time_point_model(protocol())
    plain = protocol(timepoints=None)
    (first, _) = model.features
    return model.model_copy(
        update={
            "name": "made-up-single", "title": "Made-up single time point", "protocol": plain,
            "features": (first.model_copy(update={"name": first.name.removeprefix("baseline_")}),),
            "background": tuple(row[:1] for row in model.background),
        }
    )  # fmt: skip


@pytest.fixture
def two(habitat_widget: Any, slicer_gui: Any, tmp_path: Path) -> Any:
    """The panel with a model of two time points."""
    _choose(slicer_gui, habitat_widget, two_time_point_model(protocol()), tmp_path)
    return habitat_widget


def _chosen(widget: Any) -> dict[str, Any]:
    return {name: row.chosen for name, row in widget.patient.rows.items()}


def test_a_row_for_each_time_point(two: Any) -> None:
    labels = {name: row.ui.sequenceLabel.text for name, row in two.patient.rows.items()}
    assert labels == {"baseline_CT": "<b>CT, baseline</b>", "follow-up_CT": "<b>CT, follow-up</b>"}
    assert not two.ui.applyButton.enabled


def test_names_tell_the_time_points(two: Any) -> None:
    inputs = add_scans()
    two.enter()
    assert _chosen(two) == inputs
    assert two.ui.applyButton.enabled, two.ui.problemLabel.text


def test_dates_of_one_patients_studies_tell_the_time_points(two: Any) -> None:
    before, after = add_scans(named=False).values()
    patient = put_into_study([after.volume, after.mask], "20240611")
    put_into_study([before.volume, before.mask], "20240203", patient)
    two.enter()
    assert _chosen(two) == {"baseline_CT": before, "follow-up_CT": after}


def test_without_names_and_dates_nothing_is_guessed(two: Any) -> None:
    add_scans(named=False)
    two.enter()
    assert all(row.volume is None for row in _chosen(two).values())
    assert not two.ui.applyButton.enabled


def test_one_time_point_alone_is_not_enough(two: Any, slicer_gui: Any) -> None:
    add_scans()
    two.enter()
    row = two.patient.rows["follow-up_CT"].ui
    row.volumeSelector.setCurrentNode(None)
    row.maskSelector.setCurrentNode(None)
    slicer_gui.wait_until(lambda: not two.ui.problemLabel.isHidden())
    assert not two.ui.applyButton.enabled
    two.ui.mapsOnlyCheckBox.checked = True
    assert two.ui.applyButton.enabled, "maps of one are better than none"


@pytest.mark.usefixtures("commands_here")
def test_score_maps_and_changes_of_both(
    two: Any, slicer_gui: Any, tmp_path: Path, screenshot: Callable[[Any, Path], None]
) -> None:
    ui = two.ui
    inputs = add_scans(named=False)
    before, after = inputs.values()
    patient = put_into_study([before.volume, before.mask], "20240203")
    put_into_study([after.volume, after.mask], "20240611", patient)
    with module_panel(slicer_gui, two) as area:
        two.enter()
        run_to_the_end(slicer_gui, two)
        assert ui.statusLabel.text == "Done."
        results = two.patient._parameters.results()
        model, case = load_model(ui.modelSelector.currentData), two.patient.case("case")
        assert results.score["score"] == score_case(case, model).score
        assert set(results.entropy) == set(inputs)
        offered = [ui.shownSequenceSelector.itemText(index) for index in range(ui.shownSequenceSelector.count)]
        assert offered == ["CT, baseline", "CT, follow-up"]
        ui.shownSequenceSelector.setCurrentIndex(1)
        composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
        assert composite.GetBackgroundVolumeID() == after.volume.GetID()
        # A click on the bar of a change shows the later time point.
        ui.shownSequenceSelector.setCurrentIndex(0)
        names = [row["name"] for row in results.score["contributions"]]
        two.patient.score.click_bar(names.index("delta_CT_whole_original_shape_VoxelVolume"))
        assert ui.shownSequenceSelector.currentText == "CT, follow-up"
        # Volumes in numbers, as nodes and as a picture.
        changes = results.content["changes"]
        rows = results.content["maps"]["sequences"]
        for moment, column in (("baseline", "baseline_ml"), ("follow-up", "followup_ml")):
            there = {row["name"]: row["volume_ml"] for row in rows[f"{moment}_CT"]["habitats"]}
            assert {row["habitat"]: row[column] for row in changes if row["habitat"] in there} == there
        table = results.change_table.GetTable()
        assert [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())] == [
            "Sequence", "Habitat", "Row", "Baseline [ml]", "Follow-up [ml]", "Change [ml]", "Change [%]", "Scale",
        ]  # fmt: skip
        assert table.GetNumberOfRows() == len(changes)
        assert table.GetValueByName(len(changes) - 1, "Change [ml]").ToDouble() == changes[-1]["change_ml"]
        assert results.change_chart.GetNumberOfPlotSeriesNodes() == 2
        assert "Change of habitat volumes" in ui.changesLabel.text
        assert {row["scale"] for row in changes} == {"baseline"}
        assert SCALE_IN_WORDS["baseline"] in ui.changesLabel.text
        assert len(ui.timelinePictures.findChildren("QLabel")) == 1
        assert not ui.timelinePictures.isHidden()
        assert ui.anotherTimepointButton.isHidden(), "the model has seen both"
        ui.showChangesButton.click()
        # Beside their own input.
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)

        def study_of(node: Any) -> int:
            return hierarchy.GetItemAncestorAtLevel(hierarchy.GetItemByDataNode(node), "Study")

        for key, chosen in inputs.items():
            for node in (results.entropy[key], results.habitats[key]):
                assert study_of(node) == study_of(chosen.volume) != 0
        assert study_of(results.document) == study_of(before.volume)
        slicer_gui.process_events()
        assert not area.horizontalScrollBar().visible
        screenshot(two.parent, tmp_path / "two.png")
        # Saved and loaded, all of it is back.
        assert slicer.util.saveScene(str(tmp_path / "scene.mrb"))
        slicer.mrmlScene.Clear(False)
        slicer_gui.process_events()
        assert ui.changesLabel.isHidden() or ui.scoreSection.isHidden()
        slicer.util.loadScene(str(tmp_path / "scene.mrb"))
        slicer_gui.process_events()
        again = two.patient._parameters.results()
        assert again.content["changes"] == changes
        assert again.change_chart is not None
        assert not ui.changesLabel.isHidden()
        assert len(ui.timelinePictures.findChildren("QLabel")) >= 1


def test_the_panel_says_of_the_scale_what_pictures_say() -> None:
    from HabitatRadiomicsLib.panel.timeline_view import changes_table, scale_text

    assert {scale: scale_text(scale) for scale in SCALE_IN_WORDS} == SCALE_IN_WORDS
    row = {"sequence": "CT", "habitat": "S1", "baseline_ml": 1.0, "followup_ml": 2.0, "change_percent": 100.0}
    # Of a scene from before there was a choice.
    assert SCALE_IN_WORDS["own"] in changes_table([row])
    assert SCALE_IN_WORDS["own"] not in changes_table([{**row, "scale": "baseline"}])


@pytest.mark.usefixtures("commands_here")
def test_maps_alone_need_the_models_habitats(two: Any, slicer_gui: Any) -> None:
    add_scans()
    two.enter()
    two.ui.mapsOnlyCheckBox.checked = True
    run_to_the_end(slicer_gui, two)
    # This model has no habitats of a population: there is nothing to split the lesions by.
    assert "The model has no habitats of" in two.ui.statusLabel.text


def test_a_patient_of_two_time_points_is_added_to_a_cohort(two: Any, tmp_path: Path) -> None:
    add_scans()
    two.enter()
    ui = two.ui
    ui.imagesPathEdit.currentPath = str(tmp_path / "images.csv")
    ui.caseIdEdit.text = "P1"
    ui.addPatientButton.click()
    assert "P1 was added" in ui.addPatientLabel.text, ui.addPatientLabel.text
    cohort = load_cohort(tmp_path / "images.csv", timepoints=("baseline", "follow-up"))
    (case,) = cohort.cases
    assert set(case.read(("baseline_CT", "follow-up_CT")).sequences) == {"baseline_CT", "follow-up_CT"}
    ui.caseIdEdit.text = "P1"
    ui.addPatientButton.click()
    assert "is already in the table" in ui.addPatientLabel.text


@pytest.mark.usefixtures("commands_here")
def test_score_of_another_time_point_makes_a_timeline(
    habitat_widget: Any, slicer_gui: Any, tmp_path: Path, screenshot: Callable[[Any, Path], None]
) -> None:
    widget, ui = habitat_widget, habitat_widget.ui
    _choose(slicer_gui, widget, _single(), tmp_path)
    before, after = add_scans(named=False).values()
    row = widget.patient.rows["CT"]
    row.show(after)
    widget.patient._inputs_changed()
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    run_to_the_end(slicer_gui, widget)
    assert ui.timelinePictures.isHidden(), "there is one time point"
    assert not ui.anotherTimepointButton.isHidden()
    first = widget.patient._parameters.results()
    with module_panel(slicer_gui, widget):
        ui.anotherTimepointButton.click()
        assert row.chosen == before, "what is not yet scored"
        run_to_the_end(slicer_gui, widget)
        assert ui.statusLabel.text == "Done."
        second = widget.patient._parameters.results()
        assert second.score["score"] != first.score["score"]
        assert not ui.timelinePictures.isHidden()
        from HabitatRadiomicsLib.scene.time_line import scored_moments

        told = scored_moments(slicer.mrmlScene, second)
        assert [moment.label for moment in told] == ["CT series 8", "CT series 7"], "in the order of scoring"
        scores = [moment.content["score"]["score"] for moment in told]
        assert scores == [first.score["score"], second.score["score"]]
        # Scored once more, the same images are no third time point.
        run_to_the_end(slicer_gui, widget)
        third = widget.patient._parameters.results()
        assert len(scored_moments(slicer.mrmlScene, third)) == 1, "nobody said that it is the same patient"
        # Dates, where they are known, count.
        patient = put_into_study([before.volume, before.mask], "20240203")
        put_into_study([after.volume, after.mask], "20240611", patient)
        told = scored_moments(slicer.mrmlScene, third)
        assert [moment.label for moment in told] == ["2024-02-03", "2024-06-11"]
        assert [json.dumps(moment.content["score"]["score"]) for moment in told] == [
            json.dumps(third.score["score"]), json.dumps(first.score["score"]),
        ]  # fmt: skip
        widget.loadParameters()
        slicer_gui.process_events()
        screenshot(widget.parent, tmp_path / "timeline.png")
        slicer.mrmlScene.RemoveNode(after.volume)
        assert len(scored_moments(slicer.mrmlScene, third)) == 1


@pytest.mark.usefixtures("commands_here")
def test_another_patients_score_is_no_other_time_point(habitat_widget: Any, slicer_gui: Any, tmp_path: Path) -> None:
    _choose(slicer_gui, habitat_widget, _single(), tmp_path)
    scores = []
    for number, date in ((1, "20240101"), (2, "20240201")):
        chosen = add_scans(named=False, patient=number)["baseline_CT"]
        put_into_study([chosen.volume, chosen.mask], date)
        habitat_widget.patient.rows["CT"].show(chosen)
        habitat_widget.patient._inputs_changed()
        slicer_gui.wait_until(lambda: habitat_widget.ui.applyButton.enabled)
        run_to_the_end(slicer_gui, habitat_widget)
        scores.append(habitat_widget.patient._parameters.results().score["score"])
    assert np.ptp(scores) > 0
    assert habitat_widget.ui.timelinePictures.isHidden()
