"""AUC and DeLong interval against R's pROC; Youden's cut-off against brute force."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.statistics import auc_with_interval, youden_cut_off


@pytest.mark.parametrize("which", ["1", "2"])  # the second score has ties
def test_auc_equals_proc(which: str) -> None:
    reference = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8"))[
        "roc"
    ]
    found = auc_with_interval(np.array(reference["y"]), np.array(reference[f"s{which}"]))
    assert found.auc == pytest.approx(reference[f"auc{which}"], rel=1e-12)
    assert found.variance == pytest.approx(reference[f"var{which}"], rel=1e-9)
    np.testing.assert_allclose([found.low, found.auc, found.high], reference[f"ci{which}"], rtol=1e-9)


def test_interval_stays_within_zero_and_one() -> None:
    found = auc_with_interval(np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.5, 0.9]))
    assert 0 <= found.low <= found.auc <= found.high <= 1


def test_cut_off_is_the_best_and_the_highest_of_equals() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        outcome = np.array([0, 1] * 6)
        scores = np.round(generator.normal(outcome, 1.0), 1)
        cut = youden_cut_off(outcome, scores)

        def youden(at: float, outcome: np.ndarray = outcome, scores: np.ndarray = scores) -> float:
            return float((scores[outcome == 1] >= at).mean() - (scores[outcome == 0] >= at).mean())

        best = max(youden(at) for at in np.linspace(-5, 5, 2001))
        if best > 0:
            assert youden(cut) == pytest.approx(best)
        assert cut not in scores


def test_a_perfect_separation_is_not_called_certain() -> None:
    outcome = np.repeat([0, 1], [20, 8])
    found = auc_with_interval(outcome, outcome.astype(float) + np.arange(28) * 1e-3)
    assert found.auc == 1.0
    assert found.low == pytest.approx(0.025 ** (1 / 8))  # eight successes in eight trials
    assert found.high == 1.0
