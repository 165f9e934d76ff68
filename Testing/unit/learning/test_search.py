"""The search finds what is there, learns nothing from noise, and sees nothing of the cases that it leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning import search
from HabitatRadiomicsLib.learning.folds import in_deviations, stratified_folds
from HabitatRadiomicsLib.learning.search import SearchedScore, fit_search
from HabitatRadiomicsLib.learning.selectors import rank_features
from HabitatRadiomicsLib.protocol import SearchSettings
from HabitatRadiomicsLib.statistics import auc_with_interval


def _settings(**more: Any) -> SearchSettings:
    few = {"selectors": ("anova", "relief"), "classifiers": ("logistic-regression", "svm"), "features": (2, 4)}
    return SearchSettings.model_validate({**few, **more})


def _single(**more: Any) -> SearchSettings:
    """One combination alone."""
    return _settings(selectors=("anova",), classifiers=("logistic-regression",), features=(3,), **more)


def _table(seed: int, cases: int = 80, columns: int = 50, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    outcome = np.arange(cases) % 2
    values = np.random.default_rng(seed).normal(size=(cases, columns))
    values[:, [4, 9]] += effect * outcome[:, None]
    return values, outcome


def _everything(score: SearchedScore) -> tuple[Any, ...]:
    arrays = (score.columns, score.means, score.deviations, score.held_out, score.score(_table(99)[0]))
    return (*(array.tobytes() for array in arrays), score.selector, score.classifier, score.compared)


def test_a_planted_effect_is_found_and_holds_on_new_cases() -> None:
    score = fit_search(*_table(1, effect=1.6), _settings(), folds=5, seed=0)
    assert {4, 9} <= set(score.columns.tolist())
    values, outcome = _table(2, cases=400, effect=1.6)
    assert auc_with_interval(outcome, score.score(values)).auc > 0.9
    assert auc_with_interval(_table(1)[1], score.held_out).auc > 0.85


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_of_noise_nothing_is_left_on_new_cases(seed: int) -> None:
    score = fit_search(*_table(seed, columns=200), _settings(), folds=5, seed=0)
    values, outcome = _table(seed + 50, cases=400, columns=200)
    found = auc_with_interval(outcome, score.score(values))
    assert found.low < 0.5 < found.high


def test_columns_are_chosen_without_the_cases_left_out() -> None:
    """With columns chosen on all cases, those left out would have AUCs above 0.9."""
    found = []
    for seed in range(5):
        score = fit_search(*_table(seed, cases=40, columns=2000), _single(), folds=5, seed=seed)
        found.append(score.result.auc)
    assert np.mean(found) == pytest.approx(0.5, abs=0.15)


def test_held_out_scores_and_results_are_those_of_the_folds_done_by_hand() -> None:
    values, outcome = _table(6, effect=0.8)
    score = fit_search(values, outcome, _single(), folds=4, seed=2)
    held_out, areas = np.zeros(80), []
    for training, test in stratified_folds(outcome, 4, 2):
        positive, negative = (values[training][outcome[training] == value] for value in (1, 0))
        best = np.argsort(stats.f_oneway(positive, negative).pvalue)[:3]
        z = (values[:, best] - values[training][:, best].mean(axis=0)) / values[training][:, best].std(axis=0, ddof=1)
        linear = LogisticRegression(tol=1e-10, max_iter=1000).fit(z[training], outcome[training]).decision_function(z)
        held_out[test] = (linear[test] - linear[training].mean()) / linear[training].std()
        areas.append(auc_with_interval(outcome[test], linear[test]).auc)
    np.testing.assert_allclose(score.held_out, held_out, atol=1e-5)
    assert score.result.auc == pytest.approx(np.mean(areas), abs=1e-12)
    assert score.result.sd == pytest.approx(np.std(areas, ddof=1), abs=1e-12)


@pytest.mark.parametrize("classifier", ["logistic-regression", "svm", "random-forest", "lda"])
def test_held_out_scores_are_those_of_fits_that_are_kept_to_the_last_bit(classifier: Any) -> None:
    values, outcome = _table(6, cases=50, effect=0.8)
    values = np.asfortranarray(values)  # as columns of a larger table are
    score = fit_search(values, outcome, _settings(selectors=("relief",), classifiers=(classifier,)), folds=2, seed=2)
    held_out = np.zeros(50)
    for training, test in stratified_folds(outcome, 2, 2):
        columns = rank_features("relief", values[training], outcome[training], seed=2)[: score.result.features]
        kept = search._fit(values[training], outcome[training], columns, classifier, 2)
        held_out[test] = in_deviations(kept.score(values[training]), kept.score(values[test]))
    assert score.held_out.tobytes() == held_out.tobytes()


def test_every_combination_is_compared_and_the_best_wins() -> None:
    score = fit_search(*_table(7, effect=0.7), _settings(), folds=3, seed=0)
    names = [(result.selector, result.classifier, result.features) for result in score.compared]
    assert len(names) == len(set(names)) == 8
    assert names[:3] == [("anova", "logistic-regression", 2), ("anova", "logistic-regression", 4), ("anova", "svm", 2)]
    assert score.result.auc == max(result.auc for result in score.compared)
    assert (score.selector, score.classifier) == (score.result.selector, score.result.classifier)
    assert len(score.columns) == score.result.features


def test_each_combination_does_in_company_as_it_does_alone() -> None:
    table = _table(8, effect=0.6)
    together = fit_search(*table, _settings(maximum_correlation=0.3), folds=3, seed=1).compared
    for result in together:
        own = {"selectors": (result.selector,), "classifiers": (result.classifier,), "features": (result.features,)}
        assert fit_search(*table, _settings(maximum_correlation=0.3, **own), folds=3, seed=1).compared == (result,)


def test_of_equal_combinations_the_first_wins() -> None:
    values, outcome = _table(9)
    values[:, 4] += 30 * outcome
    score = fit_search(values, outcome, _settings(), folds=3, seed=0)
    assert {result.auc for result in score.compared} == {1.0}
    assert score.result is score.compared[0]


def test_the_same_each_time() -> None:
    names = {"selectors": ("mutual-information", "tree-importance"), "classifiers": ("random-forest", "mlp")}
    settings = _settings(maximum_correlation=0.9, features=(2,), **names)
    first, again = (fit_search(*_table(10, columns=10), settings, folds=2, seed=3) for _ in range(2))
    assert _everything(first) == _everything(again)


def test_scores_are_of_z_scored_columns_and_a_gap_gives_none() -> None:
    values, outcome = _table(11, effect=1.0)
    score = fit_search(values * 1e3 + 7e4, outcome, _single(), folds=3, seed=0)
    z = score.standardised(values * 1e3 + 7e4)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(z.std(axis=0, ddof=1), 1, atol=1e-10)
    plain = fit_search(values, outcome, _single(), folds=3, seed=0)
    np.testing.assert_allclose(score.held_out, plain.held_out, atol=1e-8)
    new = values[:3].copy()
    new[1, score.columns[0]] = np.nan
    found = plain.score(new)
    assert np.isnan(found).tolist() == [False, True, False]
    assert found[[0, 2]] == pytest.approx(plain.score(values)[[0, 2]], abs=1e-12)
    assert np.isnan(plain.score(np.full((2, 50), np.nan))).all()


def test_of_columns_that_correlate_one_is_kept_by_lot() -> None:
    values, outcome = _table(12, effect=3.0, columns=12)
    values[:, 9] = np.random.default_rng(0).normal(size=80)
    values[:, 6] = values[:, 4] * 2 + 0.01 * values[:, 6]
    chosen = []
    for seed in range(8):
        columns = fit_search(values, outcome, _single(maximum_correlation=0.95), folds=3, seed=seed).columns
        chosen.append({4, 6} & set(columns.tolist()))
    assert all(len(one) == 1 for one in chosen)
    assert {min(one) for one in chosen} == {4, 6}
    unfiltered = fit_search(values, outcome, _single(), folds=3, seed=0)
    assert {4, 6} <= set(unfiltered.columns.tolist())


def test_the_filter_sees_the_training_part_of_a_fold_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(columns: np.ndarray, limit: float) -> np.ndarray:
        asked.append(columns.shape[0])
        return np.arange(columns.shape[1])

    monkeypatch.setattr(search, "without_redundant", watched)
    fit_search(*_table(13), _settings(maximum_correlation=0.9), folds=4, seed=0)
    assert asked == [60, 60, 60, 60, 80]


def test_columns_that_cannot_be_used_are_as_if_they_were_not_there() -> None:
    values, outcome = _table(14, effect=1.0)
    spoiled = values.copy()
    spoiled[3, 20], spoiled[:, 21], spoiled[5, 22] = np.nan, 2.5, np.inf
    rest = np.delete(np.arange(50), [20, 21, 22])
    found = fit_search(spoiled, outcome, _settings(), folds=3, seed=0)
    expected = fit_search(values[:, rest], outcome, _settings(), folds=3, seed=0)
    assert found.columns.tolist() == rest[expected.columns].tolist()
    assert found.held_out.tobytes() == expected.held_out.tobytes()


def test_a_column_that_varies_in_one_fold_alone_does_not_stop_the_others() -> None:
    values, outcome = _table(15, effect=1.0)
    values[:, 20] = 0.0
    values[3, 20] = 1.0
    score = fit_search(values, outcome, _settings(), folds=5, seed=0)
    assert np.isfinite(score.held_out).all()


def test_fewer_columns_than_asked_for_are_all_taken() -> None:
    score = fit_search(_table(16)[0][:, :2], _table(16)[1], _settings(features=(9,)), folds=3, seed=0)
    assert sorted(score.columns.tolist()) == [0, 1]


def test_the_cases_of_a_group_stay_together() -> None:
    """Of equal cases in noise, those in training give away the others' outcome."""
    values, outcome = (np.repeat(part, 4, axis=0) for part in _table(17, cases=40, columns=10))
    settings = _settings(classifiers=("knn",), features=(9,))
    apart = fit_search(values, outcome, settings, folds=5, seed=0)
    together = fit_search(values, outcome, settings, folds=5, seed=0, groups=np.repeat(np.arange(40), 4).astype(str))
    assert apart.result.auc > 0.8
    assert together.result.auc < 0.7


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("no column", "No feature is defined"),
        ("only gaps", "No feature is defined"),
        ("outcome missing", "do not belong together"),
        ("third outcome", "neither 0 nor 1"),
        ("one outcome", "too few for 5 folds"),
        ("few groups", "groups of cases"),
    ],
)
def test_what_cannot_be_searched_is_told(wrong: str, problem: str) -> None:
    values, outcome = _table(18)
    groups = None
    if wrong == "no column":
        values = values[:, :0]
    elif wrong == "only gaps":
        values[7] = np.nan
    elif wrong == "outcome missing":
        outcome = outcome[:-1]
    elif wrong == "third outcome":
        outcome = np.where(np.arange(80) == 3, 2, outcome)
    elif wrong == "one outcome":
        outcome = np.zeros(80, dtype=int)
    else:
        groups = np.arange(80) % 6
    with pytest.raises(LearningError, match=problem):
        fit_search(values, outcome, _settings(), folds=5, seed=0, groups=groups)
