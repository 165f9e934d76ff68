"""DeLong's covariance and test against R's pROC; Holm's correction against its definition."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import auc_with_interval, compare_aucs
from HabitatRadiomicsLib.statistics.delong import Comparison, auc_covariance, holm


def _difference(outcome: np.ndarray, first: np.ndarray, second: np.ndarray) -> Comparison:
    (pair,) = compare_aucs(outcome, {"first": first, "second": second})
    assert pair.adjusted_p == pytest.approx(pair.p, nan_ok=True)
    return pair


@pytest.fixture(scope="module")
def proc() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8")
    )
    return {key: np.array(value) if isinstance(value, list) else value for key, value in document["roc"].items()}


def test_covariance_equals_proc(proc: dict[str, Any]) -> None:
    areas, covariance = auc_covariance(proc["y"], np.stack([proc["s1"], proc["s2"]]))
    np.testing.assert_allclose(areas, [proc["auc1"], proc["auc2"]], rtol=1e-12)
    expected = [[proc["var1"], proc["cov"]], [proc["cov"], proc["var2"]]]
    np.testing.assert_allclose(covariance, expected, rtol=1e-9)


def test_paired_test_equals_proc(proc: dict[str, Any]) -> None:
    found = _difference(proc["y"], proc["s1"], proc["s2"])
    assert found.z == pytest.approx(proc["z"], rel=1e-9)
    assert found.p == pytest.approx(proc["p"], rel=1e-9)
    assert found.difference == pytest.approx(proc["auc1"] - proc["auc2"], rel=1e-12)
    # p is just below 0.05, so that the 95% interval just leaves out 0.
    assert found.low < found.high < 0
    assert (found.low + found.high) / 2 == pytest.approx(found.difference)
    assert found.difference + (found.high - found.difference) * abs(proc["z"]) / 1.959963984540054 == pytest.approx(0)


def test_order_of_models_turns_the_sign(proc: dict[str, Any]) -> None:
    one, other = (_difference(proc["y"], proc[a], proc[b]) for a, b in (("s1", "s2"), ("s2", "s1")))
    assert (one.z, one.low, one.high) == pytest.approx((-other.z, -other.high, -other.low))
    assert one.p == pytest.approx(other.p)


def test_diagonal_is_the_variance_of_the_single_auc() -> None:
    generator = np.random.default_rng(3)
    outcome = generator.permutation(np.repeat([0, 1], [30, 11]))
    scores = np.round(generator.normal(outcome, 1.0, (4, 41)), 1)  # with ties
    areas, covariance = auc_covariance(outcome, scores)
    single = [auc_with_interval(outcome, row) for row in scores]
    np.testing.assert_allclose(areas, [one.auc for one in single], rtol=1e-12)
    np.testing.assert_allclose(np.diag(covariance), [one.variance for one in single], rtol=1e-9)


def test_repeats_are_averaged(proc: dict[str, Any]) -> None:
    generator = np.random.default_rng(4)
    scores = generator.normal(proc["y"], 1.0, (2, 3, 60))
    areas, covariance = auc_covariance(proc["y"], scores)
    each = [auc_covariance(proc["y"], scores[:, repeat]) for repeat in range(3)]
    np.testing.assert_allclose(areas, np.mean([one for one, _ in each], axis=0))
    np.testing.assert_allclose(covariance, np.mean([other for _, other in each], axis=0))


def test_equal_rankings_do_not_differ(proc: dict[str, Any]) -> None:
    found = _difference(proc["y"], proc["s1"], np.exp(3 * proc["s1"]))
    assert (found.difference, found.z, found.p) == (0.0, 0.0, 1.0)


def test_without_variance_nothing_is_tested() -> None:
    outcome = np.repeat([0, 1], 5)
    scores = {"right": outcome.astype(float), "wrong": 1.0 - outcome}  # perfect, and perfectly the wrong way round
    (pair,) = compare_aucs(outcome, scores)
    assert pair.difference == 1.0
    assert math.isnan(pair.z)
    assert math.isnan(pair.p)
    assert pair.untested == "the difference has no variance"


@pytest.mark.parametrize("folds", [None, 5])
@pytest.mark.parametrize("constant", [np.zeros(60), np.full((3, 60), 0.7)])
def test_nothing_is_tested_against_a_score_that_is_the_same_for_all_cases(
    proc: dict[str, Any], constant: np.ndarray, folds: int | None
) -> None:
    rest = {"a": proc["s1"], "b": proc["s2"], "c": proc["s1"] + proc["s2"]}
    shaped = {name: np.broadcast_to(row, constant.shape) for name, row in rest.items()}
    found = compare_aucs(proc["y"], {"nothing": constant, **shaped}, folds=folds)
    for one in found[:3]:
        assert one.first == "nothing"
        assert one.difference == pytest.approx(0.5 - auc_with_interval(proc["y"], rest[one.second]).auc)
        assert all(map(math.isnan, (one.low, one.high, one.z, one.p, one.adjusted_p)))
        assert one.untested == "nothing gives all cases the same score"
    # Holm counts three comparisons, and not six.
    for one, other in zip(found[3:], compare_aucs(proc["y"], shaped, folds=folds), strict=True):
        assert one == other
        assert one.untested == ""


def test_two_scores_of_which_nothing_was_learned_are_not_called_equal(proc: dict[str, Any]) -> None:
    (pair,) = compare_aucs(proc["y"], {"a": np.zeros(60), "b": np.zeros(60)})
    assert math.isnan(pair.p)
    assert pair.untested == "a and b give all cases the same score"


def test_a_score_that_is_the_same_in_one_repeat_only_is_tested(proc: dict[str, Any]) -> None:
    some = np.stack([np.zeros(60), proc["s2"]])
    (pair,) = compare_aucs(proc["y"], {"a": np.stack([proc["s1"]] * 2), "b": some})
    assert 0 < pair.p <= 1


def test_all_pairs_are_compared_and_corrected(proc: dict[str, Any]) -> None:
    names = {"a": proc["s1"], "b": proc["s2"], "c": proc["s1"] + proc["s2"]}
    found = compare_aucs(proc["y"], names)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].p == pytest.approx(proc["p"], rel=1e-9)
    for one in found:
        expected = _difference(proc["y"], names[one.first], names[one.second])
        assert one.difference == pytest.approx(expected.difference)
        assert one.p == pytest.approx(expected.p)
    assert [one.adjusted_p for one in found] == holm([one.p for one in found])
    assert compare_aucs(proc["y"], {"a": proc["s1"]}) == []


def test_holm_of_a_worked_example() -> None:
    # 0.01 * 4, 0.02 * 3, 0.03 * 2 (no less than the one before), 0.04 * 1 (no less than the one before)
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_what_its_steps_reject(p_values: list[float], level: float) -> None:
    rejected: set[int] = set()
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    for step, place in enumerate(order):
        if p_values[place] * (len(p_values) - step) > level:
            break
        rejected.add(place)
    assert {place for place, p in enumerate(holm(p_values)) if p <= level} == rejected


def test_holm_counts_what_could_not_be_tested() -> None:
    found = holm([0.02, math.nan])
    assert found[0] == pytest.approx(0.04)
    assert math.isnan(found[1])


def test_scores_of_other_shapes_are_refused(proc: dict[str, Any]) -> None:
    with pytest.raises(EvaluationError, match="cannot be compared"):
        compare_aucs(proc["y"], {"a": proc["s1"], "b": np.stack([proc["s2"], proc["s2"]])})
    with pytest.raises(EvaluationError, match="cannot be compared"):
        compare_aucs(proc["y"], {"a": proc["s1"], "b": proc["s2"][:-1]})
    with pytest.raises(EvaluationError, match="not those of several models"):
        auc_covariance(proc["y"], proc["s1"])
