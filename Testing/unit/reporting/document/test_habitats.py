"""Tests of neighbouring habitats, against all signs."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.reporting.document.training import habitat_tests, habitats_by_fold


def _training(means: dict[str, np.ndarray]) -> Any:
    features = SimpleNamespace(populations=[{"T1W": None}], habitat_means=lambda training_set, sequence: means)
    return SimpleNamespace(study=SimpleNamespace(features=features))


def _exact_p(differences: np.ndarray) -> float:
    """Wilcoxon's signed-rank test by all signs."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    middle = ranks.sum() / 2
    observed = abs(ranks[differences > 0].sum() - middle)
    sums = [ranks[np.array(signs)].sum() for signs in product([False, True], repeat=len(ranks))]
    return float(np.mean(np.abs(np.array(sums) - middle) >= observed - 1e-9))


def test_neighbouring_habitats_are_compared_pair_by_pair_over_the_cases_that_have_both() -> None:
    generator = np.random.default_rng(3)
    means = {name: generator.normal(place, 1, (9, 2)) for place, name in enumerate(("S1", "S2", "S3"))}
    means["S2"][4] = np.nan
    rows = habitat_tests(_training(means))
    assert [(row.quantity, *row.habitats) for row in rows] == [
        ("entropy", "S1", "S2"), ("entropy", "S2", "S3"), ("intensity", "S1", "S2"), ("intensity", "S2", "S3"),
    ]  # fmt: skip
    rest = np.delete(np.arange(9), 4)
    for row in rows:
        first, second = (means[name][rest, 1 if row.quantity == "entropy" else 0] for name in row.habitats)
        assert row.cases == 8
        assert row.p == pytest.approx(_exact_p(first - second))
        assert list(row.medians.values()) == [np.median(first), np.median(second)]


def test_habitats_that_no_lesion_has_together_or_that_are_alike_leave_a_document_of_numbers() -> None:
    nan = np.full((4, 2), np.nan)
    apart = {"S1": np.vstack([nan, np.ones((4, 2))]), "S2": np.vstack([np.ones((4, 2)), nan])}
    assert habitat_tests(_training(apart)) == []
    alike = {"S1": np.ones((4, 2)), "S2": np.ones((4, 2))}
    rows = habitat_tests(_training(alike))
    assert [row.p for row in rows] == [1.0, 1.0]


def test_folds_are_counted_by_how_many_habitats_they_had() -> None:
    def model(count: int) -> Any:
        return SimpleNamespace(centroids=[None] * count)

    populations = [{"T1W": model(2)}, {"T1W": model(3)}, {"T1W": model(2)}, {"T1W": None}, {"T1W": model(3)}]
    training: Any = SimpleNamespace(study=SimpleNamespace(features=SimpleNamespace(populations=populations)))
    assert habitats_by_fold(training) == {"T1W": {"2": 1, "3": 2, "none": 1}}
