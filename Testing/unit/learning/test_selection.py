"""Selection against SciPy column by column, and against the definition of redundancy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.feature_selection import SelectKBest, f_classif

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.selection import select_features, univariate_p
from HabitatRadiomicsLib.protocol import LearningSettings


def _cohort(seed: int, cases: int = 60, columns: int = 200) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    outcome = np.arange(cases) % 2
    values = generator.normal(size=(cases, columns))
    values[:, 5] += 1.5 * outcome
    values[:, 9] -= 1.2 * outcome
    return values, outcome


def test_selection_drops_what_it_must() -> None:
    values, outcome = _cohort(1)
    values[:, 20] = 3.0  # constant
    values[0, 30] = np.nan
    values[0, 31] = np.inf
    values[:, 40] = values[:, 5] * 2 + 1e-3 * values[:, 41]  # redundant with 5
    kept = select_features(values, outcome, LearningSettings())
    assert {5, 40} & set(kept)
    assert not {5, 40} <= set(kept)
    assert 9 in kept
    assert not {20, 30, 31} & set(kept)
    for column in kept:
        assert stats.mannwhitneyu(values[outcome == 1, column], values[outcome == 0, column]).pvalue < 0.05


def _differing(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings) -> np.ndarray:
    """What the univariate test selects: no column is redundant."""
    return select_features(values, outcome, settings.model_copy(update={"maximum_correlation": 1.0}))


def test_each_step_keeps_part_of_the_one_before() -> None:
    values, outcome = _cohort(2)
    values[:, 40] = values[:, 5]
    kept = select_features(values, outcome, LearningSettings())
    differing = _differing(values, outcome, LearningSettings())
    p = univariate_p(values, outcome, "mann-whitney")
    np.testing.assert_array_equal(np.sort(differing), np.flatnonzero(p < 0.05))
    assert (np.diff(p[differing]) >= 0).all()
    assert set(kept) < set(differing)
    assert list(kept) == [column for column in differing if column in set(kept)]
    assert {5, 40} <= set(differing)
    # Of equal columns, the first of the table.
    assert 5 in kept
    assert 40 not in kept


@pytest.mark.parametrize("limit", [0.3, 0.6, 0.9])
def test_redundancy_is_its_definition(limit: float) -> None:
    generator = np.random.default_rng(3)
    outcome = np.arange(40) % 2
    values = generator.normal(size=(40, 6)) @ generator.normal(size=(6, 80)) + 0.5 * generator.normal(size=(40, 80))
    values += 0.8 * outcome[:, None]
    settings = LearningSettings(maximum_correlation=limit, significance=1.0)
    differing = _differing(values, outcome, settings)
    correlation = np.abs(np.corrcoef(values, rowvar=False))
    kept: list[int] = []
    for column in differing:
        if all(correlation[column, other] <= limit for other in kept):
            kept.append(int(column))
    assert 0 < len(kept) < len(differing)
    assert list(select_features(values, outcome, settings)) == kept


def test_a_limit_of_one_keeps_even_equal_columns() -> None:
    values, outcome = _cohort(4)
    values[:, 40], values[:, 41] = values[:, 5] * 3 + 0.1, -values[:, 5] / 7
    assert {5, 40, 41} <= set(select_features(values, outcome, LearningSettings(maximum_correlation=1.0)))


@pytest.mark.parametrize(("positives", "ties"), [(20, False), (20, True), (7, False), (7, True)])
def test_mann_whitney_is_that_of_each_column_by_itself(positives: int, ties: bool) -> None:
    """A column with ties must not turn the exact test of the others into the approximate one."""
    generator = np.random.default_rng(positives)
    values, outcome = generator.normal(size=(30, 25)), (np.arange(30) < positives).astype(int)
    if ties:
        values[:, ::2] = np.round(values[:, ::2])
    alone = [stats.mannwhitneyu(column[outcome == 1], column[outcome == 0]).pvalue for column in values.T]
    np.testing.assert_allclose(univariate_p(values, outcome, "mann-whitney"), alone, rtol=1e-12)


def test_by_normality_is_welch_where_both_groups_look_normal() -> None:
    generator = np.random.default_rng(5)
    outcome = np.arange(50) % 2
    values = generator.normal(size=(50, 30))
    values[:, 10:20] = np.exp(2 * values[:, 10:20])  # neither group
    values[outcome == 1, 20:25] = np.exp(3 * values[outcome == 1, 20:25])  # one of them
    values[outcome == 0, 25:27] = 1.5  # constant in one group
    found = univariate_p(values, outcome, "by-normality")
    kinds = set()
    for place, column in enumerate(values.T):
        groups = column[outcome == 1], column[outcome == 0]
        normal = all(np.ptp(group) > 0 and stats.shapiro(group).pvalue > 0.05 for group in groups)
        kinds.add(normal)
        expected = stats.ttest_ind(*groups, equal_var=False) if normal else stats.mannwhitneyu(*groups)
        assert found[place] == pytest.approx(expected.pvalue, rel=1e-10), place
    assert kinds == {True, False}


def test_by_normality_of_two_cases_is_mann_whitney() -> None:
    values, outcome = np.random.default_rng(6).normal(size=(12, 5)), np.array([1] * 2 + [0] * 10)
    np.testing.assert_array_equal(
        univariate_p(values, outcome, "by-normality"), univariate_p(values, outcome, "mann-whitney")
    )


def test_setting_decides_which_test_selects() -> None:
    values, outcome = _cohort(7, cases=24)
    for name in ("mann-whitney", "by-normality", "anova"):
        differing = _differing(values, outcome, LearningSettings.model_validate({"univariate_test": name}))
        expected = np.flatnonzero(univariate_p(values, outcome, name) < 0.05)
        np.testing.assert_array_equal(np.sort(differing), expected)


@pytest.mark.parametrize("positives", [1, 4, 25])
def test_anova_is_that_of_each_column_by_itself(positives: int) -> None:
    generator = np.random.default_rng(positives)
    values, outcome = generator.normal(size=(50, 20)), (np.arange(50) < positives).astype(int)
    values[:, :5] += outcome[:, None]
    found = univariate_p(values, outcome, "anova")
    expected = [stats.f_oneway(column[outcome == 1], column[outcome == 0]).pvalue for column in values.T]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(found, f_classif(values, outcome)[1], rtol=1e-9)
    assert not np.allclose(found, univariate_p(values, outcome, "by-normality"))


def test_anova_of_a_column_that_tells_the_outcome_has_p_zero_and_two_cases_cannot_be_tested() -> None:
    outcome = np.arange(20) % 2
    np.testing.assert_array_equal(univariate_p(outcome[:, None] * 3.0, outcome, "anova"), [0.0])
    np.testing.assert_array_equal(univariate_p(np.array([[1.0], [2.0]]), np.array([0, 1]), "anova"), [1.0])


@pytest.mark.parametrize("count", [1, 4, 10_000])
def test_univariate_selection_is_select_k_best_of_those_that_differ(count: int) -> None:
    values, outcome = _cohort(9)
    settings = LearningSettings(
        univariate_test="anova", univariate_selection=count, significance=0.2, maximum_correlation=1.0
    )
    found = select_features(values, outcome, settings)
    best = SelectKBest(f_classif, k=min(count, values.shape[1])).fit(values, outcome)
    expected = np.flatnonzero(best.get_support() & (best.pvalues_ < 0.2))
    np.testing.assert_array_equal(np.sort(found), expected)


def test_univariate_selection_comes_before_the_filter_of_correlated_features() -> None:
    """Two copies of the best column: the filter leaves one of them, and nothing moves up into the other's place."""
    values, outcome = _cohort(10)
    values[:, 40] = values[:, 5]
    settings = LearningSettings(univariate_test="anova", univariate_selection=2)
    assert _differing(values, outcome, settings).tolist() == [5, 40]
    assert select_features(values, outcome, settings).tolist() == [5]
    assert len(select_features(values, outcome, settings.model_copy(update={"univariate_selection": None}))) > 2


@pytest.mark.parametrize("test", ["mann-whitney", "by-normality", "anova"])
def test_table_without_a_usable_column_selects_nothing(test: str) -> None:
    settings = LearningSettings.model_validate({"univariate_test": test})
    outcome = np.arange(10) % 2
    for values in (np.zeros((10, 0)), np.ones((10, 3)), np.full((10, 2), np.nan)):
        assert select_features(values, outcome, settings).size == 0


def test_one_outcome_alone_is_told() -> None:
    values = np.random.default_rng(8).normal(size=(10, 3))
    with pytest.raises(LearningError, match="same outcome"):
        select_features(values, np.ones(10, dtype=int), LearningSettings())
