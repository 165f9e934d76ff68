"""DeLong's covariance of several AUCs of the same cases, and tests of their differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.checking import checked
from HabitatRadiomicsLib.statistics.clustered import Clusters, cluster_numbers, clustered_covariance, fewest_clusters
from HabitatRadiomicsLib.statistics.intervals import overlap_factor, p_of, reach_of


@dataclass(frozen=True)
class Comparison:
    """The AUCs of two named models.

    Attributes:
        difference: first AUC minus second, with its interval ``low`` to ``high``.
        z: difference over its standard deviation; ``p`` of the test that there is no difference.
        adjusted_p: Holm's over all pairs that were compared and tested together.
        untested: why there is no test, in a clause, else empty. Where a score is the same for all cases, interval, z
            and p are NaN; where the AUCs differ and yet have no variance (one score separates the outcomes perfectly,
            the other the wrong way round), z and p are.
    """

    first: str
    second: str
    difference: float
    low: float
    high: float
    z: float
    p: float
    adjusted_p: float
    untested: str = ""


def auc_covariance(
    outcome: np.ndarray, scores: np.ndarray, *, clusters: Clusters | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """AUCs and their covariance (DeLong 1988, doi 10.2307/2531595), of clusters Obuchowski's; ties count half.

    Args:
        outcome: 0 or 1, at least two of each.
        scores: shape (models, cases); or (models, repeats, cases), when areas and covariances are means over repeats.

    Returns:
        Shapes (models,) and (models, models).
    """
    outcome, scores = checked(outcome, scores, each=2)
    if scores.ndim not in (2, 3):
        raise EvaluationError(f"Scores of shape {scores.shape} are not those of several models.")
    repeats = np.moveaxis(scores, -2, 0) if scores.ndim == 3 else scores[None]
    numbers = cluster_numbers(clusters, len(outcome))
    each = [_one_repeat(outcome, models, numbers) for models in repeats]
    return np.mean([areas for areas, _ in each], axis=0), np.mean([spread for _, spread in each], axis=0)


def _one_repeat(outcome: np.ndarray, scores: np.ndarray, numbers: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    positive, negative = scores[:, outcome == 1], scores[:, outcome == 0]
    beaten = np.array([_share_below(row, others) for row, others in zip(positive, negative)])
    beating = 1 - np.array([_share_below(row, others) for row, others in zip(negative, positive)])
    if numbers is not None:
        return beaten.mean(axis=1), clustered_covariance(beaten, beating, outcome, numbers)
    return beaten.mean(axis=1), _covariance(beaten) / beaten.shape[1] + _covariance(beating) / beating.shape[1]


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each value, the proportion of the other values below it; ties count half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(others))


def _covariance(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True)
    # Not a matrix product: its order of summation would depend on the number of threads.
    return np.einsum("ik,jk->ij", centred, centred) / (rows.shape[1] - 1)


def compare_aucs(
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    clusters: Clusters | None = None,
    folds: int | None = None,
) -> list[Comparison]:
    """DeLong's paired test of every pair of models, two-sided, with Holm's correction over all pairs; intervals are not
    corrected.

    A score that is the same for all cases, as of a candidate from which nothing was learned, has an AUC of 0.5 without
    a variance. Nothing is tested against it: the variance of the difference would be that of the other AUC alone.

    Args:
        scores: by model, each of shape (cases,) or each of shape (repeats, cases).
        folds: of the cross-validation that held the scores out: variances and t are then those of `overlap_factor` and
            `reach_of`, which are conservative for scores that are much alike; None: the scores are frozen.
    """
    names = list(scores)
    if len(names) < 2:
        return []
    areas, covariance = auc_covariance(outcome, _stacked(list(scores.values())), clusters=clusters)
    constant = [name for name, rows in scores.items() if not np.ptp(np.atleast_2d(rows), axis=1).any()]
    fewer = fewest_clusters(outcome, clusters)
    rows = []
    for first, second in combinations(range(len(names)), 2):
        pair = (names[first], names[second])
        variance = float(covariance[first, first] + covariance[second, second] - 2 * covariance[first, second])
        same = [name for name in pair if name in constant]
        rows.append(_comparison(*pair, float(areas[first] - areas[second]), variance, same, fewer, folds))
    tested = [place for place, row in enumerate(rows) if not {row.first, row.second} & set(constant)]
    for place, adjusted in zip(tested, holm([rows[place].p for place in tested])):
        rows[place] = replace(rows[place], adjusted_p=adjusted)
    return rows


def _stacked(scores: Sequence[np.ndarray]) -> np.ndarray:
    shapes = sorted({np.shape(one) for one in scores})
    if len(shapes) > 1:
        raise EvaluationError(
            f"Scores of shapes {', '.join(map(str, shapes))} cannot be compared with one another.",
            remedy="Give all models the same cases and the same number of repeats.",
        )
    return np.stack([np.asarray(one, dtype=float) for one in scores])


def _comparison(
    first: str, second: str, difference: float, variance: float, constant: list[str], fewer: int, folds: int | None
) -> Comparison:
    """A pair without its adjusted p; ``constant`` names those of the two whose scores are the same for all cases."""
    if constant:
        verb = "gives" if len(constant) == 1 else "give"
        untested = f"{' and '.join(constant)} {verb} all cases the same score"
        nan = math.nan
        return Comparison(first, second, difference, nan, nan, nan, nan, nan, untested)
    variance *= overlap_factor(folds)
    # For equal rankings the variance is only rounding error.
    deviation = math.sqrt(variance) if variance > 1e-15 else 0.0
    reach = reach_of(deviation, fewer, folds)
    z = 0.0 if abs(difference) < 1e-12 else math.nan
    if deviation:
        z = difference / deviation
    p = p_of(z, fewer, folds)
    untested = "the difference has no variance" if math.isnan(p) else ""
    return Comparison(first, second, difference, difference - reach, difference + reach, z, p, math.nan, untested)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values (Holm 1979, Scand J Stat 6:65), in the order given.

    NaN stays NaN, and counts as a comparison.
    """
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1].tolist() if len(p_values) else []
