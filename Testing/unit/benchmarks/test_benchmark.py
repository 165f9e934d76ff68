"""The benchmark measures what it says, on a tiny size; nothing here looks at how long it takes."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
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
        document = json.loads(json.dumps(benchmark.measured_entropy(tiny_entropy)))
    section = benchmark.entropy_section(document)
    # two lesions with three ways of scikit-image, one with pyradiomics; memory of a lesion, and of one in two volumes
    kinds = len(sys.modules["entropy_maps"]._kinds())
    _assert_sound(_rows(section), kinds * (2 * 3 + 1) + 3)
    assert section.count("aim of 3 ") == 2 * 2
    assert section.count("aim of 20 ") == 2 * 2 * (kinds - 1)


@pytest.mark.skipif(importlib.util.find_spec("resource") is None, reason="the system does not tell peak memory")
def test_report_has_every_subject(benchmark: ModuleType, tiny_entropy: object, tmp_path: Path) -> None:
    what = benchmark.Plan(
        dataclasses.replace(tiny_entropy, pairs=1),
        benchmark.RegionPlan({"tiny": 2}, alone=("tiny-wide",)),
        benchmark.ProfilePlan(("tiny",)),
        benchmark.MemoryPlan(("tiny",), pairs=1),
    )
    headings = [
        "# Benchmark",
        "## Entropy map",
        "## Features of three regions",
        "### Time against voxels of the lesion",
        "### Agreement",
        "## Where the time goes",
        "## Peak memory of an extraction",
    ]
    # Measured in pieces, one after the other.
    benchmark.measure(what, ["entropy", "profile"], (), tmp_path)
    partly = benchmark.report(tmp_path, "a test")
    assert partly.count("Not measured.") == 2
    benchmark.measure(what, ["features"], ["tiny"], tmp_path)
    assert [file.name for file in tmp_path.glob("features-*")] == ["features-0-tiny.json"]
    benchmark.measure(what, ["features"], ["tiny-wide"], tmp_path)
    benchmark.measure(what, ["memory"], (), tmp_path)
    report = benchmark.report(tmp_path, "a test")
    assert [line for line in report.splitlines() if line.startswith("#")] == headings
    ways = len(sys.modules["engine_ways"].ways())
    kinds = len(sys.modules["entropy_maps"]._kinds())
    _assert_sound(_rows(report), 7 * kinds + 3 + ways + ways)
    assert "numpy " in report
    assert "Not measured" not in report


def test_aims_are_marked_as_met_or_missed(benchmark: ModuleType) -> None:
    runs = sys.modules["paired_runs"]
    assert runs.met_or_missed(5.0, 5) == "5, aim of 5 met"
    assert runs.met_or_missed(4.99, 5) == "4.99, aim of 5 missed"
    assert runs.Comparison("case", "peer", "s", (1.0, 2.0, 1.0), (4.0, 6.0, 5.0)).times_faster == 4


def test_unknown_case_is_refused(benchmark: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        benchmark.main(["--section", "features", "--case", "huge"])
    assert "no case huge" in capsys.readouterr().err


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


def test_all_ways_of_the_engine_give_the_same_values(benchmark: ModuleType) -> None:
    ways = sys.modules["engine_ways"]
    case = sys.modules["lesions"].case_named("tiny")
    before = ways.compiled_kernels()
    found = [ways.by_built_in(case, way) for way in ways.ways()]
    assert len(found) in (2, 4)
    assert all(values == found[0] for values in found)
    assert ways.compiled_kernels() is before


def test_quick_and_full_plans_measure_the_same_subjects(benchmark: ModuleType) -> None:
    quick, full = benchmark.plan(quick=True), benchmark.plan(quick=False)
    assert quick.entropy.lesions == full.entropy.lesions
    assert set(quick.regions.pairs) <= set(full.regions.pairs)
    assert all(pairs < full.regions.pairs[case] for case, pairs in quick.regions.pairs.items())
