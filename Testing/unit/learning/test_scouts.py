"""Scouts pass where their images carry something, and what they select is judged on cases that they have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning import scouts
from HabitatRadiomicsLib.learning.folds import in_deviations, stratified_folds
from HabitatRadiomicsLib.learning.scouts import fit_scouts
from HabitatRadiomicsLib.learning.search import fit_search
from HabitatRadiomicsLib.protocol import ScoutSettings, SearchSettings
from HabitatRadiomicsLib.statistics import auc_with_interval

IMAGES = ("original", "log-sigma-3-0-mm-3D", "wavelet-LLH")
SETTINGS = SearchSettings(
    selectors=("anova",), classifiers=("logistic-regression",), features=(2, 3), maximum_correlation=0.98
)


def _table(seed: int, cases: int = 80, effect: float = 0.0, columns: int = 15) -> tuple[np.ndarray, list[str], Any]:
    """Columns of three images in turn, with an effect in one of the first and one of the third image."""
    outcome = np.arange(cases) % 2
    values = np.random.default_rng(seed).normal(size=(cases, columns))
    values[:, [3, 8]] += effect * outcome[:, None]
    return values, [IMAGES[column % 3] for column in range(columns)], outcome


def test_scouts_of_images_with_an_effect_pass_and_their_features_make_the_score() -> None:
    score = fit_scouts(*_table(1, effect=1.6), SETTINGS, ScoutSettings(minimum_auc=0.75), folds=5, seed=0)
    assert [scout.image for scout in score.scouts] == list(IMAGES)
    assert [scout.passed for scout in score.scouts] == [True, False, True]
    assert {3, 8} <= set(score.columns.tolist())
    pooled = {column for scout in score.scouts if scout.passed for column in scout.columns.tolist()}
    assert set(score.columns.tolist()) <= pooled
    values, _, outcome = _table(2, cases=400, effect=1.6)
    assert auc_with_interval(outcome, score.score(values)).auc > 0.9


def test_each_scout_is_the_search_in_its_image_and_the_last_has_no_filter() -> None:
    values, images, outcome = _table(3, effect=1.2)
    values[:, 9] = values[:, 3] + 0.01 * values[:, 9]  # of the same image
    values[:, 2] = values[:, 3] + 0.01 * values[:, 2]  # of another
    score = fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=4, seed=0)
    for place, scout in enumerate(score.scouts):
        columns = np.arange(place, 15, 3)
        alone = fit_search(values[:, columns], outcome, SETTINGS, folds=4, seed=0)
        assert scout.columns.tolist() == columns[alone.columns].tolist()
        assert (scout.auc, scout.sd) == (alone.result.auc, alone.result.sd)
        assert scout.passed is (alone.result.auc >= 0.6)
    pooled = np.sort(np.concatenate([scout.columns for scout in score.scouts if scout.passed]))
    last = fit_search(
        values[:, pooled], outcome, SETTINGS.model_copy(update={"maximum_correlation": None}), folds=4, seed=0
    )
    assert score.columns.tolist() == pooled[last.columns].tolist()
    assert score.compared == last.compared
    assert score.score(values).tobytes() == last.score(values[:, pooled]).tobytes()


def test_held_out_scores_are_of_the_whole_procedure_without_the_cases() -> None:
    values, images, outcome = _table(4, effect=1.5)
    score = fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=3, seed=1)
    expected = np.zeros(80)
    for training, test in stratified_folds(outcome, 3, 1):
        part = fit_scouts(values[training], images, outcome[training], SETTINGS, ScoutSettings(), folds=3, seed=1)
        expected[test] = in_deviations(part.score(values[training]), part.score(values[test]))
    assert score.held_out.tobytes() == expected.tobytes()


def test_held_out_scores_of_noise_are_honest_where_the_last_searchs_are_not() -> None:
    honest, flattered = [], []
    for seed in range(4):
        table = _table(seed + 20, cases=50, columns=300)
        score = fit_scouts(*table, SETTINGS, ScoutSettings(minimum_auc=0.5), folds=5, seed=seed)
        honest.append(auc_with_interval(table[2], score.held_out).auc)
        flattered.append(score.result.auc)
    assert np.mean(honest) == pytest.approx(0.5, abs=0.15)
    assert np.mean(flattered) > 0.7


def test_where_no_scout_passes_in_a_fold_nothing_is_known_of_its_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    real, answers = scouts._scouted, iter([True, True, False, True])
    monkeypatch.setattr(scouts, "_scouted", lambda *given: real(*given) if next(answers) else ())
    values, images, outcome = _table(5, effect=2.0)
    score = fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=3, seed=0)
    for fold, (_, test) in enumerate(stratified_folds(outcome, 3, 0)):
        assert (score.held_out[test] == 0).all() == (fold == 1)


def test_none_passed_is_told() -> None:
    with pytest.raises(LearningError, match=r"None of 3 scout models reached a mean AUC of 0\.95; the best, of"):
        fit_scouts(*_table(6), SETTINGS, ScoutSettings(minimum_auc=0.95), folds=3, seed=0)


def test_columns_that_cannot_be_used_and_images_without_others_are_left_out() -> None:
    values, images, outcome = _table(7, effect=1.5)
    values[4, 12] = np.nan  # of the first image
    values[:, 1::3] = 5.0  # all of the second
    score = fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=3, seed=0)
    assert [scout.image for scout in score.scouts] == [IMAGES[0], IMAGES[2]]
    rest = [column for column in range(15) if column != 12 and column % 3 != 1]
    there = [images[column] for column in rest]
    expected = fit_scouts(values[:, rest], there, outcome, SETTINGS, ScoutSettings(), folds=3, seed=0)
    assert score.columns.tolist() == [rest[column] for column in expected.columns]
    assert score.held_out.tobytes() == expected.held_out.tobytes()


def test_few_cases_have_fewer_folds_within_the_folds() -> None:
    """Four of an outcome and four folds: three are left when one is out."""
    values, images, _ = _table(8)
    outcome = (np.arange(80) % 20 == 0).astype(int)
    values[:, 3] += 4 * outcome
    score = fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=4, seed=0)
    assert auc_with_interval(outcome, score.held_out).auc > 0.9


def test_the_cases_of_a_group_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def watched(values: np.ndarray, outcome: np.ndarray, *rest: Any, groups: np.ndarray, **more: Any) -> Any:
        asked.append(groups)
        return fit_search(values, outcome, *rest, groups=groups, **more)

    monkeypatch.setattr(scouts, "fit_search", watched)
    values, images, outcome = _table(9, effect=2.0)
    groups = np.array([f"P{case // 4 * 2 + case % 2}" for case in range(80)])
    fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=3, seed=0, groups=groups)
    assert {len(given) for given in asked} == {
        80,
        *(len(training) for training, _ in stratified_folds(outcome, 3, 0, groups)),
    }
    for given in asked:
        assert set(np.unique(given, return_counts=True)[1]) == {2}  # a patient is in or out with both cases


def test_the_same_each_time() -> None:
    first, again = (fit_scouts(*_table(10, effect=1.0), SETTINGS, ScoutSettings(), folds=3, seed=4) for _ in range(2))
    assert first.held_out.tobytes() == again.held_out.tobytes()
    assert first.columns.tolist() == again.columns.tolist()
    assert first.score(_table(11)[0]).tobytes() == again.score(_table(11)[0]).tobytes()


@pytest.mark.parametrize(
    ("wrong", "problem"), [("images", "14 base images"), ("gaps", "No feature"), ("few", "too few")]
)
def test_what_cannot_be_scouted_is_told(wrong: str, problem: str) -> None:
    values, images, outcome = _table(12)
    if wrong == "images":
        images = images[:-1]
    elif wrong == "gaps":
        values[0] = np.nan
    else:
        outcome = (np.arange(80) < 3).astype(int)
    with pytest.raises(LearningError, match=problem):
        fit_scouts(values, images, outcome, SETTINGS, ScoutSettings(), folds=5, seed=0)
