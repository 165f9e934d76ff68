"""The comparison table's row: each number from the function that is tested for it, averaged over repeats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import Estimate, auc_with_interval, mean_auc, performance_table_row
from HabitatRadiomicsLib.statistics.intervals import wilson
from HabitatRadiomicsLib.statistics.performance import classify
from HabitatRadiomicsLib.statistics.precision_recall import average_precision_with_interval


def _repeats() -> tuple[np.ndarray, np.ndarray]:
    outcome = np.repeat([0, 1], [25, 15])
    return outcome, np.random.default_rng(2).normal(outcome, 1.0, (3, 40))


def test_one_repeat_is_the_plain_auc() -> None:
    data = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8"))["roc"]
    outcome, scores = np.array(data["y"]), np.array(data["s1"])
    for shape in (scores, scores[None], np.tile(scores, (4, 1))):
        found = mean_auc(outcome, shape)
        np.testing.assert_allclose([found.low, found.auc, found.high], data["ci1"], rtol=1e-9)


def test_repeats_average_area_and_variance() -> None:
    outcome, scores = _repeats()
    each = [auc_with_interval(outcome, row) for row in scores]
    found = mean_auc(outcome, scores)
    assert found.auc == pytest.approx(np.mean([one.auc for one in each]))
    assert found.variance == pytest.approx(np.mean([one.variance for one in each]))
    assert found.high - found.auc == pytest.approx(1.959964 * found.variance**0.5, rel=1e-6)


def test_row_holds_what_the_single_functions_give() -> None:
    outcome, scores = _repeats()
    row = performance_table_row(outcome, scores, 0.5, count=100, seed=3)
    assert list(row) == ["auc", "sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "auprc"]
    calls = classify(outcome, scores, 0.5, count=100, seed=3)
    area = mean_auc(outcome, scores)
    assert row["auc"] == Estimate(area.auc, area.low, area.high)
    for name in ("sensitivity", "specificity", "accuracy", "ppv", "npv", "f1"):
        assert row[name] == calls[name]
    assert row["auprc"] == average_precision_with_interval(outcome, scores, count=100, seed=3)
    assert all(one.low <= one.value <= one.high for one in row.values())
    assert row["sensitivity"] == wilson(float((scores >= 0.5)[:, 25:].sum(axis=1).mean()), 15)


def test_row_of_equal_scores_and_of_perfect_ones() -> None:
    outcome, _ = _repeats()
    equal = performance_table_row(outcome, np.zeros((2, 40)), 0.5, count=20)
    assert equal["auc"].value == 0.5
    assert equal["auprc"].value == pytest.approx(15 / 40)
    assert (equal["sensitivity"].value, equal["specificity"].value) == (0, 1)
    perfect = performance_table_row(outcome, outcome * 1.0, 0.5, count=20)
    for name, one in perfect.items():
        assert one.value == pytest.approx(1), name
        assert one.low < 0.95, name


def test_a_cut_off_that_does_not_fit_is_refused() -> None:
    outcome, scores = _repeats()
    with pytest.raises(EvaluationError, match="do not fit"):
        performance_table_row(outcome, scores, np.zeros(7), count=2)
