"""ROC, precision-recall, decision, calibration and learning curves: what is drawn is what was given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.reporting.figures.performance_figures import (
    PrecisionRecallLine,
    RocLine,
    decision_curve_figure,
    learning_curve_figure,
    precision_recall_figure,
    roc_figure,
)

from .made_up_study import CASES, FIGURES, outcome_and_scores, precision_recall_line, roc_line


def _legend(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_roc_lines_have_the_given_corners() -> None:
    line = roc_line(1.5, 3)
    figure = roc_figure({"fused": line}, band=([0, 0.5, 1], [0.9, 0.5, 0.1], [1, 1, 0.4]))
    drawn, chance = figure.axes[0].lines
    np.testing.assert_array_equal(drawn.get_xdata(), 1 - np.asarray(line["specificity"]))
    np.testing.assert_array_equal(drawn.get_ydata(), line["sensitivity"])
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]
    # The area under the drawn line is the AUC that the legend tells.
    area = np.trapezoid(drawn.get_ydata(), drawn.get_xdata())
    assert area == pytest.approx(line["auc"][0])
    assert f"AUC {area:.2f} (" in _legend(figure)[0]
    assert "95% confidence band" in _legend(figure)
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    for corner in ([1, 0.9], [0.5, 0.5], [0, 0.4], [1, 1]):
        assert (np.abs(band - corner).sum(axis=1) < 1e-12).any()


def test_roc_points_may_come_in_either_order_and_fall_by_rounding() -> None:
    line = roc_line(1.5, 3)
    turned: RocLine = {
        "specificity": np.asarray(line["specificity"])[::-1],
        "sensitivity": np.asarray(line["sensitivity"])[::-1],
        "auc": line["auc"],
    }
    first, second = (roc_figure({"a": points}).axes[0].lines[0].get_xydata() for points in (line, turned))
    np.testing.assert_array_equal(first, second)
    roc_figure({"a": {"specificity": [1, 0.5, 0], "sensitivity": [0.5, 0.5 - 1e-16, 1], "auc": (0.5, 0, 1)}})


def test_roc_of_ties_only_is_the_line_of_chance() -> None:
    figure = roc_figure({"constant": {"specificity": [1, 0], "sensitivity": [0, 1], "auc": (0.5, 0.5, 0.5)}})
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0, 0], [1, 1]]


def test_twelve_curves_all_differ() -> None:
    figure = roc_figure({f"model {number}": roc_line(1, number) for number in range(12)})
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines[:12]}
    assert len(looks) == 12


def test_operating_point_lies_where_it_was_given() -> None:
    figure = roc_figure({"a": roc_line(1, 1)}, operating_point=(0.8, 0.7))
    assert figure.axes[0].lines[1].get_xydata() == pytest.approx(np.array([[0.2, 0.7]]))
    assert any("sensitivity 0.70,\nspecificity 0.80" in text for text in _legend(figure))


@pytest.mark.parametrize("turn", [1, -1])
def test_steps_of_the_precision_recall_curve_have_the_average_precision(turn: int) -> None:
    line = precision_recall_line(1.2, 5)
    given: PrecisionRecallLine = {
        "recall": np.asarray(line["recall"])[::turn],
        "precision": np.asarray(line["precision"])[::turn],
        "average_precision": line["average_precision"],
    }
    figure = precision_recall_figure({"fused": given}, prevalence=0.25)
    drawn, chance = figure.axes[0].lines
    steps = drawn.get_path().vertices  # along the steps, as they are drawn
    corners = drawn.get_xydata()
    assert drawn.get_drawstyle() == "steps-post"
    assert -(np.diff(corners[:, 0]) * corners[:-1, 1]).sum() == pytest.approx(line["average_precision"])
    assert steps[-1, 0] == 0
    assert set(chance.get_ydata()) == {0.25}
    assert f"average precision {line['average_precision']:.2f}" in _legend(figure)[0]


def test_decision_curves_show_models_all_and_none() -> None:
    thresholds, benefit, everybody = [0.1, 0.2, 0.3], [0.3, 0.2, 0.1], [0.3, 0.1, -9.0]
    figure = decision_curve_figure(thresholds, {"fused": benefit}, everybody)
    model, treat_all, treat_none = figure.axes[0].lines
    for line, y in ((model, benefit), (treat_all, everybody), (treat_none, [0, 0, 0])):
        assert line.get_xdata().tolist() == thresholds
        assert line.get_ydata().tolist() == y
    low, high = figure.axes[0].get_ylim()
    assert -0.2 < low < 0  # what treating all loses does not crush the rest
    assert high > 0.3
    assert _legend(figure) == ["fused", "treat all", "treat none"]


def test_calibration_shows_groups_intervals_risks_and_measures() -> None:
    outcome, scores = outcome_and_scores()
    risks = 1 / (1 + np.exp(-scores))
    figure = FIGURES["calibration"]()
    upper, lower = figure.axes
    points = upper.lines[-1].get_xydata()
    assert points.tolist() == [[0.2, 0.1], [0.42, 0.3], [0.63, 0.36], [0.88, 0.7]]
    bars = [segment[:, 1].tolist() for segment in upper.collections[0].get_segments()]
    assert bars == [[0.02, 0.4], [0.11, 0.6], [0.15, 0.65], [0.4, 0.89]]
    heights = np.array([bar.get_height() for bar in lower.patches])
    assert heights[heights > 0].sum() == outcome.sum()
    assert -heights[heights < 0].sum() == CASES - outcome.sum()
    expected, _ = np.histogram(risks[outcome == 1], np.linspace(0, 1, 21))
    assert heights[:20].tolist() == expected.tolist()
    for text in ("Slope 0.81 (0.40 to 1.22)", "Intercept −0.60 (−1.30 to 0.10)", "Brier score 0.187"):
        assert text in upper.texts[0].get_text()
    assert lower.patches[0].get_facecolor()[:3] == pytest.approx(_rgb(UP_COLOUR))
    assert lower.patches[20].get_facecolor()[:3] == pytest.approx(_rgb(DOWN_COLOUR))


def test_learning_curve_tells_the_optimism() -> None:
    training = ([0.99, 0.95], [0.9, 0.9], [1.0, 1.0])
    unseen = ([0.6, 0.7], [0.2, 0.6], [0.7, 0.8])
    figure = learning_curve_figure([20, 40], training, unseen)
    axis = figure.axes[0]
    assert axis.lines[0].get_xydata().tolist() == [[20, 0.99], [40, 0.95]]
    assert axis.lines[1].get_xydata().tolist() == [[20, 0.6], [40, 0.7]]
    assert axis.get_ylim()[0] <= 0.2
    assert "optimism at the end: 0.25" in _legend(figure)
    learning_curve_figure([20], ([0.9], [0.9], [0.9]), ([0.5], [0.4], [0.6]))


def _rgb(colour: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)
