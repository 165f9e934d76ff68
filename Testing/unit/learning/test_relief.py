"""ReliefF's weights against its definition, loop by loop, and against scikit-rebate."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.selectors import relief_weights


def _by_definition(values: np.ndarray, outcome: np.ndarray, neighbours: int) -> list[float]:
    cases, columns = values.shape
    span = [max(values[:, column]) - min(values[:, column]) for column in range(columns)]

    def difference(column: int, first: int, second: int) -> float:
        return abs(values[first, column] - values[second, column]) / span[column]

    def distance(first: int, second: int) -> float:
        return sum(difference(column, first, second) for column in range(columns))

    weights = [0.0] * columns
    for case in range(cases):
        others = sorted((other for other in range(cases) if other != case), key=lambda other: distance(case, other))
        hits = [other for other in others if outcome[other] == outcome[case]][:neighbours]
        misses = [other for other in others if outcome[other] != outcome[case]][:neighbours]
        for column in range(columns):
            for group, sign in ((hits, -1), (misses, 1)):
                for other in group:
                    weights[column] += sign * difference(column, case, other) / len(group) / cases
    return weights


def _table(cases: int, positives: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.random.default_rng(cases).normal(size=(cases, 5)) * [1, 10, 0.1, 3, 5] + 7
    outcome = (np.arange(cases) < positives).astype(int)
    values[:, 2] += 0.2 * outcome
    return values, outcome


@pytest.mark.parametrize(("cases", "positives", "neighbours"), [(24, 11, 4), (30, 5, 10), (12, 1, 3), (7, 3, 2)])
def test_weights_are_their_definition(cases: int, positives: int, neighbours: int) -> None:
    """Also where an outcome has fewer cases than neighbours are asked for, or a single one."""
    values, outcome = _table(cases, positives)
    expected = _by_definition(values, outcome, neighbours)
    np.testing.assert_allclose(relief_weights(values, outcome, neighbours=neighbours), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("cases", "positives"), [(60, 30), (40, 12)])
def test_weights_are_those_of_scikit_rebate(cases: int, positives: int) -> None:
    """Where each outcome has enough cases: of fewer, scikit-rebate counts a case as a neighbour of itself."""
    skrebate = pytest.importorskip("skrebate")
    values, outcome = _table(cases, positives)
    reference = skrebate.ReliefF(n_neighbors=10, categorical_threshold=0, n_jobs=1).fit(values, outcome)
    np.testing.assert_allclose(relief_weights(values, outcome), reference.feature_importances_, rtol=0, atol=1e-12)


def test_an_interaction_is_seen_that_no_feature_shows_alone() -> None:
    generator = np.random.default_rng(3)
    values = generator.uniform(-1, 1, (120, 6))
    outcome = (values[:, 1] * values[:, 4] > 0).astype(int)
    assert set(np.argsort(-relief_weights(values, outcome))[:2]) == {1, 4}
