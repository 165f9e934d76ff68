"""How often features were selected, and what a document says of optimism, permutations and fewer cases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from HabitatRadiomicsLib.reporting.document.stability import selection_frequency, stability_part
from HabitatRadiomicsLib.validation.stability import BootstrapFindings, CurvePoint, Stability


def test_selection_is_counted_over_folds_and_samples_of_the_chosen_candidate() -> None:
    folds = [
        SimpleNamespace(features={"T1W whole": ("a", "b"), "T1W S1": ("z",)}),
        SimpleNamespace(features={"T1W whole": ("a",)}),
        SimpleNamespace(features={"T1W S1": ("z",)}),
        SimpleNamespace(features={"T1W whole": ()}),
    ]
    training: Any = SimpleNamespace(
        learned=SimpleNamespace(chosen=SimpleNamespace(name="T1W whole")),
        validation=SimpleNamespace(folds=folds),
        stability=SimpleNamespace(bootstrap=BootstrapFindings(0.9, 0.1, 4, 4, {"a": 0.75, "c": 0.25})),
        model=SimpleNamespace(
            features=[
                SimpleNamespace(name="b", is_clinical=False),
                SimpleNamespace(name="clinical:age", is_clinical=True),
            ]
        ),
    )
    assert selection_frequency(training) == [
        {"feature": "b", "folds": 0.25, "bootstraps": 0.0, "in_model": True},
        {"feature": "a", "folds": 0.5, "bootstraps": 0.75, "in_model": False},
        {"feature": "c", "folds": 0.0, "bootstraps": 0.25, "in_model": False},
    ]


def test_what_was_not_asked_for_is_null() -> None:
    training: Any = SimpleNamespace(stability=Stability(None, None, ()))
    assert stability_part(training) == {"permutation": None, "optimism": None, "learning_curve": None}


def test_optimism_and_learning_curve_are_told_in_numbers() -> None:
    curve = (CurvePoint(8, (0.9, 0.8), (0.5, 0.7)), CurvePoint(16, (0.9,), (0.8,)))
    training: Any = SimpleNamespace(stability=Stability(None, BootstrapFindings(0.9, 0.1, 4, 5, {}), curve))
    found = stability_part(training)
    assert found["optimism"] == {"apparent": 0.9, "optimism": 0.1, "corrected": pytest.approx(0.8), "count": 4}
    assert found["learning_curve"] == [
        {"cases": 8, "auc_mean": pytest.approx(0.6), "auc_sd": pytest.approx(0.02**0.5)},
        {"cases": 16, "auc_mean": 0.8, "auc_sd": 0.0},
    ]
