"""The benchmark measures what it says, on a tiny size; nothing here looks at how long it takes."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("radiomics")

_FOLDER = Path(__file__).parents[2] / "benchmarks"
_COLUMNS = 8
_RATIOS = slice(4, 7)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, imported by its path; its neighbours are found as when it is run."""
    monkeypatch.syspath_prepend(str(_FOLDER))
    spec = importlib.util.spec_from_file_location("habitat_benchmark", _FOLDER / "benchmark.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tiny_entropy(benchmark: ModuleType) -> object:
    small, smaller = (1_500, (20, 48, 48)), (700, (20, 48, 48))
    return benchmark.EntropyPlan((smaller, small), (smaller,), ((20, 48, 48), (24, 64, 64)), 2, 1)


def _rows(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("| ") and "---" not in line]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in rows if row[0] != "Case" and len(row) == _COLUMNS]


def _assert_sound(rows: list[list[str]], count: int) -> None:
    assert len(rows) == count
    for row in rows:
        ratios = [float(cell) for cell in row[_RATIOS]]
        assert all(math.isfinite(ratio) and ratio > 0 for ratio in ratios)
        assert ratios == sorted(ratios)


def test_entropy_maps_agree_and_give_two_tables(benchmark: ModuleType, tiny_entropy: object) -> None:
    with benchmark.one_thread():
        section = benchmark.entropy_section(tiny_entropy)
    # two lesions with two ways of scikit-image, one with pyradiomics; memory of a lesion, and of one in two volumes
    _assert_sound(_rows(section), 2 * 2 + 1 + 3)


@pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="the system does not tell peak memory")
def test_report_has_every_subject(benchmark: ModuleType, tiny_entropy: object) -> None:
    what = benchmark.Plan(
        dataclasses.replace(tiny_entropy, pairs=1),
        benchmark.RegionPlan(("tiny",), pairs=2),
        benchmark.ProfilePlan(("tiny",)),
        benchmark.MemoryPlan(("tiny",), pairs=1),
    )
    report = benchmark.report(what, "a test")
    assert [line for line in report.splitlines() if line.startswith("#")] == [
        "# Benchmark",
        "## Entropy map",
        "## Features of three regions",
        "### Time against voxels of the lesion",
        "### Agreement",
        "## Where the time goes",
        "## Peak memory of an extraction",
    ]
    ways = len(sys.modules["three_regions"].ways())
    _assert_sound(_rows(report), 8 + ways + ways)
    assert "numpy " in report


def test_different_values_make_it_void(benchmark: ModuleType) -> None:
    runs = sys.modules["paired_runs"]
    known = np.array([1.0, np.nan, 3.0])
    assert runs.check_equal(known, known + 1e-13, "same", relative=1e-9) < 1e-12
    with pytest.raises(runs.WrongValuesError, match="1 of 3 values differ"):
        runs.check_equal(known, np.array([1.0, np.nan, 3.1]), "one off", relative=1e-9)
    with pytest.raises(runs.WrongValuesError, match="1 of 3 values differ"):
        runs.check_equal(known, np.array([1.0, 2.0, 3.0]), "NaN and a number", relative=1e-9)


def test_agreement_names_the_worst_of_a_class_and_refuses_what_one_engine_alone_defines(benchmark: ModuleType) -> None:
    agreement = sys.modules["agreement"]
    nan = float("nan")
    ours = {"S1": {"original_glcm_Id": 2.0, "original_glcm_Idm": nan, "original_shape_Sphericity": 0.0}}
    theirs = {"S1": {"original_glcm_Id": 2.0 + 1e-12, "original_glcm_Idm": nan, "original_shape_Sphericity": 0.0}}
    table = agreement.agreement_table(agreement.differences("case", ours, theirs, 1e-9))
    assert "| glcm | 2 | 5.0e-13 | original_glcm_Id, S1, case |" in table
    assert "| shape | 1 | 0.0e+00 | all are equal |" in table
    theirs["S1"]["original_glcm_Idm"] = 1.0
    with pytest.raises(agreement.WrongValuesError, match="Idm"):
        agreement.differences("case", ours, theirs, 1e-9)
    with pytest.raises(agreement.WrongValuesError, match="other names"):
        agreement.differences("case", ours, {"S1": {}}, 1e-9)


def test_engine_without_kernels_gives_the_same_values(benchmark: ModuleType) -> None:
    regions = sys.modules["three_regions"]
    case = sys.modules["lesions"].case_named("tiny")
    with_what_is_there = regions.by_built_in(case, regions.ways()[0])
    before = regions.compiled_kernels()
    assert regions.by_built_in(case, regions.WITHOUT) == with_what_is_there
    assert regions.compiled_kernels() is before


def test_quick_and_full_plans_measure_the_same_subjects(benchmark: ModuleType) -> None:
    quick, full = benchmark.plan(quick=True), benchmark.plan(quick=False)
    assert quick.entropy.lesions == full.entropy.lesions
    assert set(quick.regions.cases) <= set(full.regions.cases)
    assert quick.regions.pairs < full.regions.pairs
