"""Heat map of a search and bars of scouts: what is drawn is what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.drawing import FAINT, MAIN
from HabitatRadiomicsLib.reporting.figures.feature_figures import scout_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import search_heatmap

_AREAS = {("anova", "svm"): (0.71, 3), ("anova", "lda"): (0.64, 1), ("relief", "svm"): (0.8, 6)}


def test_each_combination_has_its_cell_and_the_chosen_one_a_frame() -> None:
    figure = search_heatmap(_AREAS, chosen=("relief", "svm"))
    axis = figure.axes[0]
    cells = axis.collections[0].get_array()
    assert np.ma.filled(np.ma.masked_invalid(cells), -1).tolist() == [[0.71, 0.64], [0.8, -1]]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["anova", "relief"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["svm", "lda"]
    texts = {text.get_position(): text.get_text() for text in axis.texts}
    assert texts == {
        (0.5, 0.5): "0.71\n3 features", (1.5, 0.5): "0.64\n1 feature", (0.5, 1.5): "0.80\n6 features"
    }  # fmt: skip
    (frame,) = axis.patches
    assert (round(frame.get_x()), round(frame.get_y())) == (0, 1)


@pytest.mark.parametrize(
    ("areas", "chosen", "message"),
    [
        ({}, None, "no combination"),
        (_AREAS, ("rfe", "svm"), "not one of those compared"),
        ({("anova", "svm"): (1.2, 3)}, None, "between 0 and 1"),
        ({("anova", "svm"): (np.nan, 3)}, None, "missing or infinite"),
    ],
)
def test_a_search_that_is_none_is_refused(areas: Any, chosen: Any, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        search_heatmap(areas, chosen=chosen)


def test_a_scout_has_a_bar_whose_colour_says_whether_it_passed() -> None:
    figure = scout_figure({"original": (0.6, 0.1, "a + b"), "square": (0.59, 0.2, "c + d")}, minimum=0.6)
    axis = figure.axes[0]
    bars = [bar for container in axis.containers for bar in getattr(container, "patches", [])]
    assert [(bar.get_width(), round(bar.get_y() + bar.get_height() / 2)) for bar in bars] == [(0.6, 0), (0.59, 1)]
    colours = [bar.get_facecolor()[:3] for bar in bars]
    assert colours == [to_rgb(MAIN), to_rgb(FAINT)]
    assert [text.get_text() for text in axis.texts] == ["0.60, a + b", "0.59, c + d"]
    assert [0.6, 0.6] in [list(line.get_xdata()) for line in axis.lines]


@pytest.mark.parametrize(
    ("scouts", "minimum", "message"),
    [
        ({}, 0.6, "no scout"),
        ({"original": (1.4, 0.1, "a")}, 0.6, "between 0 and 1"),
        ({"original": (0.7, np.nan, "a")}, 0.6, "missing or infinite"),
        ({"original": (0.7, -0.1, "a")}, 0.6, "between 0 and 1"),
        ({"original": (0.7, 0.1, "a")}, 60.0, "between 0 and 1"),
    ],
)
def test_scouts_that_are_none_are_refused(scouts: Any, minimum: float, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        scout_figure(scouts, minimum=minimum)
