"""Forest plot of odds ratios and corrected calibration: what is drawn is what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.figures.drawing import MAIN, POSITIVE
from HabitatRadiomicsLib.reporting.figures.forest_plots import odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.performance_figures import corrected_calibration_figure

from .made_up_study import FIGURES


def test_calibration_curves_and_cases_lie_where_they_were_given() -> None:
    x, apparent, corrected = [0.1, 0.5, 0.9], [0.05, 0.5, 1.02], [0.2, 0.5, 0.8]
    figure = corrected_calibration_figure(
        x, apparent, corrected, risks=[0.1, 0.3, 0.3], samples=12, mean_absolute_error=0.05, hosmer_lemeshow_p=0.004
    )
    axis = figure.axes[0]
    lines = {line.get_label(): line.get_xydata() for line in axis.lines}
    assert lines["ideal"].tolist() == [[0, 0], [1, 1]]
    assert lines["apparent"].tolist() == np.column_stack([x, apparent]).tolist()
    assert lines["bias-corrected\n(12 bootstrap samples)"].tolist() == np.column_stack([x, corrected]).tolist()
    assert lines["cases (n = 3)"][:, 0].tolist() == [0.1, 0.3, 0.3]
    assert axis.texts[0].get_text() == "Mean absolute error 0.050\nHosmer-Lemeshow p = 0.004"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"predicted": [0.1, 0.9, 0.5]}, "must ascend"),
        ({"predicted": [0.1, 0.5, 1.5]}, "do not lie between 0 and 1"),
        ({"apparent": [0.1, 0.5]}, "needs 3 numbers"),
        ({"corrected": [0.1, np.nan, 0.5]}, "missing or infinite"),
        ({"risks": []}, "a row of numbers"),
        ({"mean_absolute_error": np.nan}, "missing or infinite"),
        ({"hosmer_lemeshow_p": 1.5}, "do not lie between"),
    ],
)
def test_a_calibration_that_is_none_is_refused(changes: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "predicted": [0.1, 0.5, 0.9], "apparent": [0.1, 0.5, 0.9], "corrected": [0.1, 0.5, 0.9],
        "risks": [0.5], "samples": 10, "mean_absolute_error": 0.0,
    } | changes  # fmt: skip
    with pytest.raises(EvaluationError, match=message):
        corrected_calibration_figure(**given)


def test_odds_ratios_lie_where_they_were_given() -> None:
    figure = odds_ratio_figure({"final": {"a": ((2.0, 0.5, 8.0), 0.3), "b": ((0.2, 0.1, 0.4), 0.001)}})
    axis = figure.axes[0]
    assert axis.get_xscale() == "log"
    bars = [line for line in axis.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    assert [line.get_xdata().tolist() for line in bars] == [[0.5, 8], [0.1, 0.4]]
    assert [line.get_color() for line in bars] == [MAIN, POSITIVE]  # the significant one in red
    squares = [line.get_xydata().tolist() for line in axis.lines if line.get_marker() == "s"]
    assert squares == [[[2, 1]], [[0.2, 2]]]
    assert [text.get_text() for text in axis.texts] == [
        "2.00 (0.50 to 8.00), p = 0.30",
        "0.20 (0.10 to 0.40), p = 0.001",
    ]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["final", "a", "b"]
    low, high = axis.get_xlim()
    assert low < 0.1
    assert high > 8


def test_an_interval_beyond_the_figure_has_an_arrow() -> None:
    axis = FIGURES["odds_ratios"]().axes[0]
    assert any(line.get_marker() == ">" and line.get_xdata()[0] == 1000 for line in axis.lines)
    assert any("2.2e+04" in text.get_text() for text in axis.texts)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (((0.0, 0.0, 1.0), 0.5), "not above 0"),
        (((1.0, 2.0, 0.5), 0.5), "lies above its upper end"),
        (((1.0, 0.5, np.inf), 0.5), "missing or infinite"),
        (((1.0, 0.5, 2.0), 1.5), "do not lie between 0 and 1"),
    ],
)
def test_an_odds_ratio_that_is_none_is_refused(row: Any, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        odds_ratio_figure({"final": {"a": row}})


def test_no_term_has_no_figure() -> None:
    with pytest.raises(EvaluationError, match="no term"):
        odds_ratio_figure({"final": {}})
