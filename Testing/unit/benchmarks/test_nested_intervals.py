"""The simulation of intervals: its closed forms hold, and it tells DeLong's interval from the corrected one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

_FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType]]:
    """``nested_cohorts`` and ``nested_intervals``, imported as when they are run."""
    monkeypatch.syspath_prepend(str(_FOLDER))
    yield importlib.import_module("nested_cohorts"), importlib.import_module("nested_intervals")
    for name in ("nested_cohorts", "nested_intervals"):
        sys.modules.pop(name, None)


def test_the_true_auc_of_a_linear_score_is_that_of_many_cases(scripts: tuple[ModuleType, ModuleType]) -> None:
    cohorts, _ = scripts
    generator = np.random.default_rng(1)
    weights = generator.normal(size=(3, 30))
    many = cohorts.Setting(40_000, 30, 0.8)
    (values,) = cohorts.drawn(many, 1, generator)
    found = cohorts.true_auc(weights, 0.8)
    assert found == pytest.approx([roc_auc_score(many.outcome, values @ row) for row in weights], abs=0.012)
    assert cohorts.true_auc(np.zeros((1, 30)), 0.8) == [0.5]


@pytest.mark.parametrize("learner", ["search", "lasso"])
def test_no_case_has_a_part_in_its_own_score(scripts: tuple[ModuleType, ModuleType], learner: str) -> None:
    cohorts, _ = scripts
    setting = cohorts.Setting(30, 20, 1.5)
    generator = np.random.default_rng(2)
    fold = cohorts.stratified(setting.outcome, 5, generator)[None]
    values = cohorts.drawn(setting, 2, generator)
    other = values.copy()
    other[:, 0] += 100.0  # another first case: of its fold all other cases keep their scores
    first, second = (
        cohorts.cross_validated(one, setting, fold, np.random.default_rng(3), getattr(cohorts, learner)).scores[:, 0]
        for one in (values, other)
    )
    beside = (fold[0] == fold[0, 0]) & (np.arange(30) > 0)
    assert beside.any()
    np.testing.assert_allclose(first[:, beside], second[:, beside], rtol=1e-9)
    assert (first[:, 0] != second[:, 0]).all()


def test_tables_tell_the_corrected_interval_from_delongs(scripts: tuple[ModuleType, ModuleType]) -> None:
    cohorts, intervals = scripts
    text = next(intervals.tables(200, cohorts.search, (cohorts.Setting(24, 40, 0, prevalence=0.5),)))
    names, _, values = (line.strip("| ").split(" | ") for line in text.splitlines()[2:5])
    covered = dict(zip(names, map(float, values[1:]), strict=False))
    assert covered["DeLong"] < 0.88
    assert 0.93 <= covered["corrected, t"] <= 1
