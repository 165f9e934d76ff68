"""Cases and images stand in the order of their names, whatever the order of the rows."""

from __future__ import annotations

import random
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase, load_cohort
from HabitatRadiomicsLib.cases.cohort.tables import cases_in_order

_IDS = ["P1", "P2", "P3", "P10", "P20"]


def _images(folder: Path, name: str, *, seed: int | None, moments: tuple[str, ...] = ("baseline",)) -> Path:
    """A table of two sequences; its rows in order, or in another one."""
    for part in ("i.nrrd", "m.nrrd"):
        (folder / part).touch()
    rows = [
        f"{case_id},{moment},{sequence},i.nrrd,m.nrrd"
        for case_id in _IDS for moment in moments for sequence in ("T1W", "T2FS")
    ]  # fmt: skip
    if seed is not None:
        random.Random(seed).shuffle(rows)
    path = folder / name
    path.write_text("\n".join(["case_id,timepoint,sequence,image,mask", *rows, ""]), encoding="utf-8")
    return path


def _clinical(folder: Path, ids: list[str]) -> Path:
    path = folder / f"{'-'.join(ids)}.csv"
    rows = [f"{case_id},{_IDS.index(case_id) % 2},{50 + _IDS.index(case_id)}" for case_id in ids]
    path.write_text("\n".join(["case_id,outcome,age", *rows, ""]), encoding="utf-8")
    return path


def _names(cohort: Cohort) -> list[tuple[str, list[str]]]:
    return [(case.case_id, [row.sequence for row in case.images]) for case in cohort.cases]


def test_numbers_in_identifiers_count_as_numbers() -> None:
    names = ["b", "P10", "P2", "P02", "P2-10", "P2-9", "A", "7", "P2.5x", "P"]
    found = [case.case_id for case in cases_in_order(CohortCase(name, "baseline", ()) for name in names)]
    assert found == ["7", "A", "P", "P02", "P2", "P2-9", "P2-10", "P2.5x", "P10", "b"]
    again = cases_in_order(CohortCase(name, "baseline", ()) for name in names[::-1])
    assert [case.case_id for case in again] == found


def test_a_shuffled_table_is_the_same_cohort(tmp_path: Path) -> None:
    table = load_cohort(_images(tmp_path, "a.csv", seed=None), _clinical(tmp_path, _IDS))
    expected = [(case_id, ["T1W", "T2FS"]) for case_id in _IDS]
    assert _names(table) == expected
    for seed in range(3):
        shuffled = load_cohort(_images(tmp_path, "b.csv", seed=seed), _clinical(tmp_path, _IDS[::-1]))
        assert _names(shuffled) == expected
        assert (shuffled.outcomes, shuffled.covariates) == (table.outcomes, table.covariates)


def test_of_two_time_points_the_earlier_one_comes_first(tmp_path: Path) -> None:
    moments = ("pre", "after")
    for seed in (None, 1, 2):
        cohort = load_cohort(_images(tmp_path, "c.csv", seed=seed, moments=moments), timepoints=moments)
        keys = ["pre_T1W", "pre_T2FS", "after_T1W", "after_T2FS"]
        assert _names(cohort) == [(case_id, keys) for case_id in _IDS]
