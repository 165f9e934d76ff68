"""A lung nodule at two time points: the outcome shows in the change, and not before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_lung_timepoints
from HabitatRadiomicsLib.cases.synthetic.lung_timepoints import TIMEPOINTS
from HabitatRadiomicsLib.errors import CohortError

from .planted import coarse_contrast, contents, p_value, standardised_difference

PATIENTS = 16


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strong")
    write_lung_timepoints(folder, PATIENTS, seed=9, effect=3.0)
    return folder


def _contrasts(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the Laplacian of Gaussian of 3 mm at baseline and at follow-up, and the outcome."""
    found = []
    for moment in TIMEPOINTS:
        cohort = load_cohort(folder / "images.csv", folder / "clinical.csv", timepoint=moment)
        found.append(np.array([coarse_contrast(case.read(), "CT", 3.0) for case in cohort.cases]))
    return found[0], found[1], np.array([cohort.outcomes[case.case_id] for case in cohort.cases])


def test_each_patient_has_two_time_points(strong: Path) -> None:
    for moment in TIMEPOINTS:
        cohort = load_cohort(strong / "images.csv", strong / "clinical.csv", timepoint=moment)
        assert [case.case_id for case in cohort.cases] == [f"lung-{number:03d}" for number in range(PATIENTS)]
        assert list(cohort.outcomes.values()) == [0, 1] * (PATIENTS // 2)
    with pytest.raises(CohortError, match=r"several time points \(baseline, follow-up\)"):
        load_cohort(strong / "images.csv")


def test_the_images_are_ct_and_small(strong: Path) -> None:
    for moment in TIMEPOINTS:
        for case in load_cohort(strong / "images.csv", timepoint=moment).cases[:4]:
            ct = case.read().sequences["CT"]
            hounsfield, mask = sitk.GetArrayFromImage(ct.image), sitk.GetArrayFromImage(ct.mask)
            assert ct.image.GetSpacing() == (0.7, 0.7, 3.0)
            assert mask.shape == (16, 64, 64)
            assert 500 < mask.sum() < 2200
            assert -1024 <= hounsfield.min() < -700 < hounsfield[mask == 1].mean() < 0


def test_a_strong_effect_shows_in_the_change_and_not_at_baseline(strong: Path) -> None:
    before, after, outcome = _contrasts(strong)
    assert standardised_difference(after - before, outcome) > 1.5
    assert p_value(after - before, outcome) < 0.01
    assert p_value(before, outcome) > 0.05


def test_no_effect_does_not_show(strong: Path, tmp_path: Path) -> None:
    write_lung_timepoints(tmp_path, PATIENTS, seed=9, effect=0.0)
    before, after, outcome = _contrasts(tmp_path)
    assert p_value(after - before, outcome) > 0.05
    # The effect is on the change alone: the images of the baseline are the same, to the last byte.
    one, other = contents(strong), contents(tmp_path)
    assert all(other[path] == voxels for path, voxels in one.items() if path.startswith("images/baseline/"))
    assert any(other[path] != voxels for path, voxels in one.items() if path.startswith("images/follow-up/"))


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        write_lung_timepoints(tmp_path / name, 2, seed=seed, effect=1.0)
    assert contents(tmp_path / "one") == contents(tmp_path / "again")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")
