"""Masks that were drawn again: read beside the first ones, and turned into the reliability of features."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, with_reading
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError, RobustnessError
from HabitatRadiomicsLib.extraction.kept_cases import _absolute
from HabitatRadiomicsLib.learning.preparation import prepare_fold, reliability_of
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training.checks import check_study
from HabitatRadiomicsLib.training.measured import MeasuredStudy, measure_study

from ... import two_time_points


def _protocol() -> Protocol:
    images = {
        "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
        "gradient": False, "lbp_2d": False, "log_sigmas": [],
    }  # fmt: skip
    document = {
        "name": "a", "title": "a", "sequences": ["T1W"], "regions": ["whole"],
        "features": {"classes": ["shape", "firstorder"], "images": images},
        "robustness": {"icc": "2,1", "threshold": 0.8}, "learning": {"folds": 2, "repeats": 1},
    }  # fmt: skip
    return protocol_from(document, where="test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 8, seed=5)
    return folder


def _second_table(folder: Path, target: Path, *, cases: int, grown: bool, name: str = "second") -> Path:
    """Another reading outlines the first cases, alike or one voxel wider."""
    with (folder / "images.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(dict.fromkeys(row["case_id"] for row in rows))[:cases]
    own = [row for row in rows if row["case_id"] in names and row["sequence"] == "T1W"]
    for row in own:
        mask = sitk.ReadImage(str(folder / row["mask"]))
        path = target / f"{row['case_id']}-{name}.nrrd"
        sitk.WriteImage(sitk.BinaryDilate(mask, [1, 1, 0]) if grown else mask, str(path))
        row["mask"], row["image"] = str(path), str(folder / row["image"])
    with (target / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(own)
    return target / f"{name}.csv"


def _cohort(folder: Path) -> Cohort:
    """Of T1W alone."""
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    cases = [replace(case, images=tuple(row for row in case.images if row.sequence == "T1W")) for case in cohort.cases]
    return replace(cohort, cases=tuple(cases))


def _measured(cohort: Cohort, work: Path, jobs: int = 1) -> MeasuredStudy:
    return measure_study(
        cohort, _protocol(), work, frozen_habitats=False, jobs=jobs, resample_mask=False, progress=silent
    )


@pytest.mark.parametrize("kind", [INTER_OBSERVER, INTRA_OBSERVER])
@pytest.mark.parametrize(("grown", "changes"), [(False, False), (True, True)])
def test_reliability_comes_from_the_cases_that_were_read_twice(
    folder: Path, tmp_path: Path, grown: bool, changes: bool, kind: str
) -> None:
    protocol = _protocol()
    cohort = with_reading(_cohort(folder), _second_table(folder, tmp_path, cases=5, grown=grown), kind)
    table = _measured(cohort, tmp_path / "work").table()
    assert list(table.repeated) == [kind]
    assert table.repeated[kind].cases.tolist() == [0, 1, 2, 3, 4]
    assert table.repeated[kind].values.shape == (5, 1, len(table.columns))
    assert protocol.robustness is not None
    found = reliability_of(table, np.arange(8), protocol.robustness)[kind]
    assert set(found.cases) == {5}
    assert bool((found.reliability.icc < 0.999).any()) is changes
    kept = prepare_fold(table, np.arange(8), protocol).columns
    assert kept == tuple(name for name, icc in zip(table.columns, found.reliability.icc) if icc >= 0.8)
    # Cases of a test fold do not tell which features are reliable.
    assert set(reliability_of(table, np.array([0, 2, 5, 6]), protocol.robustness)[kind].cases) == {2}


@pytest.fixture(scope="module")
def twice(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """A second reader draws five cases wider; the first reader four alike."""
    tables = tmp_path_factory.mktemp("readings")
    wider = _second_table(folder, tables, cases=5, grown=True)
    alike = _second_table(folder, tables, cases=4, grown=False, name="again")
    return with_reading(with_reading(_cohort(folder), wider, INTER_OBSERVER), alike, INTRA_OBSERVER)


def test_two_readings_each_have_cases_and_values_of_their_own(folder: Path, twice: Cohort, tmp_path: Path) -> None:
    table = _measured(twice, tmp_path / "work").table()
    assert {kind: again.cases.tolist() for kind, again in table.repeated.items()} == {
        INTER_OBSERVER: [0, 1, 2, 3, 4], INTRA_OBSERVER: [0, 1, 2, 3]
    }  # fmt: skip
    assert table.repeated[INTRA_OBSERVER].values[:, 0].tobytes() == table.values[:4].tobytes()
    wider = table.repeated[INTER_OBSERVER].values[:, 0]
    voxels = table.columns.index("T1W_whole_original_shape_MeshVolume")
    assert (wider[:, voxels] > table.values[:5, voxels]).all()
    # What one reading alone gives, whichever other there is.
    alone = _cohort(folder)
    alone = replace(alone, cases=tuple(
        replace(case, readings={kind: rows for kind, rows in read.readings.items() if kind == INTER_OBSERVER})
        for case, read in zip(alone.cases, twice.cases)
    ))  # fmt: skip
    single = _measured(alone, tmp_path / "alone").table().repeated
    assert list(single) == [INTER_OBSERVER]
    assert single[INTER_OBSERVER].values.tobytes() == table.repeated[INTER_OBSERVER].values.tobytes()


def test_another_reading_is_other_input(twice: Cohort, tmp_path: Path) -> None:
    """Nothing of an earlier run with other tables is taken over, nor of one with the tables changed about."""
    turned = {INTER_OBSERVER: INTRA_OBSERVER, INTRA_OBSERVER: INTER_OBSERVER}
    cases = [
        replace(case, readings={turned[kind]: rows for kind, rows in case.readings.items()}) for case in twice.cases
    ]
    changed = replace(twice, cases=tuple(cases))
    first, second, third = (
        _measured(cohort, tmp_path / "work") for cohort in (twice, changed, _without(twice, INTER_OBSERVER))
    )
    for kind, other in turned.items():
        assert second.table().repeated[kind].values.tobytes() == first.table().repeated[other].values.tobytes()
    assert list(third.table().repeated) == [INTRA_OBSERVER]
    assert [study.features.reused for study in (first, second, third)] == [0, 3, 3], "those without any reading"


def _without(cohort: Cohort, gone: str) -> Cohort:
    cases = [
        replace(case, readings={kind: rows for kind, rows in case.readings.items() if kind != gone})
        for case in cohort.cases
    ]
    return replace(cohort, cases=tuple(cases))


def test_a_reading_of_the_same_kind_takes_the_place_of_the_earlier_one(folder: Path, twice: Cohort) -> None:
    again = with_reading(twice, folder / "images.csv", INTER_OBSERVER)
    assert all(case.readings[INTER_OBSERVER][0].mask.parent.parent.parent == folder for case in again.cases)
    assert [INTRA_OBSERVER in case.readings for case in again.cases] == [True] * 4 + [False] * 4


@pytest.mark.parametrize("kind", [INTER_OBSERVER, INTRA_OBSERVER])
def test_a_case_that_is_none_a_missing_sequence_and_too_few_cases_are_refused(
    folder: Path, tmp_path: Path, kind: str
) -> None:
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    second = _second_table(folder, tmp_path, cases=4, grown=False)
    with pytest.raises(CohortError, match="synthetic-000 has no second reading of T2FS") as error:
        with_reading(cohort, second, kind)
    assert error.value.where == str(second)
    text = second.read_text(encoding="utf-8")
    second.write_text(text.replace("synthetic-001,", "stranger,"), encoding="utf-8")
    with pytest.raises(CohortError, match="stranger is not a case of the cohort"):
        with_reading(_cohort(folder), second, kind)
    two = _second_table(folder, tmp_path, cases=2, grown=False)
    with pytest.raises(CohortError, match="2 cases are too few to assess reliability; at least 3"):
        with_reading(_cohort(folder), two, kind)


def test_the_masks_of_the_other_reading_are_refused(folder: Path, tmp_path: Path) -> None:
    second = _second_table(folder, tmp_path, cases=4, grown=True)
    cohort = with_reading(_cohort(folder), second, INTER_OBSERVER)
    with pytest.raises(CohortError, match="the T1W mask of synthetic-000 is that of its inter-observer reading"):
        with_reading(cohort, second, INTRA_OBSERVER)
    # The same file may hold both, under two labels.
    text = second.read_text(encoding="utf-8").replace(",1\n", ",2\n").replace(",1\r\n", ",2\r\n")
    second.write_text(text, encoding="utf-8")
    assert len(with_reading(cohort, second, INTRA_OBSERVER).cases[0].readings) == 2


def test_a_mask_that_is_refused_is_named_with_its_table(folder: Path, tmp_path: Path) -> None:
    table = _second_table(folder, tmp_path, cases=3, grown=False, name="again")
    sitk.WriteImage(sitk.Image(3, 3, 3, sitk.sitkUInt8), str(tmp_path / "synthetic-001-again.nrrd"))
    case = with_reading(_cohort(folder), table, INTRA_OBSERVER).cases[1]
    with pytest.raises(HabitatRadiomicsError) as error:
        case.read(("T1W",))
    assert str(error.value).startswith("again.csv row 3, T1W ")


@pytest.mark.parametrize("kind", [INTER_OBSERVER, INTRA_OBSERVER])
def test_too_few_cases_in_the_training_part_of_a_fold_are_refused(folder: Path, tmp_path: Path, kind: str) -> None:
    other = {INTER_OBSERVER: INTRA_OBSERVER, INTRA_OBSERVER: INTER_OBSERVER}[kind]
    cohort = with_reading(_cohort(folder), _second_table(folder, tmp_path, cases=8, grown=False), other)
    few = _second_table(folder, tmp_path, cases=3, grown=True, name="few")
    with pytest.raises(RobustnessError) as error:
        check_study(with_reading(cohort, few, kind), _protocol())
    assert error.value.problem.startswith(f"{kind.capitalize()} agreement is tested on 3 cases; the training part of")
    assert error.value.remedy == "Add cases to that reading."


def test_cases_of_a_reading_that_could_not_be_measured_are_told(folder: Path, twice: Cohort, tmp_path: Path) -> None:
    cases = []
    for case in twice.cases:
        rows = case.readings.get(INTRA_OBSERVER, ())
        if case.case_id in ("synthetic-000", "synthetic-001", "synthetic-002"):
            rows = tuple(replace(row, mask=tmp_path / "gone.nrrd") for row in rows)
        cases.append(replace(case, readings={**case.readings, INTRA_OBSERVER: rows} if rows else case.readings))
    extra = with_reading(replace(twice, cases=tuple(cases)), folder / "images.csv", INTER_OBSERVER)
    told = "Intra-observer agreement is tested on 4 cases, of which 1 could be measured; at least 2 are needed."
    with pytest.raises(RobustnessError) as error:
        _measured(extra, tmp_path / "work")
    assert error.value.problem == told
    assert error.value.remedy == "See to the cases that failed, or add cases to that reading."


def test_paths_of_readings_do_not_depend_on_a_process_folder(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = _second_table(folder, folder, cases=3, grown=True, name="relative")
    text = table.read_text(encoding="utf-8").replace(f"{folder}/", "")
    table.write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    read = with_reading(_cohort(Path()), Path("relative.csv"), INTER_OBSERVER)
    assert not read.cases[0].readings[INTER_OBSERVER][0].mask.is_absolute()
    (row,) = _absolute(read.cases[0]).readings[INTER_OBSERVER]
    assert (row.mask, row.image.is_absolute()) == (folder / "synthetic-000-relative.nrrd", True)


def test_a_second_reading_of_both_time_points(tmp_path: Path) -> None:
    folder = two_time_points.write_cohort(tmp_path / "cohort", 8)
    cohort = two_time_points.cohort_of(folder)
    lines = (folder / "images.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "second.csv").write_text("".join(lines[:9]), encoding="utf-8")  # of the first four, read alike
    read = with_reading(cohort, folder / "second.csv", INTER_OBSERVER, timepoints=two_time_points.MOMENTS)
    assert [len(case.readings.get(INTER_OBSERVER, ())) for case in read.cases] == [2] * 4 + [0] * 4
    study = measure_study(
        read, two_time_points.protocol(robustness={"icc": "2,1", "threshold": 0.8}), tmp_path / "work",
        frozen_habitats=False, jobs=1, resample_mask=False, progress=silent,
    )  # fmt: skip
    table = study.table()
    assert table.repeated[INTER_OBSERVER].values[:, 0].tobytes() == table.values[:4].tobytes()
    (folder / "second.csv").write_text("".join(lines[:8]), encoding="utf-8")
    with pytest.raises(CohortError, match="P03 has no second reading of follow-up CT"):
        with_reading(cohort, folder / "second.csv", INTER_OBSERVER, timepoints=two_time_points.MOMENTS)
