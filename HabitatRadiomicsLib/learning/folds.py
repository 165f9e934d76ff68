"""Cross-validation folds: which cases are left out together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.protocol import Protocol

#: Indices of training and of test cases.
Split = tuple[np.ndarray, np.ndarray]


def check_two_outcomes(outcome: np.ndarray) -> None:
    """Refuse cases that all have the same outcome.

    Raises:
        LearningError: there is nothing to learn from them.
    """
    if len(np.unique(outcome)) < 2:
        raise LearningError("All cases have the same outcome.", remedy="There is nothing to learn from them.")


def stratified_folds(
    outcome: np.ndarray, folds: int, seed: int, groups: Sequence[object] | np.ndarray | None = None
) -> list[Split]:
    """Training and test indices, stratified by outcome, shuffled by the seed.

    Args:
        outcome: 0 or 1, shape (cases,).
        groups: one per case, e.g. the patient; the cases of a group are never on both sides. If each case forms its
            own group, the folds are the same as without groups.

    Raises:
        LearningError: too few cases, or groups that cannot be distributed, to have both outcomes in every fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    outcome = np.asarray(outcome)
    names = np.arange(len(outcome)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    grouped = len(np.unique(names)) < len(names)
    for value in (0, 1):
        found = len(np.unique(names[outcome == value]))
        if found < folds:
            what = "groups of cases" if grouped else "cases"
            raise LearningError(
                f"There are {found} {what} with outcome {value}, too few for {folds} folds.",
                remedy="Add cases, or lower 'folds' in the protocol.",
            )
    positive = np.bincount(names, weights=outcome) / np.bincount(names)
    if np.isin(positive, (0, 1)).all():
        # One outcome per group: groups are stratified as cases are, and shared out evenly. With a group for each case,
        # its order is that of the cases.
        places = names if grouped else np.arange(len(outcome))
        of_group = positive if grouped else outcome
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
        groups_apart = splitter.split(np.zeros((len(of_group), 1)), of_group)
        split = [
            (np.flatnonzero(np.isin(places, rest)), np.flatnonzero(np.isin(places, out))) for rest, out in groups_apart
        ]
    else:
        mixed = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        split = list(mixed.split(np.zeros((len(outcome), 1)), outcome, names))
    for training, test in split:
        if min(len(np.unique(outcome[training])), len(np.unique(outcome[test]))) < 2:
            raise LearningError(
                f"The groups of cases were not shared out over {folds} folds such that each has both outcomes.",
                remedy="Lower 'folds' in the protocol, or take another seed.",
            )
    return split


@dataclass(frozen=True)
class Fold:
    """One split of the cases; indices into their order."""

    repeat: int
    number: int
    training: np.ndarray
    test: np.ndarray


def outer_folds(outcome: np.ndarray, patients: np.ndarray, protocol: Protocol) -> tuple[Fold, ...]:
    """The folds of all repeats, stratified by outcome, with all cases of a patient on the same side.

    Args:
        outcome: 0 or 1, shape (cases,); ``patients``: whose case it is.
    """
    settings = protocol.learning
    return tuple(
        Fold(repeat, number, training, test)
        for repeat in range(settings.repeats)
        for number, (training, test) in enumerate(
            stratified_folds(outcome, settings.folds, protocol.seed + repeat, patients)
        )
    )
