"""ReliefF: how well a feature tells a case's nearest neighbours of the other outcome from those of its own."""

from __future__ import annotations

import numpy as np

#: Kononenko's number of neighbours; with fewer cases, all are used.
_NEIGHBOURS = 10


def relief_weights(values: np.ndarray, outcome: np.ndarray, *, neighbours: int = _NEIGHBOURS) -> np.ndarray:
    """The weight of each column, -1 to 1, higher for better (Kononenko 1994, doi 10.1007/3-540-57868-4_57).

    Differences are in shares of a column's range, the distance of two cases is their sum (Manhattan). For each case,
    the mean difference from its nearest neighbours of the other outcome counts for the column, and that from its
    nearest neighbours of the same outcome against it. Every column counts as continuous, however few values it has.

    Args:
        values: shape (cases, columns); finite, and every column varies.
        outcome: 0 or 1, shape (cases,).
        neighbours: of each outcome; fewer where there are fewer.
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
