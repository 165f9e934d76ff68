"""How much of a model is chance: told on noise, on a planted effect, and the same bits for any number of processes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.candidates import Candidate
from HabitatRadiomicsLib.learning.preparation import FoldTable, prepare_fold
from HabitatRadiomicsLib.learning.strategy import held_out_scores, learn
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval
from HabitatRadiomicsLib.validation.stability import (
    SHARES,
    BootstrapFindings,
    Stability,
    assess_stability,
    bootstrapped,
    learning_curve,
    permuted_outcomes,
)

from ..made_up_tables import alternating, columns, protocol, table

_NAMES = columns("T1W_whole", features=12)
_WHOLE = Candidate(("T1W",), "whole")
_SETTINGS = protocol(learning={"repeats": 2, "significance": 0.2})


def _noise(cases: int = 40, **more: object) -> FoldTable:
    return replace(table(alternating(cases), _NAMES, seed=6), **more)  # type: ignore[arg-type]


def _planted(cases: int = 40) -> FoldTable:
    return table(alternating(cases), _NAMES, planted={3: 2.5}, seed=6)


def _asking_for_all(count: int) -> Protocol:
    learning = {"folds": 2, "repeats": 1, "permutations": count, "optimism_bootstraps": count, "learning_curve": True}
    return protocol(learning=learning)


def _apparent(found: FoldTable, settings: Protocol) -> float:
    learned = learn(
        prepare_fold(found, np.arange(len(found.outcome)), settings).training_table(found), settings.learning, seed=1
    )
    return auc_with_interval(found.outcome, held_out_scores(learned.score, found.values, found.values)).auc


def test_a_permutation_test_finds_a_planted_effect_and_p_is_never_0() -> None:
    found = permuted_outcomes(_planted(), _SETTINGS, 19)
    assert found is not None
    assert found.observed > 0.85
    assert found.p == 1 / 20
    assert len(found.permuted) == 19


def test_noise_gets_no_small_p() -> None:
    for seed in range(2):
        noise = table(alternating(40), _NAMES, seed=seed)
        found = permuted_outcomes(noise, _SETTINGS, 9)
        assert found is not None
        assert found.p > 0.1


def test_cases_of_a_patient_change_their_outcome_together_and_mixed_ones_cannot() -> None:
    patients = np.array([f"P{place // 2}" for place in range(40)])
    alike = table((np.arange(40) // 2) % 2, _NAMES, patients=patients.tolist())
    found = permuted_outcomes(alike, _SETTINGS, 3)
    assert found is not None
    assert len(found.permuted) == 3
    assert permuted_outcomes(replace(alike, outcome=alternating(40)), _SETTINGS, 3) is None


def test_patients_whom_no_folds_share_out_stop_no_run() -> None:
    """One patient with half of the cases: a permutation may put all of an outcome on one side."""
    patients = [f"P{place}" for place in range(20)] + ["P20"] * 20
    outcome = np.array([0, 1] * 10 + [1] * 20)
    found = permuted_outcomes(table(outcome, _NAMES, patients=patients), _SETTINGS, 10)
    assert found is not None
    assert np.isfinite(found.permuted).all()


def test_a_bootstrap_of_noise_is_optimistic_and_the_corrected_auc_is_not() -> None:
    noise = _noise()
    apparent = _apparent(noise, _SETTINGS)
    found = bootstrapped(noise, _SETTINGS, _WHOLE, apparent, 20)
    assert found.optimism > 0.1
    assert found.corrected == apparent - found.optimism < apparent
    assert 0 < found.samples <= found.count == 20


def test_a_planted_feature_is_selected_in_most_samples_and_shares_are_shares() -> None:
    found = bootstrapped(_planted(), _SETTINGS, _WHOLE, 1.0, 12)
    assert set(found.selected) <= set(_NAMES)
    assert all(0 < share <= 1 for share in found.selected.values())
    assert found.selected[_NAMES[3]] == 1.0
    assert list(found.selected) == sorted(found.selected)
    assert found.optimism < 0.15


def test_a_candidate_that_no_sample_knows_has_no_shares() -> None:
    found = bootstrapped(_planted(), _SETTINGS, Candidate(("T1W",), "S9"), 1.0, 2)
    assert found.selected == {}
    assert found.samples == 2


def test_where_nothing_can_be_learned_there_is_no_optimism() -> None:
    found = bootstrapped(_noise(), protocol(learning={"significance": 1e-12}), _WHOLE, 0.5, 3)
    assert found == BootstrapFindings(0.5, 0.0, 0, 3, {})


def test_bootstraps_draw_patients_with_all_their_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    from HabitatRadiomicsLib.validation import stability

    drawn = []
    prepare = stability.prepare_fold

    def watched(found: FoldTable, training: np.ndarray, settings: Protocol):  # type: ignore[no-untyped-def]
        drawn.append(training)
        return prepare(found, training, settings)

    monkeypatch.setattr(stability, "prepare_fold", watched)
    patients = np.array([f"P{place // 2}" for place in range(60)])
    found = table((np.arange(60) // 2) % 2, _NAMES, patients=patients.tolist(), planted={3: 2.0})
    bootstrapped(found, _SETTINGS, _WHOLE, 1.0, 2)
    assert len(drawn) == 2
    for rows in drawn:
        counts = np.bincount(rows, minlength=60)
        assert (counts[0::2] == counts[1::2]).all()
        assert counts.max() > 1


def test_the_learning_curve_rises_with_the_cases_and_training_is_above_held_out() -> None:
    found = table(alternating(60), _NAMES, planted=dict.fromkeys(range(4), 0.7), seed=6)
    curve = learning_curve(found, _SETTINGS, 3)
    assert [point.cases for point in curve] == [round(share * 40) for share in SHARES]
    assert all(len(point.training) == len(point.held_out) == 3 for point in curve)
    assert np.mean(curve[-1].held_out) > np.mean(curve[0].held_out)
    for point in curve:
        assert np.mean(point.training) > np.mean(point.held_out)
        assert all(0 <= value <= 1 for value in (*point.training, *point.held_out))


def test_the_curves_last_point_is_the_cross_validation_itself() -> None:
    """All training cases, the same folds, so the same AUC as the permutation test observes."""
    found = _planted()
    permutation = permuted_outcomes(found, _SETTINGS, 1)
    assert permutation is not None
    assert learning_curve(found, _SETTINGS, 1)[-1].held_out == (permutation.observed,)


def test_processes_change_no_bit() -> None:
    found, settings = _planted(), _asking_for_all(1)
    results = []
    for jobs in (1, 2):
        prepared = prepare_fold(found, np.arange(40), settings)
        learned = learn(prepared.training_table(found), settings.learning, seed=settings.seed)
        results.append(assess_stability(found, prepared, learned, settings, jobs=jobs))
    one, two = results
    assert one.permutation is not None
    assert two.permutation is not None
    assert one.permutation.permuted.tobytes() == two.permutation.permuted.tobytes()
    assert one.permutation.p == two.permutation.p
    assert one.bootstrap == two.bootstrap
    assert one.curve == two.curve


def test_a_search_is_the_same_in_any_number_of_processes() -> None:
    search = {"selectors": ["rfe", "tree-importance"], "classifiers": ["svm", "random-forest"], "features": [2]}
    settings = protocol(learning={"search": search, "folds": 2})
    one, two = (permuted_outcomes(_planted(), settings, 3, jobs=jobs) for jobs in (1, 2))
    assert one is not None
    assert two is not None
    assert (one.observed, one.permuted.tobytes()) == (two.observed, two.permuted.tobytes())


def test_what_the_protocol_does_not_ask_for_is_not_done() -> None:
    found = _planted()
    prepared = prepare_fold(found, np.arange(40), _SETTINGS)
    learned = learn(prepared.training_table(found), _SETTINGS.learning, seed=1)
    assert assess_stability(found, prepared, learned, _SETTINGS) == Stability(None, None, ())


def test_progress_goes_from_0_to_1() -> None:
    found, settings = _planted(), _asking_for_all(2)
    prepared = prepare_fold(found, np.arange(40), settings)
    learned = learn(prepared.training_table(found), settings.learning, seed=1)
    told: list[tuple[float, str]] = []
    assess_stability(found, prepared, learned, settings, progress=lambda part, text: told.append((part, text)))
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
    assert {text.split(" ")[0] for _, text in told} == {"permutation", "bootstrap", "learning"}


def test_sites_that_a_sample_does_not_draw_stop_no_run() -> None:
    names = ["Alpha", "Beta"] * 18 + ["Gamma"] * 4
    found = replace(_planted(), sites=np.array(names))
    settings = protocol(harmonisation={}, learning={"significance": 0.2})
    assert bootstrapped(found, settings, _WHOLE, 1.0, 6).samples == 6
    assert len(learning_curve(found, settings, 1)) == len(SHARES)
    assert permuted_outcomes(found, settings, 3) is not None
