"""Several cases of one patient: Obuchowski's variance of AUCs, and proportions over clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.intervals import Estimate, wilson

#: Cluster of each case, e.g. the patient; shape (cases,).
Clusters = Sequence[object] | np.ndarray


def cluster_numbers(clusters: Clusters | None, cases: int) -> np.ndarray | None:
    """The number of each case's cluster; None where every case is a cluster of its own, and so independent.

    Raises:
        EvaluationError: another number of cases, or a single cluster.
    """
    if clusters is None:
        return None
    numbers = np.unique(np.asarray(clusters), return_inverse=True)[1]
    if len(numbers) != cases:
        raise EvaluationError(f"{len(numbers)} clusters are given for {cases} cases.")
    if len(np.unique(numbers)) == cases:
        return None
    if numbers.max() == 0:
        raise EvaluationError("All cases belong to one cluster, which does not show how clusters differ.")
    return numbers


def fewest_clusters(outcome: np.ndarray, clusters: Clusters | None) -> int:
    """The number of cases (or clusters with cases) of the rarer outcome, which limits the certainty of an AUC."""
    outcome = np.asarray(outcome)
    names = np.arange(len(outcome)) if clusters is None else np.asarray(clusters)
    return min(len(np.unique(names[outcome == value])) for value in (0, 1))


def clustered_covariance(
    beaten: np.ndarray, beating: np.ndarray, outcome: np.ndarray, numbers: np.ndarray
) -> np.ndarray:
    """Obuchowski's covariance of AUCs (1997, doi 10.2307/2533958), shape (models, models).

    With a cluster for each case it is DeLong's.

    Args:
        beaten: share of the cases without the outcome that each case with it scores above, shape (models, positives).
        beating: share of the cases with the outcome that score above each case without it, shape (models, negatives).
        numbers: of `cluster_numbers`.

    Raises:
        EvaluationError: all cases with one of the outcomes belong to one cluster.
    """
    count = int(numbers.max()) + 1
    sums, used = [], []
    for shares, own in ((beaten, numbers[outcome == 1]), (beating, numbers[outcome == 0])):
        centred = shares - shares.mean(axis=1, keepdims=True)
        # Sum of each model over the cases of each cluster.
        sums.append(np.stack([np.bincount(own, weights=row, minlength=count) for row in centred]))
        used.append(len(np.unique(own)))
    if min(used) < 2:
        raise EvaluationError(
            "All cases with one of the outcomes belong to one cluster, which does not show how clusters differ.",
            remedy="An interval needs at least two patients with each outcome.",
        )
    (with_outcome, without), (first, second) = sums, used
    positives, negatives = beaten.shape[1], beating.shape[1]
    # Not matrix products: their order of summation would depend on the number of threads.
    within = np.einsum("ik,jk->ij", with_outcome, with_outcome) * first / ((first - 1) * positives**2)
    within += np.einsum("ik,jk->ij", without, without) * second / ((second - 1) * negatives**2)
    both = np.einsum("ik,jk->ij", with_outcome, without) * count / ((count - 1) * positives * negatives)
    return within + both + both.T


def clustered_wilson(
    successes: float, trials: float, counted: np.ndarray, right: np.ndarray, numbers: np.ndarray
) -> Estimate:
    """A proportion with Wilson's interval for the effective number of trials.

    Trials and successes are divided by the design effect (Rao 1992, doi 10.2307/2532311).

    Args:
        successes, trials: means over repeats of the sums of ``right`` and ``counted``.
        counted: whether a case is a trial, shape (repeats, cases).
        right: whether it is a trial and a success; same shape.
        numbers: of `cluster_numbers`.
    """
    if trials == 0:
        return wilson(successes, trials)
    effect = design_effect(counted, right, numbers)
    interval = wilson(successes / effect, trials / effect)
    share = successes / trials  # rounding of the division must not change the proportion itself
    return Estimate(share, min(interval.low, share), max(interval.high, share))


def design_effect(counted: np.ndarray, right: np.ndarray, numbers: np.ndarray) -> float:
    """Variance of a proportion of these clusters over that of independent trials; 1 at least.

    The variance is that of a ratio of sums over clusters, ``K / (K - 1) * sum (right - p * counted)**2 / trials**2``
    with K clusters that have a trial (Rao 1992, doi 10.2307/2532311). Over repeats, both variances are means. Where
    there is no variance, because all trials have one result or belong to one cluster, each cluster counts as one trial.
    With a single trial per cluster the effect is exactly 1.

    Args:
        counted, right, numbers: see `clustered_wilson`; there is at least one trial.
    """
    clustered, independent, sizes = [], [], []
    for trial, success in zip(counted.astype(float), right.astype(float)):
        size = np.bincount(numbers, weights=trial)
        total, used = size.sum(), np.count_nonzero(size)
        if not total:
            continue  # a repeat that calls nobody positive has no positive predictive value
        sizes.append((total / used, size.max()))
        share = success.sum() / total
        independent.append(share * (1 - share) / total)
        residuals = np.bincount(numbers, weights=success) - share * size
        clustered.append((residuals**2).sum() * used / ((used - 1) * total**2) if used > 1 else 0.0)
    mean, largest = np.array(sizes).T
    if largest.max() == 1:
        return 1.0
    variance = float(np.mean(clustered))
    if variance < 1e-15:
        return float(mean.mean())
    return max(1.0, variance / float(np.mean(independent)))
