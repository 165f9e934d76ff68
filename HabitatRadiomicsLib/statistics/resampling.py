"""Seeded replicates that can be computed anywhere, in any order, with the same result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

#: One replicate, ready to be called; picklable where what it calls is.
Task = Callable[[], float]
#: Computes tasks and gives their results in order, for example
#: ``lambda tasks: joblib.Parallel(n_jobs=2)(joblib.delayed(task)() for task in tasks)``.
Run = Callable[[Sequence[Task]], Iterable[float]]


def in_turn(tasks: Sequence[Task]) -> list[float]:
    """One after the other, in this process."""
    return [task() for task in tasks]


def stratified_resample(outcome: np.ndarray, seed: int, replicate: int) -> np.ndarray:
    """Indices of a bootstrap sample with as many cases of either outcome as there are.

    The place of each case is taken by a random one of the same outcome: ``outcome[indices]`` equals ``outcome``.
    Depends on the seed and the replicate's number alone.

    Args:
        outcome: shape (cases,).
    """
    generator = np.random.default_rng((seed, replicate))
    indices = np.empty(len(outcome), dtype=int)
    for value in np.unique(outcome):
        members = np.flatnonzero(outcome == value)
        indices[members] = generator.choice(members, len(members))
    return indices


def grouped_resample(
    outcome: np.ndarray, groups: Sequence[object] | np.ndarray, seed: int, replicate: int
) -> np.ndarray:
    """Indices of a bootstrap sample of groups, for example patients, each with all its cases.

    As many groups as there are of each kind are drawn: those with outcome 0 alone, with 1 alone, with both. The number
    of cases may so differ from the original. Depends on the seed and the replicate's number alone.

    Args:
        outcome: 0 or 1, shape (cases,).
        groups: the group of each case.
    """
    member, alike = _groups_by_kind(outcome, groups)
    drawn = _drawn_groups(alike, seed, replicate)
    return np.concatenate([np.flatnonzero(member == group) for group in drawn])


def _groups_by_kind(outcome: np.ndarray, groups: Sequence[object] | np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The number of each case's group, and the groups of each kind."""
    member = np.unique(np.asarray(groups), return_inverse=True)[1]
    positive, size = np.bincount(member, outcome), np.bincount(member)
    kind = (positive > 0).astype(int) + (positive == size)
    return member, [np.flatnonzero(kind == value) for value in np.unique(kind)]


def _drawn_groups(alike: Sequence[np.ndarray], seed: int, replicate: int) -> np.ndarray:
    generator = np.random.default_rng((seed, replicate))
    return np.concatenate([generator.choice(same, len(same)) for same in alike])


def resample_weights(
    outcome: np.ndarray, *, count: int, seed: int, groups: Sequence[object] | np.ndarray | None = None
) -> np.ndarray:
    """How often each case is drawn in each of ``count`` stratified resamples, shape (count, cases).

    What is a sum over cases can so be had of all resamples at once.

    Args:
        groups: the group of each case: whole groups are drawn, see `grouped_resample`; None: cases.
    """
    if groups is None:
        samples = (stratified_resample(outcome, seed, replicate) for replicate in range(count))
        return np.array([np.bincount(sample, minlength=len(outcome)) for sample in samples])
    member, alike = _groups_by_kind(outcome, groups)
    draws = (_drawn_groups(alike, seed, replicate) for replicate in range(count))
    return np.array([np.bincount(drawn, minlength=member.max() + 1)[member] for drawn in draws])
