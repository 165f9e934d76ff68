"""A patient added to a cohort's tables reads back the same; whatever is wrong changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import add_to_cohort, load_cohort
from HabitatRadiomicsLib.cases.cohort.tables import read_table
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient, synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.errors import CohortError


def _named(patient: SyntheticPatient, case_id: str) -> Case:
    return replace(patient.case, case_id=case_id)


def test_new_tables_are_made_and_read_back_the_same(patient: SyntheticPatient, tmp_path: Path) -> None:
    images, clinical = tmp_path / "images.csv", tmp_path / "clinical.csv"
    add_to_cohort(images, _named(patient, "A-1"), clinical=clinical, outcome="1")
    add_to_cohort(images, _named(synthetic_patient(7, seed=1), "A-2"), clinical=clinical, outcome="0")
    cohort = load_cohort(images, clinical)
    assert [case.case_id for case in cohort.cases] == ["A-1", "A-2"]
    assert cohort.outcomes == {"A-1": 1, "A-2": 0}
    read = cohort.cases[0].read()
    for name, sequence in patient.case.sequences.items():
        for ours, theirs in ((read.sequences[name].image, sequence.image), (read.sequences[name].mask, sequence.mask)):
            assert (sitk.GetArrayFromImage(ours) == sitk.GetArrayFromImage(theirs)).all()
            for what in ("GetOrigin", "GetSpacing", "GetDirection"):
                assert getattr(ours, what)() == getattr(theirs, what)()


def test_an_existing_table_keeps_its_rows_and_columns(patient: SyntheticPatient, tmp_path: Path) -> None:
    images, clinical = write_synthetic_cohort(tmp_path, 2, seed=1)
    add_to_cohort(images, _named(patient, "new"), clinical=clinical, outcome="1")
    for path in (images, clinical):
        ids = dict.fromkeys(row["case_id"] for _, row in read_table(path)[1])
        assert list(ids) == ["synthetic-000", "synthetic-001", "new"]
    cohort = load_cohort(images, clinical)
    assert [case.case_id for case in cohort.cases] == ["new", "synthetic-000", "synthetic-001"]
    assert cohort.sites == {"synthetic-000": "Alpha", "synthetic-001": "Alpha"}


@pytest.mark.parametrize(
    ("case_id", "outcome", "sentence"),
    [
        ("synthetic-000", "", "is already in the table"),
        ("SYNTHETIC-000", "", "is already in the table"),
        ("Jane Doe", "", "must have 1 to 64 letters"),
        ("con", "", "cannot be a file name on Windows"),
        ("new", "2", "it must be 0, 1 or empty"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(
    patient: SyntheticPatient, tmp_path: Path, case_id: str, outcome: str, sentence: str
) -> None:
    images, clinical = write_synthetic_cohort(tmp_path, 1, seed=1)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(CohortError, match=sentence):
        add_to_cohort(images, _named(patient, case_id), clinical=clinical, outcome=outcome)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_second_time_point_of_a_case_is_another_row(patient: SyntheticPatient, tmp_path: Path) -> None:
    images = tmp_path / "images.csv"
    add_to_cohort(images, _named(patient, "A"))
    add_to_cohort(images, _named(patient, "A"), timepoint="week-8")
    assert [case.timepoint for case in load_cohort(images, timepoint="week-8").cases] == ["week-8"]


def test_a_table_of_something_else_is_refused(patient: SyntheticPatient, tmp_path: Path) -> None:
    (tmp_path / "images.csv").write_text("name,value\nx,1\n", encoding="utf-8")
    with pytest.raises(CohortError, match="The table has no column case_id"):
        add_to_cohort(tmp_path / "images.csv", _named(patient, "A"))
