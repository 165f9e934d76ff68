"""Stratified resamples of cases or of clusters, and permutation tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters


def stratified_resample(outcome: np.ndarray, seed: int, replicate: int) -> np.ndarray:
    """Indices of a bootstrap sample with as many cases of either outcome as there are.

    Each case is replaced by a random one of the same outcome: ``outcome[indices]`` equals ``outcome``. The sample
    depends on the seed and the replicate's number alone.
    """
    generator = np.random.default_rng((seed, replicate))
    indices = np.empty(len(outcome), dtype=int)
    for value in np.unique(outcome):
        members = np.flatnonzero(outcome == value)
        indices[members] = generator.choice(members, len(members))
    return indices


def grouped_resample(outcome: np.ndarray, groups: Clusters, seed: int, replicate: int) -> np.ndarray:
    """Indices of a bootstrap sample of groups, for example patients, each with all its cases.

    Of each kind of group (outcome 0 alone, outcome 1 alone, both), as many are drawn as there are; the number of cases
    may differ from the original. The sample depends on the seed and the replicate's number alone.
    """
    members, kinds = _groups_by_kind(outcome, groups)
    drawn = _drawn_groups(kinds, seed, replicate)
    return np.concatenate([np.flatnonzero(members == group) for group in drawn])


def _groups_by_kind(outcome: np.ndarray, groups: Clusters) -> tuple[np.ndarray, list[np.ndarray]]:
    """The number of each case's group, and the groups of each kind."""
    members = np.unique(np.asarray(groups), return_inverse=True)[1]
    positive, size = np.bincount(members, outcome), np.bincount(members)
    kind = (positive > 0).astype(int) + (positive == size)
    return members, [np.flatnonzero(kind == value) for value in np.unique(kind)]


def _drawn_groups(kinds: Sequence[np.ndarray], seed: int, replicate: int) -> np.ndarray:
    generator = np.random.default_rng((seed, replicate))
    return np.concatenate([generator.choice(groups, len(groups)) for groups in kinds])


def resample_weights(outcome: np.ndarray, *, count: int, seed: int, groups: Clusters | None = None) -> np.ndarray:
    """How often each case is drawn in each of ``count`` stratified resamples, shape (count, cases).

    With these weights, sums over cases can be computed for all resamples at once.

    Args:
        groups: whole groups are drawn, see `grouped_resample`; None: cases.
    """
    if groups is None:
        samples = (stratified_resample(outcome, seed, replicate) for replicate in range(count))
        return np.array([np.bincount(sample, minlength=len(outcome)) for sample in samples])
    members, kinds = _groups_by_kind(outcome, groups)
    draws = (_drawn_groups(kinds, seed, replicate) for replicate in range(count))
    return np.array([np.bincount(drawn, minlength=members.max() + 1)[members] for drawn in draws])


#: Sums in another order may differ in the last digits; such a permutation counts as reaching the observed value.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class PermutationTest:
    """One-sided: how often permuted outcomes do as well.

    Attributes:
        observed: statistic of the real outcome.
        p: never 0.
        permuted: statistic of each permutation, shape (count,).
    """

    observed: float
    p: float
    permuted: np.ndarray


def permutation_test(observed: float, permuted: Iterable[float]) -> PermutationTest:
    """``p = (reached + 1) / (count + 1)``, where ``reached`` permutations do at least as well (Phipson 2010,
    doi 10.2202/1544-6115.1585).

    To test a whole procedure, the statistic is computed by repeating every step that sees the outcome.

    Args:
        observed: statistic of the real outcome, larger for better.
        permuted: statistic of each of `outcome_permutations`.

    Raises:
        EvaluationError: a statistic that is not a number.
    """
    others = np.array(list(permuted), dtype=float)
    if not (np.isfinite(observed) and np.isfinite(others).all()):
        raise EvaluationError("The statistic of some permutations is not a number, so that they cannot be compared.")
    reached = int((others >= observed - _ROUNDING * max(1.0, abs(observed))).sum())
    return PermutationTest(observed, (reached + 1) / (len(others) + 1), others)


def outcome_permutations(
    outcome: np.ndarray, *, count: int, seed: int, groups: Clusters | None = None
) -> list[np.ndarray]:
    """Permutations of the outcome; each depends on the seed and its number alone.

    Args:
        groups: the patient of each case: a patient's cases keep one outcome, and patients exchange theirs.

    Raises:
        EvaluationError: groups of another number, or of two outcomes; no permutation is requested.
    """
    outcome, _ = checked(outcome, np.zeros(len(outcome)))
    if count < 1:
        raise EvaluationError(f"{count} permutations test nothing.", remedy="Ask for 1000, say.")
    members = np.arange(len(outcome)) if groups is None else _one_outcome_each(outcome, groups)
    of_groups = outcome[np.unique(members, return_index=True)[1]]
    generators = (np.random.default_rng((seed, replicate)) for replicate in range(count))
    return [generator.permutation(of_groups)[members] for generator in generators]


def _one_outcome_each(outcome: np.ndarray, groups: Clusters) -> np.ndarray:
    """The number of each case's group."""
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
