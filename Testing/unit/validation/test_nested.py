"""Nested validation: a fold never learns from its test cases, and noise stays noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from HabitatRadiomicsLib.extraction.prepared_cases import PERTURBED
from HabitatRadiomicsLib.learning.folds import Fold, outer_folds
from HabitatRadiomicsLib.learning.preparation import FoldTable, Repetitions
from HabitatRadiomicsLib.learning.selection import select_features
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval, mean_auc
from HabitatRadiomicsLib.validation import nested
from HabitatRadiomicsLib.validation.nested import (
    CLINICAL,
    STRATEGY,
    VOLUME,
    FoldResult,
    Validation,
    cross_validate,
    gather,
    validate_fold,
)

from ..made_up_tables import alternating, columns, protocol, table

_NAMES = columns("T1W_whole", "T1W_S1", "T2FS_whole", "T2FS_S1")
_SITES = ["Alpha", "Beta", "Beta"] * 20


def _case_table(**more: object) -> FoldTable:
    found = table(alternating(60), _NAMES, planted={1: 1.0, 13: 0.8, 14: 0.8}, sites=_SITES, seed=4)
    repeated = np.repeat(found.values[::2, None], 3, axis=1) + np.random.default_rng(1).normal(size=(30, 3, 24)) * 0.2
    copies = Repetitions(np.arange(0, 60, 2), repeated)
    return replace(found, repeated={PERTURBED: copies}, **more)  # type: ignore[arg-type]


def _everything(**more: object) -> Protocol:
    """Robustness and harmonisation too, so that whatever learns is there."""
    return protocol(robustness={"cases": 30, "copies": 3}, harmonisation={}, learning={"significance": 0.2, **more})


def _with_rows(found: FoldTable, rows: np.ndarray, change: str) -> FoldTable:
    """The table with other test rows in one respect."""
    generator = np.random.default_rng(9)
    values, volumes, outcome = found.values.copy(), found.volumes.copy(), found.outcome.copy()
    patients, sites, covariates = found.patients.copy(), found.sites.copy(), list(found.covariates)
    copies = found.repeated[PERTURBED]
    repeated = copies.values.copy()
    if change in ("values", "all"):
        values[rows] = generator.normal(50, 20, (len(rows), values.shape[1]))
    if change in ("missing regions", "all"):
        values[rows[0], :12] = np.nan
    if change in ("copies", "all"):
        repeated[np.isin(copies.cases, rows)] = generator.normal(0, 100, repeated.shape[1:])
    if change in ("volumes", "all"):
        volumes[rows] *= 1000
    if change in ("outcome", "all"):
        outcome[rows] = 1 - outcome[rows]
    if change in ("patients", "all"):
        patients[rows] = "someone"
    if change in ("sites", "all"):
        sites[rows] = np.where(sites[rows] == "Alpha", "Beta", "Alpha")
    if change in ("unknown site", "all"):
        sites[rows[0]] = "Gamma"
    if change in ("covariates", "all"):
        for row in rows:
            covariates[row] = {"age": "old", "sex": "other", "marker": "1,5"}
    return replace(
        found, values=values, volumes=volumes, outcome=outcome, patients=patients, sites=sites,
        covariates=tuple(covariates), repeated={PERTURBED: replace(copies, values=repeated)},
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "values",
        "missing regions",
        "copies",
        "volumes",
        "outcome",
        "patients",
        "sites",
        "unknown site",
        "covariates",
        "all",
    ],
)
def test_nothing_of_a_folds_test_cases_changes_what_it_learns(change: str) -> None:
    """All test cases but the last are changed; the last one's score tells whether the scale stays."""
    found, settings = _case_table(), _everything()
    fold = outer_folds(found.outcome, found.patients, settings)[0]
    before = validate_fold(fold, found, settings)
    after = validate_fold(fold, _with_rows(found, fold.test[:-1], change), settings)
    assert after.chosen == before.chosen is not None
    assert after.features == before.features
    assert after.inner_auc == before.inner_auc
    assert after.cut_offs == before.cut_offs
    assert {name: scores[-1] for name, scores in after.scores.items()} == {
        name: scores[-1] for name, scores in before.scores.items()
    }
    assert after.probabilities[STRATEGY][-1] == before.probabilities[STRATEGY][-1]
    seen = {"values": STRATEGY, "volumes": VOLUME, "covariates": CLINICAL, "sites": STRATEGY, "all": STRATEGY}
    if change in seen:  # else the test would prove nothing
        assert (after.scores[seen[change]][:-1] != before.scores[seen[change]][:-1]).all()


def test_a_training_case_does_change_what_is_learned() -> None:
    found, settings = _case_table(), _everything()
    fold = outer_folds(found.outcome, found.patients, settings)[0]
    before = validate_fold(fold, found, settings)
    after = validate_fold(fold, _with_rows(found, fold.training[:1], "values"), settings)
    assert after.inner_auc != before.inner_auc


@pytest.mark.parametrize("more", [0, 7])
def test_folds_are_stratified_and_each_case_is_tested_once_a_repeat(more: int) -> None:
    outcome = np.array([1] * 12 + [0] * (24 + more))
    folds = outer_folds(outcome, np.arange(len(outcome)).astype(str), protocol())
    assert [(fold.repeat, fold.number) for fold in folds] == [(r, n) for r in range(2) for n in range(3)]
    for repeat in range(2):
        tested = np.concatenate([fold.test for fold in folds if fold.repeat == repeat])
        assert sorted(tested) == list(range(len(outcome)))
    for fold in folds:
        assert outcome[fold.test].sum() == 4
        assert sorted([*fold.training, *fold.test]) == list(range(len(outcome)))


def test_repeats_have_other_folds_and_the_seed_decides() -> None:
    outcome = alternating(30)
    names = np.arange(30).astype(str)
    folds = outer_folds(outcome, names, protocol())
    assert {tuple(fold.test) for fold in folds[:3]}.isdisjoint({tuple(fold.test) for fold in folds[3:]})
    again, other = (outer_folds(outcome, names, protocol(seed=seed)) for seed in (protocol().seed, 5))
    assert [fold.test.tolist() for fold in again] == [fold.test.tolist() for fold in folds]
    assert [fold.test.tolist() for fold in other] != [fold.test.tolist() for fold in folds]


def test_the_cases_of_a_patient_are_never_on_both_sides() -> None:
    patients = np.array([f"P{place // 3}" for place in range(60)])
    outcome = (np.arange(60) // 3) % 2
    for fold in outer_folds(outcome, patients, protocol(learning={"folds": 5, "repeats": 3})):
        assert set(patients[fold.training]).isdisjoint(patients[fold.test])
        assert len(fold.test)


def test_processes_change_no_bit() -> None:
    found, settings = _case_table(), _everything(folds=2, repeats=1)
    folds = outer_folds(found.outcome, found.patients, settings)
    one, two = (list(cross_validate(folds, [found] * len(folds), settings, jobs=jobs)) for jobs in (1, 2))
    for first, second in zip(one, two):
        assert first.features == second.features
        assert first.cut_offs == second.cut_offs
        assert {name: scores.tobytes() for name, scores in first.scores.items()} == {
            name: scores.tobytes() for name, scores in second.scores.items()
        }
        assert first.probabilities[STRATEGY].tobytes() == second.probabilities[STRATEGY].tobytes()


def _result(repeat: int, test: list[int], scores: dict[str, list[float]], chosen: str | None = "A") -> FoldResult:
    rest = np.setdiff1d(np.arange(4), test)
    rows = {name: np.array(row) for name, row in scores.items()}
    features = {name: () if not any(row) else ("x",) for name, row in scores.items() if name in ("A", "B")}
    cut_offs = dict.fromkeys(scores, 0.5 + repeat)
    probabilities = {"A": np.array(test) / 10 + repeat}
    return FoldResult(Fold(repeat, 0, rest, np.array(test)), rows, cut_offs, probabilities, features, {}, chosen)


def test_scores_are_put_where_their_cases_stand() -> None:
    results = [
        _result(0, [3, 1], {"A": [0.3, 0.1], "B": [1.3, 1.1]}),
        _result(0, [0, 2], {"A": [0.0, 0.0]}, chosen=None),  # nothing learned, and no candidate B
        _result(1, [0, 1], {"A": [5.0, 5.1], "B": [6.0, 6.1]}),
        _result(1, [2, 3], {"A": [5.2, 5.3], "B": [6.2, 6.3]}),
    ]
    found = gather(results, 4)
    assert isinstance(found, Validation)
    assert found.held_out["A"].scores.tolist() == [[0, 0.1, 0, 0.3], [5.0, 5.1, 5.2, 5.3]]
    assert found.held_out["A"].cut_offs.tolist() == [[0.5] * 4, [1.5] * 4]
    assert found.held_out["B"].scores.tolist() == [[0, 1.1, 0, 1.3], [6.0, 6.1, 6.2, 6.3]]
    assert {name: (row.fits, row.empty) for name, row in found.held_out.items()} == {"A": (4, 1), "B": (4, 1)}
    assert found.probabilities["A"].tolist() == [[0.0, 0.1, 0.2, 0.3], [1.0, 1.1, 1.2, 1.3]]


def test_folds_without_a_baseline_are_counted() -> None:
    """Clinical variables that do not vary in a fold's training part are no model there."""
    results = [_result(0, [0, 1], {CLINICAL: [0.1, 0.2]}), _result(0, [2, 3], {"A": [1.0, 2.0]})]
    assert gather(results, 4).held_out[CLINICAL].empty == 1


def test_area_is_the_mean_over_the_repeats() -> None:
    outcome = alternating(20)
    scores = np.random.default_rng(3).normal(size=(3, 20)) + outcome
    validation = [_result(0, [0, 1, 2, 3], {"A": [0.0] * 4})]
    held_out = replace(gather(validation, 4).held_out["A"], scores=scores, fits=15)
    each = [auc_with_interval(outcome, row) for row in scores]
    area = held_out.area(outcome)
    assert area.auc == pytest.approx(np.mean([one.auc for one in each]))
    # Three repeats of five folds: DeLong's mean variance, corrected for the overlap of five training sets.
    assert held_out.folds == 5
    assert area.variance == pytest.approx(2.25 * np.mean([one.variance for one in each]))


def test_a_fold_in_which_nothing_can_be_learned_says_so_and_gives_no_score() -> None:
    settings = protocol(learning={"significance": 1e-9})
    found = table(alternating(30), columns("T1W_whole"))
    fold = outer_folds(found.outcome, found.patients, settings)[0]
    result = validate_fold(fold, found, settings)
    assert result.chosen is None
    assert (result.scores[STRATEGY] == 0).all()
    assert result.probabilities[STRATEGY] == pytest.approx(found.outcome[fold.training].mean())
    assert gather([result], 30).held_out[STRATEGY].empty == 1


def _nested_auc(found: FoldTable, settings: Protocol) -> float:
    folds = outer_folds(found.outcome, found.patients, settings)
    validation = gather(list(cross_validate(folds, [found] * len(folds), settings)), len(found.outcome))
    return validation.held_out[STRATEGY].area(found.outcome).auc


def _auc_with_selection_outside(found: FoldTable, settings: Protocol) -> float:
    """The mistake that nesting avoids: the ten best columns are chosen once, on all cases."""
    kept = select_features(found.values, found.outcome, settings.learning)[:10]
    names = tuple(found.columns[place] for place in kept)
    chosen = replace(found, values=found.values[:, kept], columns=names)
    return _nested_auc(chosen, settings)


def test_noise_stays_noise_and_selection_outside_the_folds_would_not_show_it() -> None:
    settings = protocol(learning={"folds": 5, "repeats": 1})
    names = columns("T1W_whole", features=1000)
    tables = [table(alternating(80), names, seed=seed) for seed in range(3)]
    nested = float(np.mean([_nested_auc(found, settings) for found in tables]))
    leaking = float(np.mean([_auc_with_selection_outside(found, settings) for found in tables]))
    assert 0.4 < nested < 0.6
    assert leaking > 0.8


def test_a_planted_effect_is_found() -> None:
    settings = protocol(learning={"folds": 5, "repeats": 1})
    found = table(alternating(80), columns("T1W_whole", "T1W_S1", features=30), planted={7: 2.0, 40: 0.5})
    folds = outer_folds(found.outcome, found.patients, settings)
    results = list(cross_validate(folds, [found] * len(folds), settings))
    area = mean_auc(found.outcome, gather(results, 80).held_out[STRATEGY].scores)
    assert area.auc > 0.85
    assert [result.chosen for result in results] == ["T1W whole"] * 5
    assert all(found.columns[7] in result.features["T1W whole"] for result in results)


def test_volume_and_clinical_variables_are_models_of_their_own() -> None:
    """The direction of the volume is learned from the training cases, and a small lesion can be the worse one."""
    found = table(alternating(60), columns("T1W_whole"))
    found = replace(
        found,
        volumes=np.where(found.outcome == 1, 5.0, 20.0) * np.exp(np.random.default_rng(1).normal(0, 0.3, 60)),
        covariates=tuple({"age": str(60 + 10 * value + place % 5)} for place, value in enumerate(found.outcome)),
    )
    settings = protocol()
    folds = outer_folds(found.outcome, found.patients, settings)
    validation = gather(list(cross_validate(folds, [found] * len(folds), settings)), 60)
    assert validation.held_out[VOLUME].area(found.outcome).auc > 0.9
    assert validation.held_out[CLINICAL].area(found.outcome).auc > 0.9
    assert validation.held_out[VOLUME].empty == 0


def test_scores_that_do_not_rise_with_the_outcome_give_the_prevalence() -> None:
    outcome = np.array([0, 0, 0, 1] * 10)
    rising = outcome + np.random.default_rng(0).normal(size=40)
    scores = np.array([-2.0, 0.5, 3.0])
    assert nested._calibrated(-rising, outcome, scores).tolist() == [0.25] * 3
    assert nested._calibrated(None, outcome, scores).tolist() == [0.25] * 3
    assert (np.diff(nested._calibrated(rising, outcome, scores)) > 0).all()
