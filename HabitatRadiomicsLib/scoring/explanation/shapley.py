"""Exact Shapley values of any score."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.system.tasks import one_thread

#: Of n features, 2 to the power of n subsets are scored with each row of the background.
_MOST_FEATURES = 12
#: Rows scored at a time: enough to make the overhead of a call negligible, few enough to stay in the cache.
_ROWS = 1 << 14


def exact_shapley(
    score: Callable[[np.ndarray], np.ndarray], values: np.ndarray, background: np.ndarray
) -> tuple[float, np.ndarray]:
    """Interventional Shapley values over all subsets of the features.

    The value of a subset is the mean score of the background with its features replaced by those of the case
    (Lundberg 2017, arXiv 1705.07874; Janzing 2020, arXiv 1910.13413). A feature's value is the mean of what it adds
    over all orders in which the features can be added.

    Args:
        score: of rows of features, shape (rows, features) to (rows,); no row may influence another row's score.
        values: of the case, shape (features,).
        background: shape (cases, features).

    Returns:
        The mean score of the background, and the contribution of each feature, shape (features,). Their sum is the
        score of the case.

    Raises:
        ModelError: too many features, no background, values that do not fit it, or values or scores that are not
            finite.
    """
    values, background = np.asarray(values, dtype=float), np.asarray(background, dtype=float)
    _check(values, background)
    with one_thread():
        worth = _worths(score, values, background)
    count = len(values)
    subsets = np.arange(1 << count)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    # The fraction of all orders in which exactly this subset precedes a feature outside it.
    shares = np.array([factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)])
    contributions = np.empty(count)
    for feature in range(count):
        without = subsets[(subsets >> feature) & 1 == 0]
        contributions[feature] = shares[sizes[without]] @ (worth[without | 1 << feature] - worth[without])
    return float(worth[0]), contributions


def _worths(score: Callable[[np.ndarray], np.ndarray], values: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The value of each subset; bit f of its number is 1 if feature f is taken from the case."""
    cases, count = background.shape
    together = max(1, _ROWS // cases)
    worth = np.empty(1 << count)
    for start in range(0, len(worth), together):
        subsets = np.arange(start, min(start + together, len(worth)))
        chosen = (subsets[:, None] >> np.arange(count) & 1).astype(bool)
        rows = np.where(chosen[:, None, :], values, background[None])
        scores = np.asarray(score(rows.reshape(-1, count)), dtype=float)
        if not np.isfinite(scores).all():
            raise ModelError("The model gives a score that is not a finite number, which cannot be explained.")
        worth[subsets] = scores.reshape(len(subsets), cases).mean(axis=1)
    return worth


def _check(values: np.ndarray, background: np.ndarray) -> None:
    if values.ndim != 1 or background.ndim != 2 or background.shape[1] != len(values) or not background.size:
        raise ModelError(
            f"Values of shape {values.shape} and a background of shape {background.shape} do not belong together.",
            remedy="Give one value per feature, and at least one row of the background.",
        )
    if len(values) > _MOST_FEATURES:
        raise ModelError(
            f"Exact Shapley values of {len(values)} features would need {1 << len(values)} subsets.",
            remedy=f"Use a model with at most {_MOST_FEATURES} features.",
        )
    if not (np.isfinite(values).all() and np.isfinite(background).all()):
        raise ModelError(
            "A feature's value is not a finite number, and the score cannot be explained.",
            remedy="Leave out the case, or the rows of the background.",
        )
