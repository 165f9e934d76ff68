"""The presets' benchmark compares like with like and predicts what its figures say; nothing here looks at a clock."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import sklearn

from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.search import fit_search
from HabitatRadiomicsLib.learning.strategy import TrainingTable
from HabitatRadiomicsLib.protocol import LearningSettings, SearchSettings, load_protocol
from HabitatRadiomicsLib.training.train import TrainingWork

_FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, imported by its path; its neighbours are found as when it is run."""
    monkeypatch.syspath_prepend(str(_FOLDER))
    spec = importlib.util.spec_from_file_location("preset_cost", _FOLDER / "preset_cost.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


#: LogisticRegression knows no penalty by ``l1_ratio`` alone.
_OLDER = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 8)


def _table(cases: int = 60, columns: int = 12) -> tuple[np.ndarray, np.ndarray]:
    outcome = np.arange(cases) % 2
    values = np.random.default_rng(1).normal(size=(cases, columns))
    values[:, 3:5] += outcome[:, None]
    return values, outcome


def _costs(benchmark: ModuleType, *rows: tuple[int, float, float]) -> list[object]:
    return [
        benchmark.Cost("spine-nomogram-mri", cases, measuring, learning, 1.0, 2.0, 300.0)
        for cases, measuring, learning in rows
    ]


def test_the_plain_search_is_the_same_search(benchmark: ModuleType) -> None:
    values, outcome = _table()
    settings = SearchSettings(
        selectors=("anova", "kruskal-wallis", "relief"), classifiers=("svm", "lda", "naive-bayes"), features=(2, 5)
    )
    ours = fit_search(values, outcome, settings, folds=4, seed=0).compared
    plain = benchmark.plain_search(values, outcome, settings, stratified_folds(outcome, 4, 0), 0)
    assert set(plain) == {(row.selector, row.classifier, row.features) for row in ours}
    for row in ours:
        assert plain[row.selector, row.classifier, row.features] == pytest.approx(row.auc, abs=0.02)


def test_every_selector_has_a_peer(benchmark: ModuleType) -> None:
    values, outcome = _table()
    for name in ("delta-ct-egfr-tki", "brain-metastasis-dti"):
        asked = load_protocol(name).learning.search
        assert asked is not None
        settings = asked.model_copy(update={"classifiers": ("lda",), "features": (3,)})
        areas = benchmark.plain_search(values, outcome, settings, stratified_folds(outcome, 2, 0), 0)
        assert min(areas.values()) > 0.6


@pytest.mark.skipif(_OLDER, reason="scikit-learn before 1.8 names the L1 penalty otherwise")
def test_the_plain_rad_score_finds_what_is_there(benchmark: ModuleType) -> None:
    values, outcome = _table()
    area = benchmark.plain_rad_score(values, outcome, LearningSettings(), stratified_folds(outcome, 4, 0))
    assert area > 0.7


def test_other_scores_void_the_comparison(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    values, outcome = _table()
    table = TrainingTable(tuple("abcdefghijkl"), values, outcome, np.arange(60))
    wrong = {("anova", "logistic-regression", count): 0.1 for count in (3, 6, 9)}
    monkeypatch.setattr(benchmark, "plain_search", lambda *given: wrong)
    with pytest.raises(AssertionError, match="void"):
        benchmark.compared(table, load_protocol("delta-ct-egfr-tki"))


def test_measuring_is_per_case_and_learning_by_the_power_that_sizes_show(benchmark: ModuleType) -> None:
    work = TrainingWork(validation=10, permutations=50, bootstraps=0, curve=0, fits=7, measuring=0.5)
    costs = _costs(benchmark, (20, 10.0, 1.0), (40, 20.0, 2.0))
    assert benchmark.predicted(costs, work, 5, 120, 1) == pytest.approx((60.0, 6.0 * 61))
    # 10 folds in two rounds; ten permutations, of five folds each, in two rounds; and the model
    assert benchmark.predicted(costs, work, 5, 120, 8) == pytest.approx((7.5, 6.0 * (1 + 2 + 5 * 2)))
    quicker = _costs(benchmark, (20, 10.0, 2.0), (40, 20.0, 1.0))  # chance: more cases do not take less
    assert benchmark.predicted(quicker, work, 5, 120, 1)[1] == pytest.approx(61.0)


def test_the_report_has_a_row_for_each_cost_and_a_prediction_for_each_preset(benchmark: ModuleType) -> None:
    lines = benchmark.report(_costs(benchmark, (20, 10.0, 1.0), (40, 20.0, 1.0))).splitlines()
    assert lines[2] == "| spine-nomogram-mri | 20 | 10.0 s | 1.00 s | 300 MiB | 1.00 s | 2.00 s | 0.50 |"
    # 62.5 s of measuring and 676 trainings of a second; on eight cores 7.8 s, and 1 + 4 + 5 x 13 + 5 x 3 + 7 rounds
    assert lines[-1] == "| spine-nomogram-mri | 676 | 12,168 | 12 min | 1.7 min |"


def test_one_size_predicts_nothing(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["preset_cost.py", "--patients", "30"])
    with pytest.raises(SystemExit):
        benchmark.main()
