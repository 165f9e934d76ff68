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
class AucCovariance:
    """Areas of several scores of the same cases.

    Attributes:
        aucs: shape (models,).
        covariance: shape (models, models).
    """

    aucs: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True)
class AucDifference:
    """First AUC minus second, its interval, and the test that there is no difference.

    Attributes:
        low, high: not a number where one of the scores is the same for all cases.
        z: difference over its standard deviation; with ``p`` not a number where one of the scores is the same for all
            cases, or the AUCs differ and yet have no variance (one score separates the outcomes perfectly, the other
            the wrong way round): nothing can be tested then.
    """

    difference: float
    low: float
    high: float
    z: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """Two named models.

    Attributes:
        adjusted_p: Holm's over all pairs compared together, but those of a score that is the same for all cases.
        untested: why there is no test, in a clause; empty where there is one.
    """

    first: str
    second: str
    result: AucDifference
    adjusted_p: float
    untested: str = ""


def auc_covariance(outcome: np.ndarray, scores: np.ndarray, *, clusters: Clusters | None = None) -> AucCovariance:
    """AUCs and their covariance (DeLong 1988, doi 10.2307/2531595); ties count half.

    Args:
        outcome: 0 or 1, at least two of each, shape (cases,).
        scores: shape (models, cases); or (models, repeats, cases), when areas and covariances are means over repeats.
        clusters: the patient (cluster) of each case; where some have several, the covariance is Obuchowski's.

    Raises:
        EvaluationError: see `checked` and `clustered_covariance`.
    """
    outcome, scores = checked(outcome, scores, each=2)
    if scores.ndim not in (2, 3):
        raise EvaluationError(f"Scores of shape {scores.shape} are not those of several models.")
    repeats = np.moveaxis(scores, -2, 0) if scores.ndim == 3 else scores[None]
    numbers = cluster_numbers(clusters, len(outcome))
    each = [_one_repeat(outcome, models, numbers) for models in repeats]
    return AucCovariance(np.mean([areas for areas, _ in each], axis=0), np.mean([spread for _, spread in each], axis=0))


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


def _stacked(scores: Sequence[np.ndarray]) -> np.ndarray:
    shapes = sorted({np.shape(one) for one in scores})
    if len(shapes) > 1:
        raise EvaluationError(
            f"Scores of shapes {', '.join(map(str, shapes))} cannot be compared with one another.",
            remedy="Give all models the same cases and the same number of repeats.",
        )
    return np.stack([np.asarray(one, dtype=float) for one in scores])


def _difference(
    areas: AucCovariance, first: int, second: int, *, level: float, fewer: int, folds: int | None
) -> AucDifference:
    difference = float(areas.aucs[first] - areas.aucs[second])
    spread = areas.covariance
    variance = max(0.0, float(spread[first, first] + spread[second, second] - 2 * spread[first, second]))
    variance *= overlap_factor(folds)
    # For equal rankings the variance is only rounding error.
    deviation = math.sqrt(variance) if variance > 1e-15 else 0.0
    reach = reach_of(deviation, fewer, folds, level)
    z = math.nan
    if deviation:
        z = difference / deviation
    elif abs(difference) < 1e-12:
        z = 0.0
    return AucDifference(difference, difference - reach, difference + reach, z, p_of(z, fewer, folds))


def compare_aucs(
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    *,
    level: float = 0.95,
    clusters: Clusters | None = None,
    folds: int | None = None,
) -> list[Comparison]:
    """DeLong's paired test of every pair of models, two-sided, with Holm's correction over all pairs; intervals are not
    corrected.

    A score that is the same for all cases, that of a candidate of which nothing was learned, has an AUC of 0.5 without
    a variance. Nothing is tested against it: the other's variance alone would be that of the other's AUC against a
    number, and not of two scores' difference.

    Args:
        scores: by model, each of shape (cases,) or each of shape (repeats, cases).
        clusters: the patient (cluster) of each case, see `auc_covariance`.
        folds: of the cross-validation that held the scores out: variances and t are then those of `overlap_factor` and
            `reach_of`, on the safe side for scores that are much alike; None: of frozen scores.

    Raises:
        EvaluationError: see `auc_covariance` and `overlap_factor`.
    """
    names = list(scores)
    if len(names) < 2:
        return []
    areas = auc_covariance(outcome, _stacked([scores[name] for name in names]), clusters=clusters)
    pairs = list(combinations(range(len(names)), 2))
    constant = [not np.ptp(np.atleast_2d(scores[name]), axis=1).any() for name in names]
    fewer = fewest_clusters(outcome, clusters)
    results, reasons = [], []
    for first, second in pairs:
        found = _difference(areas, first, second, level=level, fewer=fewer, folds=folds)
        same = [names[place] for place in (first, second) if constant[place]]
        results.append(replace(found, low=math.nan, high=math.nan, z=math.nan, p=math.nan) if same else found)
        reasons.append(_untested(same, found))
    tested = [place for place, (first, second) in enumerate(pairs) if not (constant[first] or constant[second])]
    adjusted = dict(zip(tested, holm([results[place].p for place in tested])))
    return [
        Comparison(names[first], names[second], results[place], adjusted.get(place, math.nan), reasons[place])
        for place, (first, second) in enumerate(pairs)
    ]


def _untested(constant: Sequence[str], found: AucDifference) -> str:
    if constant:
        verb = "gives" if len(constant) == 1 else "give"
        return f"{' and '.join(constant)} {verb} all cases the same score"
    return "the difference has no variance" if math.isnan(found.p) else ""


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p values (Holm 1979, Scand J Stat 6:65), in the order given.

    NaN stays NaN, and counts as a comparison.
    """
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1].tolist() if len(p_values) else []
