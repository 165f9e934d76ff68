"""Waterfall, SHAP, heatmaps, selection frequencies, comparison, permutation and flow."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import pdist

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.reporting.figures.cohort_figures import study_flow_figure, waterfall_figure
from HabitatRadiomicsLib.reporting.figures.drawing import MAIN, NEUTRAL, png_bytes
from HabitatRadiomicsLib.reporting.figures.feature_figures import (
    beeswarm_figure,
    selection_frequency_figure,
    shap_bar_figure,
    swarm_offsets,
)
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap
from HabitatRadiomicsLib.reporting.figures.performance_figures import optimism_figure, permutation_figure

from .made_up_study import FIGURES, MANY_NAMES, NAMES, outcome_and_scores, shap_numbers, table


def _hex(colour: object) -> str:
    from matplotlib.colors import to_hex

    return to_hex(colour).upper()


def test_waterfall_sorts_and_colours_by_outcome() -> None:
    figure = waterfall_figure([1.0, 3.0, 2.0, 2.0], np.array([0, 1, 0, 1]), cut_off=1.5, event="relapse")
    bars = sorted(figure.axes[0].patches, key=lambda bar: bar.get_x())
    assert [bar.get_height() for bar in bars] == [1.5, 0.5, 0.5, -0.5]
    assert [_hex(bar.get_facecolor()) for bar in bars] == [UP_COLOUR, UP_COLOUR, DOWN_COLOUR, DOWN_COLOUR]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == [
        "with relapse:\n2 of 2 at or above the cut-off",
        "without relapse:\n1 of 2 at or above the cut-off",
    ]
    assert figure.axes[0].get_ylabel() == "Score minus cut-off (1.5)"


def test_waterfall_does_not_depend_on_the_order_of_the_cases() -> None:
    outcome, scores = outcome_and_scores()
    order = np.random.default_rng(3).permutation(len(scores))
    first = waterfall_figure(np.round(scores, 1), outcome, cut_off=0.5)
    second = waterfall_figure(np.round(scores, 1)[order], outcome[order], cut_off=0.5)
    assert png_bytes(first) == png_bytes(second)


def test_a_score_at_the_cut_off_is_seen_and_positive() -> None:
    figure = waterfall_figure([2.0, 1.0, 0.0], np.array([1, 0, 0]), cut_off=1.0)
    assert [point for line in figure.axes[0].lines[:2] for point in line.get_xydata().tolist()] == [[1.0, 0.0]]
    assert "without outcome:\n1 of 2 at or above" in figure.legends[0].get_texts()[1].get_text()


def test_shap_bars_are_mean_absolute_values_and_sum_to_all() -> None:
    values, _ = shap_numbers(40)
    figure = shap_bar_figure(values, MANY_NAMES, most=12)
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    expected = np.sort(np.abs(values).mean(axis=0))[::-1]
    assert widths[:12] == pytest.approx(expected[:12].tolist())
    assert sum(widths) == pytest.approx(expected.sum())
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    largest = int(np.abs(values).mean(axis=0).argmax())
    assert labels[0].endswith(f"Autocorrelation{largest}")
    assert labels[-1] == "sum of the 28 other features"


def test_one_feature_without_influence() -> None:
    png_bytes(shap_bar_figure(np.zeros((3, 1)), NAMES[:1]))
    png_bytes(beeswarm_figure(np.zeros((3, 1)), np.ones((3, 1)), NAMES[:1]))


def test_bees_sit_at_their_shap_values_in_rows_by_importance() -> None:
    shap_values, values = shap_numbers(6)
    figure = beeswarm_figure(shap_values, values, NAMES[:6])
    order = np.argsort(-np.abs(shap_values).mean(axis=0))
    clouds = figure.axes[0].collections
    assert len(clouds) == 6
    for row, (cloud, column) in enumerate(zip(clouds, order)):
        places = cloud.get_offsets()
        np.testing.assert_array_equal(places[:, 0], shap_values[:, column])
        assert np.abs(places[:, 1] - row).max() <= 0.4 + 1e-9
        # Colours rank the cases as the feature does.
        shares = np.asarray(cloud.get_array())
        assert (np.diff(shares[np.argsort(values[:, column])]) >= 0).all()
        assert shares.min() == 0
        assert shares.max() == 1


def test_swarm_depends_on_no_order_and_hides_nobody() -> None:
    random = np.random.default_rng(6)
    values = np.round(random.normal(size=300), 1)
    offsets = swarm_offsets(values, (values.min(), values.max()))
    assert len(set(zip(values.tolist(), offsets.tolist()))) == 300
    assert np.abs(offsets).max() <= 0.4 + 1e-9
    tie = random.normal(size=300)
    order = random.permutation(300)
    span = (values.min(), values.max())
    turned = swarm_offsets(values[order], span, tie=tie[order])
    np.testing.assert_array_equal(turned, swarm_offsets(values, span, tie=tie)[order])


def test_correlations_are_absolute_and_named() -> None:
    given = np.corrcoef(table(8).T)
    figure = correlation_heatmap(given, NAMES, coefficient="Spearman")
    axis, bar = figure.axes
    np.testing.assert_allclose(axis.collections[0].get_array().reshape(8, 8), np.abs(given))
    assert [text.get_text() for text in axis.texts] == [f"{value:.2f}" for value in np.abs(given).ravel()]
    assert [label.get_text() for label in axis.get_xticklabels()] == [f"[{number}]" for number in range(1, 9)]
    assert axis.get_yticklabels()[0].get_text() == "T2FS S2, wavelet-LLH\nglcm MCC  [1]"
    assert bar.get_ylabel() == "|r| (Spearman)"
    png_bytes(correlation_heatmap(np.ones((1, 1)), NAMES[:1]))


def test_clusters_rearrange_all_values_and_keep_names_and_outcomes_with_them() -> None:
    values, (outcome, _) = table(8), outcome_and_scores()
    figure = clustered_heatmap(values, outcome, NAMES)
    bar, heat = (axis for axis in figure.axes if axis.collections and axis.collections[0].get_array() is not None
                 if axis.get_label() != "<colorbar>")  # fmt: skip
    drawn = np.asarray(heat.collections[0].get_array()).reshape(8, -1)
    rows = [int(np.flatnonzero(np.isclose(np.sort(values, axis=0), np.sort(row)[:, None]).all(axis=0))[0])
            for row in drawn]  # fmt: skip
    columns = [int(np.abs(values[:, rows] - column).sum(axis=1).argmin()) for column in drawn.T]
    np.testing.assert_allclose(drawn, values[columns][:, rows].T)
    assert sorted(columns) == list(range(len(values)))
    assert np.asarray(bar.collections[0].get_array()).ravel().tolist() == outcome[columns].tolist()
    labels = [label.get_text().split()[-1] for label in heat.get_yticklabels()]
    assert labels == [NAMES[row].split("_")[-1].split()[-1] for row in rows]


def test_trees_join_neighbours_at_their_ward_distance() -> None:
    values, (outcome, _) = table(8), outcome_and_scores()
    figure = clustered_heatmap(values, outcome, NAMES)
    trees = [axis.collections[0] for axis in figure.axes if type(axis.collections[:1] and axis.collections[0]).__name__
             == "LineCollection"]  # fmt: skip
    for tree, rows, along in ((trees[0], values, 1), (trees[1], values.T, 0)):
        heights = sorted(segment[:, along].max() for segment in tree.get_segments())
        joined = linkage(rows, "ward")
        np.testing.assert_allclose(heights, np.sort(joined[:, 2]))
        np.testing.assert_allclose(max(heights), cophenet(joined, pdist(rows))[1].max())


def test_clusters_of_one_feature_and_of_equal_cases() -> None:
    png_bytes(clustered_heatmap(np.array([[1.0], [2.0]]), np.array([0, 1]), NAMES[:1]))
    png_bytes(clustered_heatmap(np.zeros((4, 2)), np.array([0, 1, 0, 1]), NAMES[:2]))


def test_frequencies_show_the_model_first_and_all_of_it() -> None:
    figure = selection_frequency_figure(
        ["a", "b", "c", "d"], in_model=[False, True, False, True],
        folds=[1.0, 0.5, 0.2, 0.4], bootstraps=[0.9, 0.3, 0.2, 0.6], most=3,
    )  # fmt: skip
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["d", "b", "a"]
    assert [bar.get_width() for bar in axis.patches] == [0.6, 0.3, 0.9, 0.4, 0.5, 1.0]
    assert [_hex(bar.get_facecolor()) for bar in axis.patches[:3]] == [MAIN, MAIN, NEUTRAL]
    assert axis.get_title() == "3 of 4 features"
    everything = selection_frequency_figure(["a", "b"], in_model=[True, True], folds=[1, 1], bootstraps=[1, 1], most=1)
    assert len(everything.axes[0].patches) == 4
    assert len(everything.legends[0].get_texts()) == 2


def test_comparison_shows_each_candidate_with_its_interval() -> None:
    figure = comparison_figure(
        {"single": {"T1W": (0.6, 0.4, 0.8)}, "none": {}, "fused": {"all": (0.7, 0.72, 0.9)}}, chosen="all"
    )
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["single", "T1W", "fused", "all"]
    assert axis.lines[0].get_xydata().tolist() == [[0.4, 1], [0.8, 1]]
    assert axis.lines[1].get_xydata().tolist() == [[0.6, 1]]
    assert axis.lines[2].get_xydata().tolist() == [[0.72, 3], [0.9, 3]]
    assert [text.get_text() for text in axis.texts] == ["0.60 (0.40 to 0.80)", "0.70 (0.72 to 0.90)"]
    assert (axis.lines[1].get_marker(), axis.lines[3].get_marker()) == ("s", "D")
    assert axis.get_xlabel() == "AUC with 95% interval (dotted: chance)"
    assert axis.get_xlim()[0] < 0.4


def test_permutations_are_all_counted() -> None:
    null = np.random.default_rng(1).normal(0.5, 0.1, 200)
    figure = permutation_figure(null, observed=0.71, p=0.02)
    axis = figure.axes[0]
    assert sum(bar.get_height() for bar in axis.patches) == 200
    assert [line.get_xdata()[0] for line in axis.lines] == [null.mean(), 0.71]
    assert figure.legends[0].get_texts()[-1].get_text() == "observed: 0.71\np = 0.020"
    png_bytes(permutation_figure([0.5, 0.5], observed=0.5, p=1.0))


def test_optimism_is_taken_from_the_apparent_performance() -> None:
    figure = optimism_figure([0.1, 0.2], apparent=0.9)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "mean optimism: 0.150" in texts
    assert "apparent AUC: 0.900\ncorrected AUC: 0.750" in texts


def test_flow_tells_every_number_and_no_box_meets_another() -> None:
    figure = FIGURES["flow"]()
    axis = figure.axes[0]
    texts = [text.get_text() for text in axis.texts if text.get_text()]
    assert texts[0] == "Cases in the table\nn = 55"
    assert "Analysed\nn = 42" in texts
    assert {"With lung metastases\nn = 14", "Without lung metastases\nn = 28"} <= set(texts)
    excluded = next(text for text in texts if text.startswith("Excluded (n = 13)"))
    assert "– no outcome recorded (n = 6)" in excluded
    png_bytes(figure)
    boxes = [box.get_window_extent() for box in axis.patches]
    boxes = boxes[:5] if len(boxes) > 5 else boxes
    assert len(boxes) == 5
    assert not any(one.overlaps(two) for index, one in enumerate(boxes) for two in boxes[index + 1 :])
    shown = [text.get_window_extent() for text in axis.texts if text.get_text()]
    for extent in shown:
        assert any(
            box.x0 <= extent.x0 and extent.x1 <= box.x1 and box.y0 <= extent.y0 and extent.y1 <= box.y1 for box in boxes
        )


def test_flow_of_a_study_that_excludes_nobody_or_for_many_reasons() -> None:
    png_bytes(study_flow_figure(4, {}, events=0, non_events=4))
    reasons = {f"{number}: {'a very long reason ' * 9}": 1 for number in range(8)}
    figure = study_flow_figure(12, reasons, events=2, non_events=2)
    png_bytes(figure)
    height = figure.bbox.height
    for text in figure.axes[0].texts:
        if text.get_text():
            assert 0 <= text.get_window_extent().y0 < text.get_window_extent().y1 <= height
