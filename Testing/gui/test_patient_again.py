"""Apply once more, and results where there is neither window nor layout manager."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import add_patient, lesion_of, run_to_the_end, scored_by_the_library, show_results_of

pytest.importorskip("radiomics")


@pytest.mark.usefixtures("commands_here")
def test_second_apply_makes_new_nodes_and_keeps_the_old_ones(
    slicer_gui: Any, habitat_widget: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inputs = add_patient(habitat_widget)
    show_results_of(habitat_widget, inputs, scored_by_the_library(tmp_path_factory))
    parameters, ui = habitat_widget.patient._parameters, habitat_widget.ui
    first = parameters.results()
    kept = {node.GetID() for node in first.nodes()}
    voxels = slicer.util.arrayFromVolume(first.entropy["T1W"]).copy()
    other = habitat_widget.patient.rows["T2FS"].ui
    other.volumeSelector.setCurrentNode(None)
    other.maskSelector.setCurrentNode(None)
    slicer_gui.wait_until(lambda: not ui.problemLabel.isHidden())
    assert not ui.applyButton.enabled, "the score needs both sequences"
    ui.mapsOnlyCheckBox.click()
    assert ui.applyButton.enabled, "maps need only what is chosen"
    run_to_the_end(slicer_gui, habitat_widget)
    assert ui.statusLabel.text == "Done."
    second = parameters.results()
    assert second.score is None
    assert list(second.entropy) == ["T1W"]
    assert {node.GetID() for node in second.nodes()}.isdisjoint(kept)
    assert all(slicer.mrmlScene.GetNodeByID(identifier) is not None for identifier in kept)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(first.entropy["T1W"]), voxels)
    # The model's frozen habitats, with or without a score.
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(second.entropy["T1W"]), voxels)
    assert [row["voxels"] for row in second.content["maps"]["sequences"]["T1W"]["habitats"]] == [
        row["voxels"] for row in first.score["habitats"]["T1W"]
    ]
    assert sum(row["voxels"] for row in first.score["habitats"]["T1W"]) == int(lesion_of(inputs["T1W"]).sum())
    assert ui.scoreSection.isHidden(), "there is nothing to say in it"
    names = [node.GetName() for node in (first.entropy["T1W"], second.entropy["T1W"])]
    assert len(set(names)) == 2


def test_without_window_or_layout_manager_the_panel_still_shows_results(
    slicer_gui: Any, habitat_widget: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    slicer_gui.application.show_main_window(False)
    show_results_of(habitat_widget, add_patient(habitat_widget), scored_by_the_library(tmp_path_factory))
    actions: list[Callable[[], None]] = [
        habitat_widget.ui.showPlotButton.click,
        habitat_widget.ui.previousViewButton.click,
        lambda: habitat_widget.patient.score.click_bar(0),
    ]
    for action in actions:
        action()
    assert not habitat_widget.ui.featureLabel.isHidden()
