"""Scout models: one search per base image decides which images are used, and a last search combines the features
that were selected from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import Groups, checked_outcome, group_numbers, in_deviations, stratified_folds
from HabitatRadiomicsLib.learning.search import SearchedScore, fit_search
from HabitatRadiomicsLib.learning.selection import usable_columns
from HabitatRadiomicsLib.protocol import ClassifierName, ScoutSettings, SearchSettings, Selector


@dataclass(frozen=True)
class Scout:
    """The best score of one base image's features.

    Attributes:
        image: as named in the columns, e.g. ``original``, ``log-sigma-3-0-mm-3D``.
        auc, sd: mean and SD over the folds of its cross-validation.
        columns: the columns of the table that it selected on all training cases.
        passed: whether these take part in the last search.
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
        held_out: as of a `SearchedScore`, but by fits in which the scouts had not seen the cases either; 0, the
            training mean, in a fold in which no scout passed. Use this to choose between scores: ``compared`` covers
            only the last search, whose columns were chosen on all training cases.
        scouts: one for each image with a usable column, in the order of its first such column.
    """

    scouts: tuple[Scout, ...]

    def at(self, columns: np.ndarray) -> ScoutedScore:
        """The same score of a larger table, from which its columns were taken; ``columns`` are their indices in it."""
        scouts = tuple(replace(scout, columns=columns[scout.columns]) for scout in self.scouts)
        return replace(self, columns=columns[self.columns], scouts=scouts)


def fit_scouts(
    values: np.ndarray,
    images: Sequence[str],
    outcome: np.ndarray,
    search: SearchSettings,
    scouts: ScoutSettings,
    *,
    folds: int,
    seed: int,
    groups: Groups | None = None,
) -> ScoutedScore:
    """A search within each base image, and a last search on the features selected by the scouts that passed (Li
    2023).

    The last search has no correlation filter. For ``held_out``, the whole procedure with its own cross-validations is
    repeated in each fold's training part: there are (folds + 1) x (images + 1) searches. Where that part has fewer
    cases of an outcome than ``folds``, its cross-validations have fewer folds.

    Args:
        images: the base image of each column.
        folds, seed, groups: of every search.

    Raises:
        LearningError: no scout passed, or as `fit_search`.
    """
    outcome = checked_outcome(outcome, len(values))
    if len(images) != values.shape[1]:
        raise LearningError(f"There are {len(images)} base images for {values.shape[1]} columns.")
    numbers = group_numbers(groups, len(outcome))
    usable = usable_columns(values)
    table, images_of = values[:, usable], np.asarray(images)[usable]
    whole = _scouted(table, images_of, outcome, search, scouts, folds, seed, numbers)
    if not isinstance(whole, ScoutedScore):
        raise _none_passed(whole, scouts)
    held_out = np.zeros(len(outcome))
    for training, test in stratified_folds(outcome, folds, seed, numbers):
        inner = numbers[training]
        possible = min(folds, *(len(np.unique(inner[outcome[training] == value])) for value in (0, 1)))
        part = _scouted(table[training], images_of, outcome[training], search, scouts, possible, seed, inner)
        if isinstance(part, ScoutedScore):
            held_out[test] = in_deviations(part.score(table[training]), part.score(table[test]))
    return replace(whole.at(usable), held_out=held_out)


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
        columns = np.flatnonzero(images == image)
        columns = columns[usable_columns(values[:, columns])]
        if not len(columns):  # none of them varies among these cases
            continue
        score = fit_search(values[:, columns], outcome, search, folds=folds, seed=seed, groups=groups)
        auc, sd = score.result.auc, score.result.sd
        passed = auc >= scouts.minimum_auc
        sent.append(Scout(image, score.selector, score.classifier, auc, sd, columns[score.columns], passed))
    selected = [scout.columns for scout in sent if scout.passed]
    if not selected:
        return tuple(sent)
    pooled = np.sort(np.concatenate(selected))
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
