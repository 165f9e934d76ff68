"""Selectors: ways to rank the features of a table before a classifier uses the best of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import check_two_outcomes
from HabitatRadiomicsLib.learning.forests import tree_importances
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.learning.selection import univariate_p, usable_columns
from HabitatRadiomicsLib.protocol import Selector

#: Recursive elimination fits a model for every few columns that it drops; of a wider table it receives this many
#: columns, those with the largest F.
_MOST_FOR_ELIMINATION = 300
#: It drops a tenth of its columns at a time until this many are left, and then one by one.
_ELIMINATED_ONE_BY_ONE = 15
#: A LASSO path is followed until more columns than this are in it.
_MOST_ENTERED = 30
_TREES = 200


def rank_features(name: Selector, values: np.ndarray, outcome: np.ndarray, *, seed: int) -> np.ndarray:
    """All columns of a table, the best first.

    Columns are z-scored first: no ranking depends on their units. Columns of equal rank stay in the table's order.

    - ``anova``: F of one-way analysis of variance. ``kruskal-wallis``: H, with the correction for ties.
    - ``mann-whitney``: p, see `univariate_p`.
    - ``mutual-information``: with the outcome, by nearest neighbours (Ross 2014, doi 10.1371/journal.pone.0087357).
      By far the slowest: some seconds for 1,000 columns.
    - ``tree-importance``: impurity that splits remove, over 200 extremely randomised trees (Geurts 2006,
      doi 10.1007/s10994-006-6226-1).
    - ``lasso``: the order in which columns enter the LASSO's path; of those that enter together, the larger coefficient
      first. Beyond the first 30, and of columns that never enter, by F.
    - ``relief``: ReliefF's weight (`relief_weights`).
    - ``rfe``: recursive elimination by a linear support vector machine (Guyon 2002, doi 10.1023/A:1012487302797). Of
      more than 300 columns, it receives those with the largest F; columns that it drops together, or does not
      receive, are ranked by F.

    Args:
        seed: of ``mutual-information`` and ``tree-importance``; the others are deterministic.

    Returns:
        Indices of the columns, shape (columns,).

    Raises:
        LearningError: a column has a gap or does not vary, or all cases have the same outcome.
    """
    if len(usable_columns(values)) < values.shape[1]:
        raise LearningError("A selector needs columns that vary, without gaps.", remedy="Leave the others out.")
    check_two_outcomes(outcome)
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    return _RANKINGS[name](standardised, outcome, seed)


def anova_f(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """F of one-way analysis of variance, shape (columns,); infinite where groups are constant. Every column varies."""
    explained = _explained(values, outcome)
    with np.errstate(divide="ignore"):
        return explained / (1 - explained) * (len(values) - 2)


def kruskal_h(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Kruskal and Wallis's H of the two outcomes, corrected for ties, shape (columns,).

    It is (cases - 1) times the share of the ranks' variance that the outcome explains; ranks of ties are averaged.
    """
    from scipy.stats import rankdata

    return _explained(rankdata(values, axis=0), outcome) * (len(values) - 1)


def relief_weights(values: np.ndarray, outcome: np.ndarray, *, neighbours: int = 10) -> np.ndarray:
    """ReliefF's weight of each column, -1 to 1, larger for better (Kononenko 1994, doi 10.1007/3-540-57868-4_57).

    Differences are shares of a column's range; the distance of two cases is their sum (Manhattan). A column's weight is
    the mean difference of cases from their nearest neighbours of the other outcome, less that from their nearest
    neighbours of the same outcome. Every column is treated as continuous.

    Args:
        values: finite, and every column varies.
        neighbours: of each outcome (Kononenko's number); fewer where there are fewer cases.
    """
    from scipy.spatial.distance import cdist

    scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    distances = cdist(scaled, scaled, "cityblock")
    np.fill_diagonal(distances, np.inf)  # no case is its own neighbour
    weights = np.zeros(values.shape[1])
    for case in range(len(values)):
        for same, sign in ((True, -1.0), (False, 1.0)):
            others = np.flatnonzero(((outcome == outcome[case]) == same) & np.isfinite(distances[case]))
            nearest = others[np.argsort(distances[case, others], kind="stable")[:neighbours]]
            if len(nearest):
                weights += sign * np.abs(scaled[nearest] - scaled[case]).mean(axis=0)
    return weights / len(values)


def _explained(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Share of each column's variance that lies between the outcomes."""
    mean = values.mean(axis=0)
    groups = [values[outcome == value] for value in (0, 1)]
    between = sum(len(group) * (group.mean(axis=0) - mean) ** 2 for group in groups)
    return np.asarray(np.minimum(between / ((values - mean) ** 2).sum(axis=0), 1.0))


def _descending(merit: np.ndarray) -> np.ndarray:
    return np.argsort(-merit, kind="stable")


def _by_f(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return _descending(anova_f(values, outcome))


def _by_mutual_information(values: np.ndarray, outcome: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.feature_selection import mutual_info_classif

    return _descending(mutual_info_classif(values, outcome, discrete_features=False, random_state=seed))


def _by_lasso(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    path = np.abs(lasso_path(values, outcome, stop_above=_MOST_ENTERED).coefficients)
    if not len(path):
        return _by_f(values, outcome)
    inside = path > 0
    entry = np.where(inside.any(axis=0), inside.argmax(axis=0), len(path))
    size = path[np.minimum(entry, len(path) - 1), np.arange(path.shape[1])]
    rank_by_f = np.argsort(_by_f(values, outcome))
    return np.lexsort((rank_by_f, -size, entry))


def _by_elimination(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Drops a tenth of the columns at a time until few are left, then one by one."""
    order = _by_f(values, outcome)
    given, rest = order[:_MOST_FOR_ELIMINATION], order[_MOST_FOR_ELIMINATION:]
    few = min(_ELIMINATED_ONE_BY_ONE, len(given))
    given = given[_eliminated(values[:, given], outcome, few, max(1, len(given) // 10))]
    last = given[:few]
    return np.concatenate([last[_eliminated(values[:, last], outcome, 1, 1)], given[few:], rest])


def _eliminated(values: np.ndarray, outcome: np.ndarray, left: int, step: int) -> np.ndarray:
    """Indices of the columns: first those that are left, last those that were dropped first, ``step`` at a time."""
    from sklearn.feature_selection import RFE
    from sklearn.svm import SVC

    if values.shape[1] <= left:
        return np.arange(values.shape[1])
    elimination = RFE(SVC(kernel="linear"), n_features_to_select=left, step=step).fit(values, outcome)
    return np.argsort(elimination.ranking_, kind="stable")


_RANKINGS: dict[Selector, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "anova": lambda values, outcome, seed: _by_f(values, outcome),
    "kruskal-wallis": lambda values, outcome, seed: _descending(kruskal_h(values, outcome)),
    "mutual-information": _by_mutual_information,
    "tree-importance": lambda values, outcome, seed: _descending(tree_importances(values, outcome, _TREES, seed=seed)),
    "lasso": lambda values, outcome, seed: _by_lasso(values, outcome),
    "relief": lambda values, outcome, seed: _descending(relief_weights(values, outcome)),
    "rfe": lambda values, outcome, seed: _by_elimination(values, outcome),
    "mann-whitney": lambda values, outcome, seed: _descending(-univariate_p(values, outcome, "mann-whitney")),
}
