"""Estimation of ComBat: least squares, then empirical Bayes (Johnson 2007, doi 10.1093/biostatistics/kxj037)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: The convergence criterion of sva; a stricter one would change the fourth digit of a shift and no longer equal R.
_CONVERGED = 1e-4
_ROUNDS = 10_000


@dataclass(frozen=True)
class Standardised:
    """Training values as deviations from grand mean and covariate effects, in pooled standard deviations."""

    standardised: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    effects: np.ndarray


def standardise(
    values: np.ndarray, membership: np.ndarray, covariates: np.ndarray, reference: int | None
) -> Standardised:
    """Least squares on sites and covariates; grand mean and variance over all cases or the reference site's."""
    design = np.hstack([membership, covariates])
    fitted = np.linalg.lstsq(design, values, rcond=None)[0]
    count = membership.shape[1]
    squares = (values - design @ fitted) ** 2
    if reference is None:
        mean = membership.mean(axis=0) @ fitted[:count]
        variance = squares.mean(axis=0)
    else:
        mean = fitted[reference]
        variance = squares[membership[:, reference] == 1].mean(axis=0)
    effects = fitted[count:]
    return Standardised((values - mean - covariates @ effects) / np.sqrt(variance), mean, variance, effects)


def site_effects(standardised: np.ndarray, membership: np.ndarray, *, mean_only: bool) -> tuple[np.ndarray, np.ndarray]:
    """gamma* and delta* by site and feature, both of shape (sites, features)."""
    shifts, scales = [], []
    for inside in membership.T:
        rows = standardised[inside]
        observed = rows.mean(axis=0)
        prior_mean, prior_variance = observed.mean(), observed.var(ddof=1)
        if mean_only:
            # As in sva, a site's mean has the weight of a single case here.
            shifts.append((prior_variance * observed + prior_mean) / (prior_variance + 1))
            scales.append(np.ones_like(observed))
        else:
            shift, scale = _posterior(rows, prior_mean, prior_variance)
            shifts.append(shift)
            scales.append(scale)
    return np.array(shifts), np.array(scales)


def _posterior(rows: np.ndarray, prior_mean: float, prior_variance: float) -> tuple[np.ndarray, np.ndarray]:
    """A site's shift and scale, each updated given the other until both converge (Johnson 2007, section 3.2).

    The priors are normal for the shift and inverse gamma for the scale, their moments those of the observed ones.
    """
    count = len(rows)
    observed, scale = rows.mean(axis=0), rows.var(axis=0, ddof=1)
    shift = observed
    mean, variance = scale.mean(), scale.var(ddof=1)
    for _ in range(_ROUNDS):
        new_shift = (count * prior_variance * observed + scale * prior_mean) / (count * prior_variance + scale)
        squares = ((rows - new_shift) ** 2).sum(axis=0)
        # The inverse gamma's mean, multiplied by the variance above and below: defined also where that is 0.
        new_scale = (squares * variance / 2 + mean * (variance + mean**2)) / (count * variance / 2 + variance + mean**2)
        # As in sva, the change is relative to the signed shift: one that is negative never decides.
        change = max(_relative(new_shift, shift), _relative(new_scale, scale))
        shift, scale = new_shift, new_scale
        if change <= _CONVERGED:
            break
    return shift, scale


def _relative(new: np.ndarray, old: np.ndarray) -> float:
    known = old != 0
    return float((np.abs(new - old)[known] / old[known]).max(initial=0.0))
