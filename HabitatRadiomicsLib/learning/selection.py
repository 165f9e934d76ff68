"""Which features may enter a rad-score."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.protocol import LearningSettings


def select_features(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings) -> np.ndarray:
    """Columns that are defined for all cases, vary, differ by outcome and are not redundant.

    1. Columns with a NaN, or the same value everywhere (within rounding), are dropped.
    2. Mann-Whitney U, two-sided; p must be below ``significance``.
    3. In order of p, a column is kept when its |Pearson r| with every kept one is at most ``maximum_correlation``.

    Args:
        values: shape (cases, columns).
        outcome: 0 or 1, shape (cases,).

    Returns:
        Indices of the columns that are left, the smallest p first; may be empty.
    """
    from scipy.stats import mannwhitneyu

    finite = np.isfinite(values).all(axis=0)
    spread = np.zeros(values.shape[1])
    spread[finite] = np.ptp(values[:, finite], axis=0)
    largest = np.abs(np.where(np.isfinite(values), values, 0)).max(axis=0, initial=0)
    usable = np.flatnonzero(finite & (spread > 1e-10 * largest))
    if usable.size == 0:
        return usable
    columns = values[:, usable]
    p = mannwhitneyu(columns[outcome == 1], columns[outcome == 0], axis=0, alternative="two-sided").pvalue
    # A stable sort: columns with the same p stay in the table's order.
    order = np.argsort(p, kind="stable")
    order = order[p[order] < settings.significance]
    standardised = (columns[:, order] - columns[:, order].mean(axis=0)) / columns[:, order].std(axis=0)
    kept: list[int] = []
    for candidate in range(len(order)):
        correlation = standardised[:, kept].T @ standardised[:, candidate] / len(standardised)
        if np.all(np.abs(correlation) <= settings.maximum_correlation):
            kept.append(candidate)
    return usable[order[kept]]
