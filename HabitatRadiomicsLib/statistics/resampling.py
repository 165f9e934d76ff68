"""Stratified resamples of cases or of clusters, and permutation tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.checking import checked

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

    Sums over cases can thus be computed for all resamples at once.

    Args:
        groups: the group of each case: whole groups are drawn, see `grouped_resample`; None: cases.
    """
    if groups is None:
        samples = (stratified_resample(outcome, seed, replicate) for replicate in range(count))
        return np.array([np.bincount(sample, minlength=len(outcome)) for sample in samples])
    member, alike = _groups_by_kind(outcome, groups)
    draws = (_drawn_groups(alike, seed, replicate) for replicate in range(count))
    return np.array([np.bincount(drawn, minlength=member.max() + 1)[member] for drawn in draws])


#: Sums in another order may differ in the last digits; such a permutation counts as reaching the observed value.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PermutationTest:
    """One-sided: how often permuted outcomes do as well.

    Attributes:
        observed: statistic of the real outcome.
        p: never 0.
        reached: number of permutations that do at least as well.
        permuted: statistic of each permutation, shape (count,).
    """

    observed: float
    p: float
    reached: int
    permuted: np.ndarray


def permutation_test(
    outcome: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    *,
    count: int = 1000,
    seed: int,
    groups: Sequence[object] | np.ndarray | None = None,
    run: Run = in_turn,
) -> PermutationTest:
    """``p = (reached + 1) / (count + 1)`` (Phipson 2010, doi 10.2202/1544-6115.1585).

    Args:
        outcome: 0 or 1, shape (cases,).
        statistic: of an outcome, larger for better; to test a whole procedure it repeats all that sees the outcome.
            Picklable where ``run`` uses processes.
        groups: the patient of each case. A patient's cases then keep one outcome, and patients exchange theirs.
        run: computes the statistic of the outcomes as they are and permuted; the result is the same for any.

    Raises:
        EvaluationError: see `checked`; groups of another number, or of two outcomes; no permutation asked for; a
            statistic that is no number.
    """
    outcome, _ = checked(outcome, np.zeros(len(outcome)))
    if count < 1:
        raise EvaluationError(f"{count} permutations test nothing.", remedy="Ask for 1000, say.")
    members = np.arange(len(outcome)) if groups is None else _one_outcome_each(outcome, groups)
    tasks = [
        partial(statistic_of_permutation, outcome, statistic, members, seed, replicate) for replicate in range(count)
    ]
    observed, *others = map(float, run([partial(statistic, outcome), *tasks]))
    permuted = np.array(others, dtype=float)
    if not (np.isfinite(observed) and np.isfinite(permuted).all()):
        raise EvaluationError("The statistic of some permutations is not a number, so that they cannot be compared.")
    reached = int((permuted >= observed - _ROUNDING * max(1.0, abs(observed))).sum())
    return PermutationTest(observed, (reached + 1) / (count + 1), reached, permuted)


def statistic_of_permutation(
    outcome: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    members: np.ndarray,
    seed: int,
    replicate: int,
) -> float:
    """The statistic of one permutation."""
    return float(statistic(permuted_outcome(outcome, members, seed, replicate)))


def permuted_outcome(outcome: np.ndarray, members: np.ndarray, seed: int, replicate: int) -> np.ndarray:
    """The outcomes of groups dealt out anew; depends on the seed and the replicate's number alone.

    Args:
        members: the group of each case, numbered from 0, shape (cases,); all cases of a group have one outcome.
    """
    first_cases = np.unique(members, return_index=True)[1]
    return np.random.default_rng((seed, replicate)).permutation(outcome[first_cases])[members]


def _one_outcome_each(outcome: np.ndarray, groups: Sequence[object] | np.ndarray) -> np.ndarray:
    if len(groups) != len(outcome):
        raise EvaluationError(f"There are {len(groups)} groups for {len(outcome)} cases.")
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    positive, size = np.bincount(members, outcome), np.bincount(members)
    mixed = (positive > 0) & (positive < size)
    if mixed.any():
        raise EvaluationError(
            f"{mixed.sum()} groups have cases of both outcomes, for example {names[mixed][0]}.",
            remedy="Permuting by patient needs one outcome per patient.",
        )
    return members
