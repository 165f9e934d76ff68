"""Optimism correction: written out by hand, on noise, on fixed scores, and the same for any number of processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.evaluation import Task, auc_with_interval, optimism_corrected, stratified_resample


def _auc(outcome: np.ndarray, scores: np.ndarray) -> float:
    return auc_with_interval(outcome, scores).auc


def _difference_of_means(values: np.ndarray, outcome: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores along the line between the two means: quick to learn, and as optimistic as any."""
    seen, known = values[train], outcome[train]
    return values[test] @ (seen[known == 1].mean(axis=0) - seen[known == 0].mean(axis=0))


def _noise(columns: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(5).normal(size=(60, columns)), np.repeat([0, 1], [36, 24])


def _in_processes(tasks: Sequence[Task]) -> Iterator[float]:
    import joblib

    yield from joblib.Parallel(n_jobs=2)(joblib.delayed(task)() for task in tasks)


def test_equals_the_steps_written_out() -> None:
    values, outcome = _noise(4)
    learn = partial(_difference_of_means, values, outcome)
    found = optimism_corrected(outcome, learn, _auc, count=30, seed=2)
    everybody = np.arange(60)
    expected = []
    for replicate in range(30):
        sample = stratified_resample(outcome, 2, replicate)
        on_sample, on_all = learn(sample, sample), learn(sample, everybody)
        expected.append(_auc(outcome[sample], on_sample) - _auc(outcome, on_all))
    np.testing.assert_allclose(found.replicates, expected)
    assert found.apparent == _auc(outcome, learn(everybody, everybody))
    assert found.optimism == pytest.approx(np.mean(expected))
    assert found.corrected == pytest.approx(found.apparent - found.optimism)
    assert found.failed == 0


def test_noise_is_unmasked() -> None:
    values, outcome = _noise(20)
    found = optimism_corrected(outcome, partial(_difference_of_means, values, outcome), _auc, count=100, seed=0)
    assert found.apparent > 0.8
    assert found.corrected < 0.7


def test_scores_that_learn_nothing_are_not_optimistic() -> None:
    values, outcome = _noise(1)
    scores = values[:, 0] + outcome
    found = optimism_corrected(outcome, lambda train, test: scores[test], _auc, count=400, seed=0)
    assert found.optimism == pytest.approx(0, abs=0.01)
    assert found.replicates.std() > 0.01


def test_processes_change_nothing() -> None:
    values, outcome = _noise(3)
    learn = partial(_difference_of_means, values, outcome)
    here = optimism_corrected(outcome, learn, _auc, count=8, seed=1)
    there = optimism_corrected(outcome, learn, _auc, count=8, seed=1, run=_in_processes)
    np.testing.assert_array_equal(here.replicates, there.replicates)


def test_patients_are_drawn_with_all_their_cases() -> None:
    values, outcome = _noise(3)
    patients = np.array([f"p{case // 3}" for case in range(60)])  # three lesions each, of one outcome
    samples: list[np.ndarray] = []

    def watching(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        samples.append(train)
        return _difference_of_means(values, outcome, train, test)

    found = optimism_corrected(outcome, watching, _auc, count=10, seed=0, groups=patients)
    for sample in samples[1:]:
        times = np.bincount(sample, minlength=60).reshape(20, 3)
        assert (times == times[:, :1]).all()
        assert outcome[sample].sum() == 24
    assert found.replicates.std() > 0


def test_replicates_that_learn_nothing_are_left_out_and_counted() -> None:
    values, outcome = _noise(2)
    learn = partial(_difference_of_means, values, outcome)

    def picky(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        if train[0] % 2:
            raise LearningError("No feature passed.")
        return learn(train, test)

    found = optimism_corrected(outcome, picky, _auc, count=20, seed=0)
    odd = [stratified_resample(outcome, 0, replicate)[0] % 2 == 1 for replicate in range(20)]
    assert 0 < found.failed == sum(odd) < 20
    np.testing.assert_array_equal(np.isnan(found.replicates), odd)
    assert found.optimism == pytest.approx(found.replicates[~np.array(odd)].mean())


def test_nothing_learned_at_all() -> None:
    outcome = np.repeat([0, 1], 5)

    def only_originals(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        if len(set(train)) < 10:
            raise LearningError("No feature passed.")
        return test.astype(float)

    def never(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        raise LearningError("No feature passed.")

    with pytest.raises(EvaluationError, match="any of 5 bootstrap samples"):
        optimism_corrected(outcome, only_originals, _auc, count=5, seed=0)
    with pytest.raises(LearningError, match="No feature passed"):
        optimism_corrected(outcome, never, _auc, count=5, seed=0)


def test_bad_input_is_refused() -> None:
    with pytest.raises(EvaluationError, match="0 replicates"):
        optimism_corrected(np.repeat([0, 1], 5), lambda train, test: test * 1.0, _auc, count=0, seed=0)
    with pytest.raises(EvaluationError, match="3 groups for 10 cases"):
        optimism_corrected(
            np.repeat([0, 1], 5), lambda train, test: test * 1.0, _auc, count=1, seed=0, groups=["a", "b", "c"]
        )
    with pytest.raises(EvaluationError, match="at least 1 of each"):
        optimism_corrected(np.zeros(5), lambda train, test: test * 1.0, _auc, seed=0)
