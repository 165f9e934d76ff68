"""Brain metastases made by code: several lesions of a patient, and a strength that can be set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_brain_metastases

from .planted import contents, lesion_voxels, p_value, standardised_difference

PATIENTS = 16


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strong")
    write_brain_metastases(folder, PATIENTS, seed=6, effect=3.0)
    return folder


def _by_patient(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The lesions' mean intensity and the outcome, by patient."""
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    means: dict[str, list[float]] = {}
    outcomes = {}
    for case in cohort.cases:
        patient = cohort.patient_of(case.case_id)
        means.setdefault(patient, []).append(float(lesion_voxels(case.read((name,)), name).mean()))
        outcomes[patient] = cohort.outcomes[case.case_id]
    return np.array([np.mean(values) for values in means.values()]), np.array(list(outcomes.values()))


def test_each_lesion_is_a_case_of_its_patient(strong: Path) -> None:
    cohort = load_cohort(strong / "images.csv", strong / "clinical.csv")
    counts: dict[str, int] = {}
    for case in cohort.cases:
        patient = cohort.patient_of(case.case_id)
        counts[patient] = counts.get(patient, 0) + 1
        assert case.case_id == f"{patient}-{counts[patient]}"
        assert [image.sequence for image in case.images] == ["ADC", "FA", "T1C"]
        assert cohort.outcomes[case.case_id] == int(patient[-3:]) % 2
    assert len(counts) == PATIENTS
    assert set(counts.values()) == {1, 2, 3, 4}


def test_the_lesions_are_apart_and_small_and_wholly_in_the_image(strong: Path) -> None:
    cohort = load_cohort(strong / "images.csv")
    for case in cohort.cases:
        for name, sequence in case.read().sequences.items():
            mask = sitk.GetArrayFromImage(sequence.mask)
            assert 300 < mask.sum() < 2000
            inner = mask[1:-1, 2:-2, 2:-2]
            assert inner.sum() == mask.sum()
            assert sitk.GetArrayFromImage(sitk.ConnectedComponent(sequence.mask)).max() == 1, name
            assert np.prod(mask.shape) <= 64 * 64 * 16


def test_the_values_are_those_of_the_units(strong: Path) -> None:
    case: Case = load_cohort(strong / "images.csv").cases[0].read()
    adc, fa = (sitk.GetArrayFromImage(case.sequences[name].image) for name in ("ADC", "FA"))
    assert 500 < np.median(adc) < 1000
    assert fa.min() >= 0
    assert fa.max() <= 1
    t1c = case.sequences["T1C"].image
    assert t1c.GetSpacing() != case.sequences["ADC"].image.GetSpacing()
    assert t1c.GetDirection() != case.sequences["ADC"].image.GetDirection()


@pytest.mark.parametrize(("name", "sign"), [("ADC", -1), ("FA", 1), ("T1C", -1)])
def test_a_strong_effect_shows(strong: Path, name: str, sign: int) -> None:
    values, outcome = _by_patient(strong, name)
    assert sign * standardised_difference(values, outcome) > 1.5
    assert p_value(values, outcome) < 0.01


def test_no_effect_does_not_show(tmp_path: Path) -> None:
    write_brain_metastases(tmp_path, PATIENTS, seed=6, effect=0.0)
    for name in ("ADC", "FA", "T1C"):
        values, outcome = _by_patient(tmp_path, name)
        assert p_value(values, outcome) > 0.05


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        write_brain_metastases(tmp_path / name, 2, seed=seed, effect=1.0)
    assert contents(tmp_path / "one") == contents(tmp_path / "again")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_a_larger_cohort_begins_with_the_smaller_one(strong: Path, tmp_path: Path) -> None:
    write_brain_metastases(tmp_path, 1, seed=6, effect=3.0)
    larger = contents(strong)
    images = {path: voxels for path, voxels in contents(tmp_path).items() if path.endswith(".nrrd")}
    assert len(images) == 6
    assert all(larger[path] == voxels for path, voxels in images.items())
