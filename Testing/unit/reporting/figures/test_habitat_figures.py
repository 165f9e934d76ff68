"""The number of habitats, and what tells them apart."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.reporting.figures.cohort_figures import (
    HabitatValues,
    habitat_boxplots,
    habitat_count_figure,
)
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes

from .made_up_study import FIGURES, habitat_choice, habitat_values


def test_counts_mark_the_rejected_and_the_chosen() -> None:
    figure = FIGURES["habitat_count"]()
    calinski, silhouette = figure.axes[0], figure.axes[1]
    tried, rejected, chosen = calinski.lines
    assert tried.get_xydata().tolist() == [[2, 512.2], [3, 480.0], [4, 455.1], [5, 460.7], [6, 470.2]]
    assert rejected.get_xydata().tolist() == [[4, 455.1], [5, 460.7], [6, 470.2]]
    assert chosen.get_xydata().tolist() == [[2, 512.2]]
    assert silhouette.lines[2].get_xydata().tolist() == [[2, 0.47]]
    assert [axis.get_title() for axis in figure.axes] == ["T1W", "T1W", "T2FS", "T2FS"]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["tried", "rejected: a habitat is nearly empty in too many patients", "chosen"]


def test_a_single_count_without_rejection() -> None:
    figure = habitat_count_figure({"T1W": habitat_choice([50], [0.4], (), 2)})
    png_bytes(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["tried", "chosen"]


def test_boxes_and_pairs_are_the_given_values() -> None:
    values = habitat_values(2, 4)
    figure = habitat_boxplots({"T1W": values})
    for axis, key in zip(figure.axes, ("entropy", "intensity")):
        given = values[key]  # type: ignore[literal-required]
        pairs = [line.get_ydata() for line in axis.lines[: len(given)]]
        np.testing.assert_array_equal(pairs, given)
        medians = [line.get_ydata()[0] for line in axis.lines if line.get_linewidth() == 2]
        np.testing.assert_allclose(medians, np.median(given, axis=0))
    entropy, intensity = figure.axes
    assert [text.get_text() for text in entropy.texts] == ["p < 0.001"]
    assert [text.get_text() for text in intensity.texts] == ["p = 0.013"]
    assert [label.get_text() for label in entropy.get_xticklabels()] == ["S1", "S2"]
    assert entropy.get_ylabel() == "Mean local entropy (bits)"
    assert intensity.get_ylabel() == "Mean intensity (prepared image)"


@pytest.mark.parametrize("habitats", [2, 5])
def test_each_habitat_is_tested_against_the_next(habitats: int) -> None:
    figure = habitat_boxplots({"T1W": habitat_values(habitats, 1)})
    assert len(figure.axes[0].texts) == habitats - 1
    for axis in figure.axes:
        assert axis.get_ylim()[1] > max(line.get_ydata().max() for line in axis.lines)


def test_cases_that_are_all_alike() -> None:
    same: HabitatValues = {
        "entropy": np.ones((3, 2)), "intensity": np.zeros((3, 2)), "entropy_p": [1.0], "intensity_p": [1.0],
    }  # fmt: skip
    png_bytes(habitat_boxplots({"T1W": same}))
