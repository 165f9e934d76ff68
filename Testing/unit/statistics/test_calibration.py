"""Calibration against R's rms::val.prob and glm, and against closed forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import (
    brier_score,
    calibration_groups,
    hosmer_lemeshow_test,
    recalibration,
    smooth_calibration,
    spiegelhalter_test,
)
from HabitatRadiomicsLib.statistics.intervals import wilson


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    document = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8"))
    return {
        **document["logistic"],
        "y": np.array(document["roc"]["y"]),
        "s": np.column_stack([np.ones(60), document["roc"]["s1"], document["roc"]["s2"]]),
        "p2": np.array(document["logistic"]["p2"]),
    }


def test_recalibration_equals_val_prob_and_glm(reference: dict[str, Any]) -> None:
    found = recalibration(reference["y"], reference["p2"])
    assert found.slope.value == pytest.approx(reference["slope"], rel=1e-5)
    assert found.intercept.value == pytest.approx(reference["intercept"], rel=1e-5)
    assert found.in_the_large.value == pytest.approx(reference["citl"], rel=1e-8)
    # The probabilities are fitted ones with log odds of 0.3 + 0.7 times theirs: the way back is exact.
    assert found.slope.value == pytest.approx(1 / 0.7, rel=1e-9)
    assert found.intercept.value == pytest.approx(-0.3 / 0.7, rel=1e-9)


def test_two_probabilities_are_a_two_by_two_table() -> None:
    outcome = np.repeat([0, 1, 0, 1], [20, 5, 8, 12])
    probability = np.repeat([0.3, 0.6], [25, 20])
    low, high = np.log(0.3 / 0.7), np.log(0.6 / 0.4)
    found = recalibration(outcome, probability)
    slope = np.log(12 * 20 / (8 * 5)) / (high - low)
    reach = 1.959964 * np.sqrt(1 / 20 + 1 / 5 + 1 / 8 + 1 / 12) / (high - low)
    assert found.slope.value == pytest.approx(slope)
    assert (found.slope.low, found.slope.high) == pytest.approx((slope - reach, slope + reach), rel=1e-6)
    assert found.intercept.value == pytest.approx(np.log(5 / 20) - slope * low)
    # Shifted by the calibration-in-the-large, the probabilities add up to the events; its error is that of their sum.
    shifted = 1 / (1 + np.exp(-np.repeat([low, high], [25, 20]) - found.in_the_large.value))
    assert shifted.sum() == pytest.approx(17)
    reach = 1.959964 / np.sqrt((shifted * (1 - shifted)).sum())
    assert found.in_the_large.high - found.in_the_large.value == pytest.approx(reach, rel=1e-6)


def test_brier_and_spiegelhalter_equal_val_prob(reference: dict[str, Any]) -> None:
    assert brier_score(reference["y"], reference["p2"]).score == pytest.approx(reference["brier"], rel=1e-12)
    found = spiegelhalter_test(reference["y"], reference["p2"])
    assert found.statistic == pytest.approx(reference["spiegelhalter_z"], rel=1e-10)
    assert found.p == pytest.approx(0.2716658, abs=1e-6)  # 2 * pnorm(-1.0992344)
    assert found.degrees is None


def test_scaled_brier_of_known_forecasts() -> None:
    outcome = np.repeat([0, 1], [6, 2])
    assert brier_score(outcome, np.full(8, 0.25)).scaled == pytest.approx(0)
    assert brier_score(outcome, outcome.astype(float)).scaled == 1
    assert brier_score(outcome, 1.0 - outcome).score == 1


def test_hosmer_lemeshow_equals_r(reference: dict[str, Any]) -> None:
    fitted = 1 / (1 + np.exp(-reference["s"] @ reference["coef"]))
    found = hosmer_lemeshow_test(reference["y"], fitted)
    assert [found.statistic, found.degrees, found.p] == pytest.approx(reference["hl"], rel=1e-8)
    held_out = hosmer_lemeshow_test(reference["y"], fitted, held_out=True)
    assert held_out.statistic == found.statistic
    assert held_out.degrees == 10
    assert held_out.p > found.p


def test_hosmer_lemeshow_with_ties_uses_the_groups_there_are() -> None:
    outcome = np.tile([0, 1, 1, 0, 1], 8)
    probability = np.repeat([0.2, 0.4, 0.6, 0.8], 10)
    found = hosmer_lemeshow_test(outcome, probability)
    assert found.degrees == 2
    expected = sum((6 - 10 * p) ** 2 / (10 * p * (1 - p)) for p in (0.2, 0.4, 0.6, 0.8))
    assert found.statistic == pytest.approx(expected)
    assert found.p == pytest.approx(np.exp(-expected / 2))  # chi-square with two degrees of freedom


def test_probabilities_without_log_odds_are_refused() -> None:
    with pytest.raises(EvaluationError, match="2 of 4 probabilities are exactly 0 or 1"):
        recalibration(np.array([0, 1, 0, 1]), np.array([0.0, 1.0, 0.3, 0.2]))


def test_probabilities_that_separate_or_do_not_vary_are_refused() -> None:
    outcome = np.repeat([0, 1], 5)
    with pytest.raises(EvaluationError, match="no solution"):
        recalibration(outcome, np.linspace(0.1, 0.9, 10))
    with pytest.raises(EvaluationError, match="All probabilities are equal"):
        recalibration(outcome, np.full(10, 0.4))


def test_tests_that_have_nothing_to_say_are_refused() -> None:
    outcome = np.array([0, 1] * 10)
    with pytest.raises(EvaluationError, match="says nothing"):
        spiegelhalter_test(outcome, np.tile([0.5, 1.0], 10))
    with pytest.raises(EvaluationError, match="make 2 groups"):
        hosmer_lemeshow_test(outcome, np.tile([0.2, 0.3, 0.3, 0.2], 5))
    with pytest.raises(EvaluationError, match="make 2 groups"):
        hosmer_lemeshow_test(outcome, np.linspace(0.1, 0.9, 20), groups=2)
    with pytest.raises(EvaluationError, match="exactly 0 or 1"):
        hosmer_lemeshow_test(outcome, np.repeat([0.0, 0.3, 0.4, 0.6], 5))


def test_smooth_curve_equals_val_prob(reference: dict[str, Any]) -> None:
    found = smooth_calibration(reference["y"], reference["p2"])
    assert found.e_max == pytest.approx(reference["Emax"], rel=1e-10)
    assert found.e_90 == pytest.approx(reference["E90"], rel=1e-10)
    assert found.e_avg == pytest.approx(reference["Eavg"], rel=1e-10)


def test_smooth_curve_of_equal_probabilities_is_the_prevalence() -> None:
    found = smooth_calibration(np.repeat([0, 1], [15, 5]), np.full(20, 0.4))
    np.testing.assert_allclose([found.e_max, found.e_90, found.e_avg], 0.15)
    np.testing.assert_allclose(found.observed, 0.25)


def test_groups_hold_all_cases_in_order(reference: dict[str, Any]) -> None:
    outcome, probability = reference["y"], reference["p2"]
    found = calibration_groups(outcome, probability)
    assert [group.cases for group in found] == [10] * 6
    order = np.argsort(probability)
    for number, group in enumerate(found):
        inside = order[10 * number : 10 * (number + 1)]
        assert group.predicted == pytest.approx(probability[inside].mean())
        assert group.observed == wilson(int(outcome[inside].sum()), 10)


@pytest.mark.parametrize(("cases", "expected"), [(7, 1), (19, 1), (20, 2), (99, 9), (500, 10)])
def test_as_many_groups_as_have_ten_cases(cases: int, expected: int) -> None:
    outcome = np.arange(cases) % 2
    found = calibration_groups(outcome, np.linspace(0.1, 0.9, cases))
    assert len(found) == expected
    assert sum(group.cases for group in found) == cases


def test_ties_stay_in_one_group() -> None:
    outcome, probability = np.tile([0, 1], 15), np.repeat([0.1, 0.5, 0.9], [24, 3, 3])
    assert [group.cases for group in calibration_groups(outcome, probability)] == [24, 6]
    # The median is a case's own probability, which belongs to the lower group.
    assert [group.cases for group in calibration_groups(outcome[:21], np.linspace(0, 1, 21))] == [11, 10]
