"""Every candidate's score, and the choice between them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.candidates import Candidate
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.learning.radscore import fit_rad_score
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.learning.strategy import TrainingTable, fit_candidate, held_out_scores, learn
from HabitatRadiomicsLib.protocol import LearningSettings


def _settings(**more: Any) -> LearningSettings:
    return LearningSettings(**{"folds": 3, "repeats": 1, "significance": 0.5, **more})


def _table(
    *groups: str, planted: dict[int, float] | None = None, cases: int = 48, seed: int = 2, features: int = 5
) -> TrainingTable:
    outcome = np.arange(cases) % 2
    values = np.random.default_rng(seed).normal(size=(cases, len(groups) * features))
    for place, effect in (planted or {}).items():
        values[:, place] += effect * outcome
    columns = tuple(
        f"{group}_log-sigma-{number}-0-mm-3D_glcm_Contrast" for group in groups for number in range(features)
    )
    return TrainingTable(columns, values, outcome, np.arange(cases).astype(str))


def _auc(outcome: np.ndarray, scores: np.ndarray) -> float:
    """By pairs."""
    pairs = itertools.product(scores[outcome == 1], scores[outcome == 0])
    return float(np.mean([1.0 if first > second else 0.5 if first == second else 0.0 for first, second in pairs]))


def test_each_candidate_learns_from_its_own_columns_as_if_there_were_no_others() -> None:
    table = _table("T1W_whole", "T1W_S1", planted={1: 1.5, 7: 1.0})
    learned = learn(table, _settings(), seed=3)
    for place, name in enumerate(("T1W whole", "T1W S1")):
        own = slice(5 * place, 5 * place + 5)
        alone = fit_rad_score(table.values[:, own], table.outcome, _settings(), seed=3)
        score = learned.scores[name]
        assert score is not None
        assert score.columns.tolist() == (alone.columns + 5 * place).tolist()
        assert score.coefficients.tobytes() == alone.coefficients.tobytes()
        assert score.score(table.values) == pytest.approx(alone.score(table.values[:, own]), abs=1e-12)


def test_the_inner_auc_is_that_of_scores_of_cases_that_were_left_out() -> None:
    table, settings = _table("T1W_whole", planted={1: 1.0}), _settings()
    learned = learn(table, settings, seed=3)
    scores = np.zeros(48)
    assert learned.score is not None
    for training, test in stratified_folds(table.outcome, 3, 3, table.patients):
        columns = select_features(table.values[training], table.outcome[training], settings)
        values = table.values[:, columns]
        path = lasso_path(values[training], table.outcome[training], [learned.score.penalty])
        linear = path.intercepts[0] + values @ path.coefficients[0]
        scores[test] = (linear[test] - linear[training].mean()) / linear[training].std()
    assert learned.inner_scores["T1W whole"] == pytest.approx(scores, abs=1e-5)
    assert learned.inner_auc["T1W whole"] == pytest.approx(_auc(table.outcome, scores))


@pytest.mark.parametrize(("planted", "best"), [(1, "T1W whole"), (6, "T1W S1"), (11, "T2FS whole")])
def test_the_candidate_with_the_largest_inner_auc_is_chosen(planted: int, best: str) -> None:
    learned = learn(_table("T1W_whole", "T1W_S1", "T2FS_whole", planted={planted: 2.5}), _settings(), seed=3)
    assert learned.chosen is not None
    assert learned.inner_auc[learned.chosen.name] == max(learned.inner_auc.values())
    single = {name: area for name, area in learned.inner_auc.items() if "+" not in name}
    assert max(single, key=lambda name: single[name]) == best
    assert learned.score is learned.scores[learned.chosen.name]


def test_sequences_that_complete_each_other_win_together() -> None:
    learned = learn(_table("T1W_S1", "T2FS_S1", planted={1: 1.2, 6: 1.2}, cases=90), _settings(), seed=3)
    assert learned.chosen == Candidate(("T1W", "T2FS"), "S1")
    score = learned.score
    assert score is not None
    assert {1, 6} <= set(score.columns.tolist())


def test_of_equal_candidates_the_first_is_chosen() -> None:
    """A copy of a sequence is as good as the sequence."""
    table = _table("T1W_whole", planted={1: 1.5})
    copies = tuple(name.replace("T1W", "T2FS") for name in table.columns)
    twice = replace(table, columns=table.columns + copies, values=np.hstack([table.values, table.values]))
    learned = learn(twice, _settings(), seed=3)
    assert learned.inner_auc["T1W whole"] == learned.inner_auc["T2FS whole"]
    assert learned.chosen is not None
    assert learned.chosen.name == "T1W whole"
    backwards = learn(twice, _settings(), seed=3, candidates=learned.candidates[::-1])
    assert backwards.chosen is not None
    assert backwards.chosen.name != "T1W whole"


def test_cases_that_lack_a_region_are_left_out_of_its_score_and_stay_in_the_others() -> None:
    table = _table("T1W_whole", "T1W_S1", planted={1: 1.0, 6: 1.5})
    values = table.values.copy()
    lacking = np.array([0, 5, 11])
    values[lacking, 5:] = np.nan
    learned = learn(replace(table, values=values), _settings(), seed=3)
    rest = np.setdiff1d(np.arange(48), lacking)
    without = fit_candidate(table.rows(rest), Candidate(("T1W",), "S1"), _settings(), seed=3)
    found = learned.scores["T1W S1"]
    assert found is not None
    assert without is not None
    assert found.coefficients.tobytes() == without.coefficients.tobytes()
    # Nothing is known of them: the middle of the scale, neither way.
    assert (learned.inner_scores["T1W S1"][lacking] == 0).all()
    assert (learned.inner_scores["T1W S1"][rest] != 0).all()
    whole, all_there = learned.scores["T1W whole"], learn(table, _settings(), seed=3).scores["T1W whole"]
    assert whole is not None
    assert all_there is not None
    assert whole.coefficients.tobytes() == all_there.coefficients.tobytes()


def test_a_region_that_nobody_has_teaches_nothing() -> None:
    table = _table("T1W_whole", "T1W_S1", planted={1: 1.0})
    values = table.values.copy()
    values[:, 5:] = np.nan
    learned = learn(replace(table, values=values), _settings(), seed=3)
    assert learned.scores["T1W S1"] is None
    assert "T1W S1" not in learned.inner_auc
    assert learned.chosen is not None
    assert learned.chosen.name == "T1W whole"


@pytest.mark.parametrize("why", ["no feature", "no column", "too few patients"])
def test_where_nothing_can_be_learned_nothing_is_chosen(why: str) -> None:
    table, settings = _table("T1W_whole", planted={1: 2.0}), _settings()
    if why == "no feature":
        settings = _settings(significance=1e-30)
    elif why == "no column":
        table = TrainingTable((), table.values[:, :0], table.outcome, table.patients)
    else:  # two patients of each outcome, and three folds
        table = replace(table, patients=np.array([f"P{place % 4}" for place in range(48)]))
    learned = learn(table, settings, seed=3)
    assert learned.chosen is None
    assert learned.score is None
    assert all(score is None for score in learned.scores.values())


def test_the_cases_of_a_patient_stay_together_inside_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from HabitatRadiomicsLib.learning import radscore

    asked = []

    def watched(*arguments: Any) -> Any:
        asked.append(arguments[-1])
        return stratified_folds(*arguments)

    monkeypatch.setattr(radscore, "stratified_folds", watched)
    table = _table("T1W_whole", planted={1: 2.0})
    patients = np.array([f"P{place // 4 * 2 + place % 2}" for place in range(48)])
    learn(replace(table, patients=patients), _settings(), seed=3)
    assert asked
    assert all((groups == patients).all() for groups in asked)


def test_held_out_scores_are_in_standard_deviations_of_the_training_scores() -> None:
    table = _table("T1W_whole", planted={1: 2.0})
    fitted = fit_rad_score(table.values, table.outcome, _settings(), seed=3)
    scale = {"means": np.array([5.0]), "deviations": np.array([2.0]), "coefficients": np.array([3.0])}
    score = replace(fitted, columns=np.array([1]), intercept=7.0, **scale)
    training = np.array([[0, 3.0], [0, 5.0], [0, np.nan], [0, 7.0]])
    test = np.array([[9, 5.0], [9, 7.0], [9, np.nan]])
    spread = np.std([4.0, 7.0, 10.0])
    assert held_out_scores(score, training, test) == pytest.approx([0, 3 / spread, 0])
    assert held_out_scores(None, training, test).tolist() == [0, 0, 0]


def test_a_column_that_one_case_lacks_is_as_if_it_were_not_there() -> None:
    """The best column of all; in the folds within whose training part the case is not, it looks complete."""
    table = _table("T1W_whole", planted={1: 1.0, 3: 3.0})
    values = table.values.copy()
    values[7, 3] = np.nan
    learned = learn(replace(table, values=values), _settings(), seed=3)
    rest = [0, 1, 2, 4]
    without = replace(table, values=table.values[:, rest], columns=tuple(table.columns[place] for place in rest))
    expected = learn(without, _settings(), seed=3)
    assert learned.inner_scores["T1W whole"].tobytes() == expected.inner_scores["T1W whole"].tobytes()
    assert np.isfinite(learned.inner_scores["T1W whole"]).all()
    score, other = learned.score, expected.score
    assert score is not None
    assert other is not None
    assert score.coefficients.tobytes() == other.coefficients.tobytes()
    assert score.penalty == other.penalty
    assert [learned.columns[place] for place in score.columns] == [expected.columns[place] for place in other.columns]
