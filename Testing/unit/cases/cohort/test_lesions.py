"""Several lesions of a patient: cases of their own, that stay together."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.cases import INTER_OBSERVER, Case
from HabitatRadiomicsLib.cases.cohort import Cohort, add_to_cohort, load_cohort, with_reading
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.protocol import protocol_from
from HabitatRadiomicsLib.training.checks import check_apart, folds_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.nrrd", "m.nrrd"):
        (tmp_path / name).touch()
    return tmp_path


def images(folder: Path, *rows: str, header: str = "case_id,lesion,sequence,image,mask,label") -> Path:
    """Rows ``P01,2`` become rows of T1W."""
    path = folder / "images.csv"
    path.write_text("\n".join([header, *(f"{row},T1W,a.nrrd,m.nrrd,1" for row in rows), ""]), encoding="utf-8")
    return path


def clinical(folder: Path, *lines: str) -> Path:
    path = folder / "clinical.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path


def ids(cohort: Cohort) -> list[str]:
    return [case.case_id for case in cohort.cases]


def problems_of(error: pytest.ExceptionInfo[CohortError]) -> list[str]:
    return [line.removeprefix("  - ") for line in error.value.problem.splitlines() if line.startswith("  - ")]


ROWS = ("P01,1", "P01,2", "P02,", "P03,left")


def test_each_lesion_is_a_case_of_its_patient(folder: Path) -> None:
    cohort = load_cohort(images(folder, *ROWS))
    assert ids(cohort) == ["P01-1", "P01-2", "P02", "P03-left"]
    assert [cohort.patient_of(case_id) for case_id in ids(cohort)] == ["P01", "P01", "P02", "P03"]


def test_the_patients_outcome_holds_for_each_lesion(folder: Path) -> None:
    table = clinical(folder, "case_id,outcome,site,age", "P01,1,Alpha,61", "P02,0,,50", "P03,0,Beta,44")
    cohort = load_cohort(images(folder, *ROWS), table)
    assert cohort.outcomes == {"P01-1": 1, "P01-2": 1, "P02": 0, "P03-left": 0}
    assert cohort.sites == {"P01-1": "Alpha", "P01-2": "Alpha", "P03-left": "Beta"}
    assert cohort.covariates["P01-2"] == {"age": "61"}
    assert cohort.patients == {"P01-1": "P01", "P01-2": "P01", "P03-left": "P03"}


def test_lesions_may_have_outcomes_of_their_own(folder: Path) -> None:
    rows = ("P01,1,1,3", "P01,2,0,4", "P02,,0,", "P03,,1,6")
    cohort = load_cohort(images(folder, *ROWS), clinical(folder, "case_id,lesion,outcome,size", *rows))
    assert cohort.outcomes == {"P01-1": 1, "P01-2": 0, "P02": 0, "P03-left": 1}
    assert [cohort.covariates[case_id] for case_id in ids(cohort)] == [
        {"size": "3"}, {"size": "4"}, {"size": ""}, {"size": "6"}
    ]  # fmt: skip


def test_a_lesion_without_outcome_and_two_outcomes_of_one_are_told(folder: Path) -> None:
    rows = ("P01,1,1", "P01,,0", "P02,,0")
    with pytest.raises(CohortError) as error:
        load_cohort(images(folder, *ROWS), clinical(folder, "case_id,lesion,outcome", *rows))
    assert problems_of(error) == [
        "row 3: P01-1 is already in row 2",
        "P03-left of the image table has no row here",
    ]


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (("P01,a b", "P01,2"), ["row 2: lesion 'a b' must have 1 to 16 letters or digits"]),
        (("P01,1-2",), ["row 2: lesion '1-2' must have 1 to 16 letters or digits"]),
        (("P01,1", "P01,"), ["row 3: some rows of P01 name a lesion and others do not"]),
        (("P01,", "P01,1"), ["row 3: some rows of P01 name a lesion and others do not"]),
        (("P01,1", "P01,1"), ["row 3: P01-1 baseline T1W is already in row 2"]),
        (("P01,a", "P01,A"), ["P01-A and P01-a differ in case only"]),
        (
            ("P01,2", "P01-2,"),
            [
                "lesion 2 of P01 (row 2) and P01-2 (row 3) would both be the case P01-2",
                "row 3: P01-2 baseline T1W is already in row 2",
            ],
        ),
    ],
)
def test_what_is_wrong_with_lesions_is_told(folder: Path, rows: tuple[str, ...], problems: list[str]) -> None:
    with pytest.raises(CohortError) as error:
        load_cohort(images(folder, *rows))
    found = [problem for problem in problems_of(error) if "case_id 'P01-" not in problem]
    assert found == problems


def test_a_long_name_is_refused_as_the_file_name_that_it_becomes(folder: Path) -> None:
    with pytest.raises(CohortError, match="must have 1 to 64 letters"):
        load_cohort(images(folder, f"{'P' * 60},12345"))


def test_a_column_patient_must_not_contradict_the_lesions(folder: Path) -> None:
    table = clinical(folder, "case_id,outcome,patient", "P01,1,P01", "P02,0,Q", "P03,1,Q")
    with pytest.raises(CohortError) as error:
        load_cohort(images(folder, *ROWS), table)
    assert problems_of(error) == [
        "row 4: the patient of P03-left is 'Q' here; by the image table's column lesion it is P03"
    ]
    agreeing = clinical(folder, "case_id,outcome,patient", "P01,1,P01", "P02,0,Q", "P03,1,")
    cohort = load_cohort(images(folder, *ROWS), agreeing)
    assert [cohort.patient_of(case_id) for case_id in ids(cohort)] == ["P01", "P01", "Q", "P03"]


def test_an_empty_column_changes_nothing(folder: Path) -> None:
    cohort = load_cohort(images(folder, "P01,", "P02,"), clinical(folder, "case_id,lesion,outcome", "P01,,1", "P02,,0"))
    assert ids(cohort) == ["P01", "P02"]
    assert (cohort.patients, cohort.outcomes) == ({}, {"P01": 1, "P02": 0})
    assert cohort.covariates == {"P01": {}, "P02": {}}


@pytest.mark.parametrize("mixed", [False, True])
def test_a_patients_lesions_are_on_one_side_of_every_split(folder: Path, mixed: bool) -> None:
    generator = np.random.default_rng(8)
    rows, outcomes = [], []
    for patient in range(24):
        for lesion in range(int(generator.integers(1, 5))):
            rows.append(f"P{patient},{lesion}")
            outcome = int(generator.integers(0, 2)) if mixed else patient % 2
            outcomes.append(f"P{patient},{lesion},{outcome}")
    cohort = load_cohort(images(folder, *rows), clinical(folder, "case_id,lesion,outcome", *outcomes))
    protocol = protocol_from(
        {"name": "a", "title": "a", "sequences": ["T1W"], "learning": {"folds": 4, "repeats": 3}}, where="test"
    )
    patients = np.array([cohort.patient_of(case_id) for case_id in ids(cohort)])
    folds = folds_of(cohort, protocol)
    assert len(folds) == 12
    for fold in folds:
        assert not set(patients[fold.training]) & set(patients[fold.test])
        assert len(fold.training) + len(fold.test) == len(rows)
    outcome = np.array([cohort.outcomes[case_id] for case_id in ids(cohort)])
    for training, test in stratified_folds(outcome, 4, 1, patients):
        assert not set(patients[training]) & set(patients[test])


def test_a_patient_in_training_and_test_cohort_is_refused(folder: Path) -> None:
    training = load_cohort(images(folder, "P01,1", "P02,1"))
    test = load_cohort(images(folder, "P01,2", "P09,1"))
    with pytest.raises(CohortError, match="P01-2 is of patient P01, who is in the training cohort"):
        check_apart(training, test)


def test_a_second_reading_of_lesions(folder: Path) -> None:
    cohort = load_cohort(images(folder, *ROWS))
    read = with_reading(cohort, images(folder, *ROWS[:3]), INTER_OBSERVER)
    assert [bool(case.readings) for case in read.cases] == [True, True, True, False]
    with pytest.raises(CohortError, match="P01-9 is not a case of the cohort"):
        with_reading(cohort, images(folder, "P01,1", "P01,2", "P01,9"), INTER_OBSERVER)


def test_a_new_case_must_not_bear_a_lesions_name(folder: Path) -> None:
    table = images(folder, "P01,2", header="case_id,lesion,sequence,image,mask,label")
    for name in ("P01", "p01-2"):
        with pytest.raises(CohortError, match="is already in the table"):
            add_to_cohort(table, Case(name, {}))


def test_the_patients_own_table_stays_as_it_is(folder: Path) -> None:
    path = images(folder, *ROWS)
    before = path.read_bytes()
    load_cohort(path)
    assert path.read_bytes() == before
    with path.open(encoding="utf-8") as stream:
        assert [row["case_id"] for row in csv.DictReader(stream)] == ["P01", "P01", "P02", "P03"]
