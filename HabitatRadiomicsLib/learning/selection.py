"""Selects the features that may enter a rad-score."""

from __future__ import annotations

import warnings

import numpy as np

from HabitatRadiomicsLib.learning.folds import check_two_outcomes
from HabitatRadiomicsLib.protocol import LearningSettings

#: With more cases per group, U has its normal approximation, otherwise its exact distribution; as in SciPy and R.
_EXACT_CASES = 8
_NORMALITY = 0.05
#: Fewer cases have no Shapiro-Wilk statistic.
_FEWEST_FOR_NORMALITY = 3
#: Fewer cases in two groups leave no degree of freedom for the variance within them.
_FEWEST_FOR_VARIANCE = 3


def select_features(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings) -> np.ndarray:
    """Columns that are defined for all cases, vary, differ by outcome and are not redundant.

    1. Columns with a NaN, or the same value everywhere (within rounding), are dropped.
    2. ``univariate_test``, two-sided; p must be below ``significance``.
    3. If ``univariate_selection`` is set, that many columns with the smallest p are kept: before redundancy is
       checked, as studies use scikit-learn's SelectKBest, so that fewer may be left in the end.
    4. In order of p, a column is kept when its |Pearson r| with every kept one is at most ``maximum_correlation``.

    Returns:
        Indices of the columns that are left, the smallest p first; may be empty.
    """
    usable = usable_columns(values)
    columns = values[:, usable]
    p = univariate_p(columns, outcome, settings.univariate_test)
    # A stable sort: columns with the same p stay in the table's order.
    order = np.argsort(p, kind="stable")
    order = order[p[order] < settings.significance][: settings.univariate_selection]
    return usable[order[without_redundant(columns[:, order], settings.maximum_correlation)]]


def univariate_p(values: np.ndarray, outcome: np.ndarray, test: str) -> np.ndarray:
    """Two-sided p of a difference between the outcomes, shape (columns,).

    ``mann-whitney``: U; exact where a group has at most 8 cases and the column no ties, else the normal approximation
    with corrections for ties and continuity. ``by-normality``: Welch's t where Shapiro-Wilk's p is above 0.05 in both
    groups, else Mann-Whitney. ``anova``: one-way analysis of variance, for two groups Student's t with equal variances;
    a column that is constant in both groups yet differs between them has p 0.

    Args:
        values: finite.

    Raises:
        LearningError: all cases have the same outcome.
    """
    from scipy.stats import ttest_ind

    positive, negative = values[outcome == 1], values[outcome == 0]
    check_two_outcomes(outcome)
    if test == "anova":
        return _anova_p(positive, negative)
    p = _mann_whitney_p(positive, negative)
    if test == "by-normality":
        normal = np.flatnonzero(_looks_normal(positive) & _looks_normal(negative))
        if normal.size:
            p[normal] = ttest_ind(positive[:, normal], negative[:, normal], axis=0, equal_var=False).pvalue
    return p


def usable_columns(values: np.ndarray) -> np.ndarray:
    """Indices of the columns that are defined for all cases and vary (beyond rounding)."""
    finite = np.isfinite(values).all(axis=0)
    spread = np.zeros(values.shape[1])
    spread[finite] = np.ptp(values[:, finite], axis=0)
    largest = np.abs(np.where(np.isfinite(values), values, 0)).max(axis=0, initial=0)
    return np.flatnonzero(finite & (spread > 1e-10 * largest))


def _mann_whitney_p(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    from scipy.stats import mannwhitneyu

    p = np.ones(positive.shape[1])
    exact: np.ndarray = np.zeros(len(p), dtype=bool)
    if min(len(positive), len(negative)) <= _EXACT_CASES:
        # SciPy chooses once for the whole table: one column with ties would change the p of all others.
        exact = np.all(np.diff(np.sort(np.vstack([positive, negative]), axis=0), axis=0) > 0, axis=0)
    for columns, method in ((exact, "exact"), (~exact, "asymptotic")):
        if columns.any():
            p[columns] = mannwhitneyu(positive[:, columns], negative[:, columns], axis=0, method=method).pvalue
    return p


def _anova_p(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    from scipy.stats import ttest_ind

    if len(positive) + len(negative) < _FEWEST_FOR_VARIANCE or positive.shape[1] == 0:
        return np.ones(positive.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a column that is constant in both groups, whose p is correct
        return np.asarray(ttest_ind(positive, negative, axis=0, equal_var=True).pvalue)


def _looks_normal(group: np.ndarray) -> np.ndarray:
    from scipy.stats import shapiro

    if len(group) < _FEWEST_FOR_NORMALITY or group.shape[1] == 0:
        return np.zeros(group.shape[1], dtype=bool)
    varying = np.ptp(group, axis=0) > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a constant group, which has no statistic, and is not normal
        return varying & (shapiro(group, axis=0).pvalue > _NORMALITY)


def without_redundant(columns: np.ndarray, maximum_correlation: float) -> np.ndarray:
    """Indices of the columns that are kept: the first of each set of redundant ones.

    A column is kept when its |Pearson r| with every kept one before it is at most ``maximum_correlation``.

    Args:
        columns: shape (cases, columns); every column varies.
    """
    centred = (columns - columns.mean(axis=0)).T
    rows = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    kept = np.ones(len(rows), dtype=bool)
    for index in range(len(rows)):
        if kept[index]:
            # Rounding must not lift a correlation of 1 above a limit of 1.
            correlation = np.minimum(np.abs(rows[index + 1 :] @ rows[index]), 1.0)
            kept[index + 1 :] &= correlation <= maximum_correlation
    return np.flatnonzero(kept)
