"""Cross-validation folds: which cases are left out together, and the unit in which their scores can be pooled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.protocol import Protocol

#: Indices of training and of test cases.
Split = tuple[np.ndarray, np.ndarray]
#: Group of each case, e.g. the patient; shape (cases,).
Groups = Sequence[object] | np.ndarray


def checked_outcome(outcome: np.ndarray, cases: int) -> np.ndarray:
    """The outcome as integers.

    Raises:
        LearningError: a different number of cases, or values other than 0 and 1.
    """
    outcome = np.asarray(outcome)
    if outcome.shape != (cases,):
        raise LearningError(
            f"{cases} cases and outcomes of shape {outcome.shape} do not belong together.",
            remedy="Give one row of features and one outcome per case.",
        )
    if not np.isin(outcome, (0, 1)).all():
        raise LearningError("An outcome is neither 0 nor 1.", remedy="Leave out the cases without an outcome.")
    return outcome.astype(int)


def check_two_outcomes(outcome: np.ndarray) -> None:
    """Refuse cases that all have the same outcome.

    Raises:
        LearningError: there is nothing to learn from them.
    """
    if len(np.unique(outcome)) < 2:
        raise LearningError("All cases have the same outcome.", remedy="There is nothing to learn from them.")


def group_numbers(groups: Groups | None, cases: int) -> np.ndarray:
    """The number of each case's group; without groups, each case is its own."""
    return np.arange(cases) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]


def stratified_folds(outcome: np.ndarray, folds: int, seed: int, groups: Groups | None = None) -> list[Split]:
    """Training and test indices, stratified by outcome, shuffled by the seed.

    Args:
        groups: the cases of a group are never on both sides. If each case forms its own group, the folds are the same
            as without groups.

    Raises:
        LearningError: too few cases, or groups that cannot be distributed, to have both outcomes in every fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    outcome = np.asarray(outcome)
    numbers = group_numbers(groups, len(outcome))
    grouped = len(np.unique(numbers)) < len(numbers)
    for value in (0, 1):
        count = len(np.unique(numbers[outcome == value]))
        if count < folds:
            raise LearningError(
                f"There are {count} {'groups of cases' if grouped else 'cases'} with outcome {value}, too few for "
                f"{folds} folds.",
                remedy="Add cases, or lower 'folds' in the protocol.",
            )
    positive = np.bincount(numbers, weights=outcome) / np.bincount(numbers)
    if not grouped:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        split = list(splitter.split(np.zeros((len(outcome), 1)), outcome))
    elif np.isin(positive, (0, 1)).all():
        # One outcome per group: groups are stratified as cases are, and distributed evenly.
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        of_groups = splitter.split(np.zeros((len(positive), 1)), positive)
        split = [
            (np.flatnonzero(np.isin(numbers, rest)), np.flatnonzero(np.isin(numbers, out))) for rest, out in of_groups
        ]
    else:
        mixed = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        split = list(mixed.split(np.zeros((len(outcome), 1)), outcome, numbers))
    for training, test in split:
        if min(len(np.unique(outcome[training])), len(np.unique(outcome[test]))) < 2:
            raise LearningError(
                f"The groups of cases could not be distributed over {folds} folds such that each has both outcomes.",
                remedy="Lower 'folds' in the protocol, or take another seed.",
            )
    return split


def in_deviations(training: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Scores in standard deviations of the training scores, whose mean is 0; 0 where those do not vary.

    Classifiers and rad-scores of different folds have different scales: only in these units can they be pooled.
    """
    spread = float(training.std())
    return (scores - training.mean()) / spread if spread > 0 else np.zeros(len(scores))


@dataclass(frozen=True)
class Fold:
    """One split of the cases; indices into their order."""

    repeat: int
    number: int
    training: np.ndarray
    test: np.ndarray


def outer_folds(outcome: np.ndarray, patients: np.ndarray, protocol: Protocol) -> tuple[Fold, ...]:
    """The folds of all repeats, stratified by outcome, with all cases of a patient on the same side."""
    settings = protocol.learning
    return tuple(
        Fold(repeat, number, training, test)
        for repeat in range(settings.repeats)
        for number, (training, test) in enumerate(
            stratified_folds(outcome, settings.folds, protocol.seed + repeat, patients)
        )
    )
