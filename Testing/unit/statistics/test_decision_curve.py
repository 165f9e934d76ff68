"""Net benefit against closed forms and counts made one by one."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics import decision_curve

_OUTCOME = np.repeat([0, 1], [6, 4])


def test_perfect_and_useless_forecasts() -> None:
    perfect = decision_curve(_OUTCOME, _OUTCOME.astype(float))
    np.testing.assert_allclose(perfect.model, 0.4)  # the prevalence, whatever the threshold
    useless = decision_curve(_OUTCOME, np.full(10, 0.4))
    below = useless.thresholds <= 0.4
    np.testing.assert_allclose(useless.model[below], useless.treat_all[below])
    np.testing.assert_array_equal(useless.model[~below], 0)


def test_treating_all_gains_nothing_at_the_prevalence() -> None:
    found = decision_curve(_OUTCOME, np.full(10, 0.5))
    np.testing.assert_allclose(found.thresholds[[19, 39, 49]], [0.2, 0.4, 0.5])
    np.testing.assert_allclose(found.treat_all[[19, 39, 49]], [0.4 - 0.6 * 0.25, 0, 0.4 - 0.6], atol=1e-15)


def test_counts_made_one_by_one() -> None:
    generator = np.random.default_rng(0)
    outcome, probability = generator.integers(0, 2, 50), np.round(generator.uniform(size=50), 2)
    found = decision_curve(outcome, probability)
    assert len(found.thresholds) == 99
    for threshold, benefit in zip(found.thresholds, found.model):
        hits = sum(y == 1 and p >= threshold for y, p in zip(outcome, probability))
        harms = sum(y == 0 and p >= threshold for y, p in zip(outcome, probability))
        assert benefit == pytest.approx(hits / 50 - harms / 50 * threshold / (1 - threshold))
