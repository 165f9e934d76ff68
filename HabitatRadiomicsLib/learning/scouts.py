"""Scout models: one search per base image decides which images are used, and a last search combines the features
selected from these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.search import (
    SearchedScore,
    checked_outcome,
    fit_search,
    in_training_deviations,
)
from HabitatRadiomicsLib.learning.selection import usable_columns
from HabitatRadiomicsLib.protocol import ClassifierName, ScoutSettings, SearchSettings, Selector


@dataclass(frozen=True)
class Scout:
    """The best score of one base image's features.

    Attributes:
        image: as named in the columns, e.g. ``original``, ``log-sigma-3-0-mm-3D``.
        auc, sd: mean and SD over the folds of its cross-validation.
        columns: the columns of the table that it selected on all training cases.
        passed: whether they go on to the last search.
    """

    image: str
    selector: Selector
    classifier: ClassifierName
    auc: float
    sd: float
    columns: np.ndarray
    passed: bool


@dataclass(frozen=True)
class ScoutedScore(SearchedScore):
    """The score of the last search.

    Attributes:
        held_out: as for a `SearchedScore`, but by fits in which the scouts, too, had not seen the cases; 0, the
            training mean, in a fold in which no scout passed. Use this to choose between scores: ``compared`` covers
            the last search alone, whose columns were chosen on all training cases.
        scouts: one for each image with a usable column, in the order of its first such column.
    """

    scouts: tuple[Scout, ...]


def fit_scouts(
    values: np.ndarray,
    images: Sequence[str],
    outcome: np.ndarray,
    search: SearchSettings,
    scouts: ScoutSettings,
    *,
    folds: int,
    seed: int,
    groups: Sequence[object] | np.ndarray | None = None,
) -> ScoutedScore:
    """A search within each base image, and a last search on the features selected by the scouts that passed (Li
    2023).

    The last search has no correlation filter. For ``held_out`` the whole procedure, with its own cross-validations, is
    repeated in each fold's training part, so that there are (folds + 1) x (images + 1) searches; where that part has
    fewer cases of an outcome than ``folds``, its cross-validations have fewer folds.

    Args:
        values: shape (cases, columns), of the training cases only.
        images: the base image of each column.
        outcome: 0 or 1, shape (cases,).
        folds, seed, groups: of every search.

    Raises:
        LearningError: no scout passed, or as `fit_search`.
    """
    outcome = checked_outcome(values, outcome)
    if len(images) != values.shape[1]:
        raise LearningError(f"There are {len(images)} base images for {values.shape[1]} columns.")
    names = np.arange(len(outcome)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    usable = usable_columns(values)
    table, own_images = values[:, usable], np.asarray(images)[usable]
    whole = _scouted(table, own_images, outcome, search, scouts, folds, seed, names)
    if not isinstance(whole, ScoutedScore):
        raise _none_passed(whole, scouts)
    held_out = np.zeros(len(outcome))
    for training, test in stratified_folds(outcome, folds, seed, names):
        possible = min(folds, *(len(np.unique(names[training][outcome[training] == value])) for value in (0, 1)))
        part = _scouted(table[training], own_images, outcome[training], search, scouts, possible, seed, names[training])
        if isinstance(part, ScoutedScore):
            held_out[test] = in_training_deviations(part, table[training], table[test])
    own = tuple(replace(scout, columns=usable[scout.columns]) for scout in whole.scouts)
    return replace(whole, columns=usable[whole.columns], held_out=held_out, scouts=own)


def _scouted(
    values: np.ndarray,
    images: np.ndarray,
    outcome: np.ndarray,
    search: SearchSettings,
    scouts: ScoutSettings,
    folds: int,
    seed: int,
    groups: np.ndarray,
) -> ScoutedScore | tuple[Scout, ...]:
    """The procedure once; only the scouts if none passed."""
    sent = []
    for image in dict.fromkeys(images.tolist()):
        places = np.flatnonzero(images == image)
        places = places[usable_columns(values[:, places])]
        if not len(places):  # none of them varies among these cases
            continue
        score = fit_search(values[:, places], outcome, search, folds=folds, seed=seed, groups=groups)
        auc, sd = score.result.auc, score.result.sd
        passed = auc >= scouts.minimum_auc
        sent.append(Scout(image, score.selector, score.classifier, auc, sd, places[score.columns], passed))
    own = [scout.columns for scout in sent if scout.passed]
    if not own:
        return tuple(sent)
    pooled = np.sort(np.concatenate(own))
    unfiltered = search.model_copy(update={"maximum_correlation": None})
    last = fit_search(values[:, pooled], outcome, unfiltered, folds=folds, seed=seed, groups=groups)
    return ScoutedScore(**{**vars(last), "columns": pooled[last.columns]}, scouts=tuple(sent))


def _none_passed(sent: tuple[Scout, ...], scouts: ScoutSettings) -> LearningError:
    if not sent:
        return LearningError(
            "No feature is defined for all cases and varies.", remedy="There is nothing to learn from this table."
        )
    best = max(sent, key=lambda scout: scout.auc)
    return LearningError(
        f"None of {len(sent)} scout models reached a mean AUC of {scouts.minimum_auc:g}; the best, of {best.image}, "
        f"had {best.auc:.2f}.",
        remedy="There is nothing to learn from this table, or 'minimum_auc' is too strict.",
    )
