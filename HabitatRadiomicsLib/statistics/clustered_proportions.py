"""Proportions where trials come in clusters: the calls of a patient's lesions are right or wrong together."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.statistics.intervals import Estimate, wilson


def clustered_wilson(
    successes: float, trials: float, counted: np.ndarray, right: np.ndarray, numbers: np.ndarray, *, level: float = 0.95
) -> Estimate:
    """A proportion with Wilson's interval for as many trials as the clusters are worth.

    Trials are divided by the design effect, successes with them (Rao 1992, doi 10.2307/2532311).

    Args:
        successes, trials: means over repeats of the sums of ``right`` and ``counted``.
        counted: whether a case is a trial, shape (repeats, cases).
        right: whether it is one, and a success; same shape.
        numbers: of :func:`cluster_numbers`.
    """
    if trials == 0:
        return wilson(successes, trials, level=level)
    effect = design_effect(counted, right, numbers)
    found = wilson(successes / effect, trials / effect, level=level)
    share = successes / trials  # rounding of the division must not change the proportion itself
    return Estimate(share, min(found.low, share), max(found.high, share))


def design_effect(counted: np.ndarray, right: np.ndarray, numbers: np.ndarray) -> float:
    """How many times the variance of a proportion of independent trials that of these clusters is; 1 at least.

    The variance is that of a ratio of sums over clusters, ``K / (K - 1) * sum (right - p * counted)**2 / trials**2``
    with K clusters that have a trial (Rao 1992, doi 10.2307/2532311). Over repeats, whose splits leave the same
    patients, both variances are means. Where none can be told, since all trials went one way or are of one cluster,
    each cluster counts as one trial. Of clusters with a single trial each the effect is exactly 1.

    Args:
        counted, right, numbers: see `clustered_wilson`; there is a trial.
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
