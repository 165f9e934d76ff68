"""Rankings against SciPy, against definitions, and where only some selectors can see an effect."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy import stats

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.learning.selection import univariate_p
from HabitatRadiomicsLib.learning.selectors import anova_f, kruskal_h, rank_features
from HabitatRadiomicsLib.protocol import Selector

SELECTORS = get_args(Selector)


def _table(seed: int, cases: int = 60, columns: int = 40) -> tuple[np.ndarray, np.ndarray]:
    outcome = (np.arange(cases) % 5 < 2).astype(int)
    values = np.random.default_rng(seed).normal(size=(cases, columns))
    values[:, 7] += 2.5 * outcome
    values[:, 3] -= 1.5 * outcome
    return values, outcome


def _groups(values: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[outcome == 1], values[outcome == 0]


@pytest.mark.parametrize("ties", [False, True])
def test_statistics_are_scipys(ties: bool) -> None:
    values, outcome = _table(1)
    values = np.round(values) if ties else values * 1e3 + 1e5
    groups = _groups(values, outcome)
    np.testing.assert_allclose(anova_f(values, outcome), stats.f_oneway(*groups).statistic, rtol=1e-8)
    np.testing.assert_allclose(kruskal_h(values, outcome), stats.kruskal(*groups).statistic, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("selector", ["anova", "kruskal-wallis", "mann-whitney"])
def test_rankings_by_a_test_are_in_order_of_its_p(selector: Selector) -> None:
    values, outcome = _table(2)
    groups = _groups(values, outcome)
    p = {
        "anova": lambda: stats.f_oneway(*groups).pvalue,
        "kruskal-wallis": lambda: stats.kruskal(*groups).pvalue,
        "mann-whitney": lambda: univariate_p(values, outcome, "mann-whitney"),
    }[selector]()
    assert (np.diff(p[rank_features(selector, values, outcome, seed=0)]) >= 0).all()


@pytest.mark.parametrize("selector", SELECTORS)
def test_each_puts_what_was_planted_first_and_names_every_column_once(selector: Selector) -> None:
    values, outcome = _table(3)
    order = rank_features(selector, values, outcome, seed=0)
    assert set(order[:2]) == {3, 7}
    assert order[0] == 7
    assert sorted(order) == list(range(40))


@pytest.mark.parametrize("selector", SELECTORS)
def test_rankings_are_the_same_each_time_and_in_any_units(selector: Selector) -> None:
    values, outcome = _table(4, columns=15)
    first = rank_features(selector, values, outcome, seed=5)
    assert first.tolist() == rank_features(selector, values.copy(), outcome, seed=5).tolist()
    units = 2.0 ** np.arange(-7, 8)  # no rounding
    assert first.tolist() == rank_features(selector, values * units, outcome, seed=5).tolist()


@pytest.mark.parametrize("selector", ["anova", "kruskal-wallis", "mann-whitney", "relief", "lasso"])
def test_equal_columns_stay_in_the_tables_order(selector: Selector) -> None:
    values, outcome = _table(5, columns=12)
    order = rank_features(selector, np.hstack([values, values]), outcome, seed=0).tolist()
    places = np.argsort(order)
    assert (places[:12] < places[12:]).all()
    if selector != "lasso":  # of equal columns, a LASSO needs one
        assert (places[12:] - places[:12] == 1).all()


@pytest.mark.parametrize(
    ("selector", "sees"), [("mutual-information", True), ("tree-importance", True), ("anova", False)]
)
def test_some_see_what_does_not_change_the_mean(selector: Selector, sees: bool) -> None:
    values, outcome = _table(6, cases=100, columns=30)
    values[:, [3, 7]] = np.random.default_rng(7).normal(size=(100, 2))
    values[:, 20] = np.where(outcome == 1, np.sign(values[:, 20]) * (2 + np.abs(values[:, 20])), values[:, 20] / 2)
    values[outcome == 1, 20] -= values[outcome == 1, 20].mean() - values[outcome == 0, 20].mean()
    assert (int(rank_features(selector, values, outcome, seed=1)[0]) == 20) == sees


def test_lasso_is_in_order_of_entry() -> None:
    values, outcome = _table(8, columns=20)
    path = lasso_path((values - values.mean(axis=0)) / values.std(axis=0), outcome)
    expected: list[int] = []
    for step in path.coefficients:
        new = [column for column in np.flatnonzero(step) if column not in expected]
        expected += sorted(new, key=lambda column: -abs(step[column]))
    assert len(expected) > 10
    order = rank_features("lasso", values, outcome, seed=0).tolist()
    assert order[: len(expected)] == expected
    rest = order[len(expected) :]
    assert (np.diff(anova_f(values, outcome)[rest]) <= 0).all()


def test_elimination_is_that_by_the_smallest_weight_one_by_one() -> None:
    from sklearn.svm import SVC

    values, outcome = _table(9, columns=12)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    left, dropped = list(range(12)), []
    while len(left) > 1:
        weights = np.abs(SVC(kernel="linear").fit(standardised[:, left], outcome).coef_[0])
        dropped.append(left.pop(int(weights.argmin())))
    assert rank_features("rfe", values, outcome, seed=0).tolist() == [*left, *reversed(dropped)]


@pytest.mark.parametrize("columns", [2, 16, 57, 330])
def test_elimination_is_scikit_learns(columns: int) -> None:
    from sklearn.feature_selection import RFE
    from sklearn.svm import SVC

    values, outcome = _table(14, columns=max(columns, 8))
    values = values[:, :columns]
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    order = rank_features("anova", values, outcome, seed=0)
    given, left = order[:300], min(columns, 15)
    coarse = RFE(SVC(kernel="linear"), n_features_to_select=left, step=0.1).fit(standardised[:, given], outcome)
    given = given[np.argsort(coarse.ranking_, kind="stable")]
    fine = RFE(SVC(kernel="linear"), n_features_to_select=1, step=1).fit(standardised[:, given[:left]], outcome)
    expected = [*given[:left][np.argsort(fine.ranking_, kind="stable")], *given[left:], *order[300:]]
    assert rank_features("rfe", values, outcome, seed=0).tolist() == expected


def test_of_a_wide_table_elimination_is_given_the_columns_with_the_largest_f() -> None:
    values, outcome = _table(10, columns=400)
    order = rank_features("rfe", values, outcome, seed=0)
    by_f = rank_features("anova", values, outcome, seed=0)
    assert sorted(order) == list(range(400))
    assert set(order[:300]) == set(by_f[:300])
    assert order[300:].tolist() == by_f[300:].tolist()
    assert order[0] == 7


def test_columns_that_separate_the_outcomes_are_ranked_too() -> None:
    values, outcome = _table(11, columns=8)
    values[:, [3, 7]] = np.random.default_rng(1).normal(size=(60, 2))
    values[:, 2] = outcome
    values[:, 5] = outcome * 10 + 0.1 * values[:, 5]
    for selector in SELECTORS:
        assert set(rank_features(selector, values, outcome, seed=0)[:2]) == {2, 5}, selector


@pytest.mark.parametrize("selector", SELECTORS)
def test_one_column_is_a_ranking(selector: Selector) -> None:
    values, outcome = _table(12)
    assert rank_features(selector, values[:, :1], outcome, seed=0).tolist() == [0]


@pytest.mark.parametrize("wrong", ["gap", "constant", "one outcome"])
def test_what_cannot_be_ranked_is_told(wrong: str) -> None:
    values, outcome = _table(13)
    if wrong == "gap":
        values[4, 2] = np.nan
    elif wrong == "constant":
        values[:, 2] = 1.5
    else:
        outcome = np.zeros_like(outcome)
    with pytest.raises(LearningError, match="same outcome" if wrong == "one outcome" else "without gaps"):
        rank_features("anova", values, outcome, seed=0)
