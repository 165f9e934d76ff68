"""Estimates with confidence intervals: Wilson's for proportions, percentiles of a bootstrap for the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, trials: float, *, level: float = 0.95) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Means of counts over repeats of a cross-validation need not be whole numbers. Without a trial the proportion is
    not a number, and its interval is 0 to 1.
    """
    if trials == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = successes / trials
    z = NormalDist().inv_cdf(0.5 + level / 2)
    spread = 1 + z**2 / trials
    centre = (share + z**2 / (2 * trials)) / spread
    reach = z / spread * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At the ends the interval reaches 0 or 1 exactly, and rounding must not put the share outside.
    return Estimate(share, min(share, max(0.0, centre - reach)), max(share, min(1.0, centre + reach)))


def percentile_estimate(value: float, replicates: np.ndarray, fewer: int, *, level: float = 0.95) -> Estimate:
    """A value between 0 and 1 with the percentile interval of its bootstrap replicates.

    No resample of a perfect result is less than perfect, and yet it is not certain: its interval then goes as far as
    that of as many successes in as many trials as the smaller group has cases (exact binomial), as for the AUC.

    Args:
        fewer: cases of the rarer outcome.
    """
    low, high = (float(bound) for bound in np.quantile(replicates, [(1 - level) / 2, (1 + level) / 2]))
    exact = ((1 - level) / 2) ** (1 / fewer)
    if value > 1 - _ROUNDING:
        low = min(low, exact)
    if value < _ROUNDING:
        high = max(high, 1 - exact)
    return Estimate(value, low, high)
