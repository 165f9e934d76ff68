"""Wilson's interval against SciPy, a published example and its own definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from HabitatRadiomicsLib.statistics.intervals import percentile_estimate, wilson


@given(st.integers(1, 300), st.data())
def test_wilson_equals_scipy(trials: int, data: st.DataObject) -> None:
    from scipy.stats import binomtest

    successes = data.draw(st.integers(0, trials))
    found = wilson(successes, trials)
    expected = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert found.value == successes / trials
    assert found.low == pytest.approx(expected.low, abs=1e-12)
    assert found.high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_wilson_of_newcombes_examples() -> None:
    """Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I, method 3."""
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, trials), interval in published.items():
        found = wilson(successes, trials)
        assert (found.low, found.high) == pytest.approx(interval, abs=5e-5)


def test_without_trials_nothing_is_known() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value)
    assert (found.low, found.high) == (0.0, 1.0)


def test_mean_counts_lie_between_whole_ones() -> None:
    assert wilson(3, 10).low < wilson(3.4, 10).low < wilson(4, 10).low


def test_percentiles_and_their_ends() -> None:
    replicates = np.linspace(0.2, 0.6, 401)
    found = percentile_estimate(0.4, replicates, 10)
    assert (found.low, found.high) == pytest.approx((0.21, 0.59))
    assert percentile_estimate(1.0, np.ones(5), 10).low == pytest.approx(0.025 ** (1 / 10))
    assert percentile_estimate(0.0, np.zeros(5), 10).high == pytest.approx(1 - 0.025 ** (1 / 10))
