"""The synthetic CT cohort: reproducible, in Hounsfield units, with the effects that it promises and no others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic.chest_ct import synthetic_ct_patient, write_synthetic_ct_cohort
from HabitatRadiomicsLib.system.provenance import image_digest


def test_patients_are_reproducible() -> None:
    one, same, other = (synthetic_ct_patient(3, seed=seed) for seed in (1, 1, 2))
    digests = [image_digest(patient.case.sequences["CT"].image) for patient in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]
    assert one.case.sequences["CT"].image.GetSpacing() == (1.6, 1.6, 4.0)


def test_the_cohort_reads_back_with_its_endpoints(tmp_path: Path) -> None:
    images, clinical = write_synthetic_ct_cohort(tmp_path, 4, seed=1)
    cohort = load_cohort(images, clinical)
    assert list(cohort.outcomes.values()) == [0, 1, 0, 1]
    assert [row["endpoint_b"] for row in cohort.covariates.values()] == ["0", "0", "1", "1"]
    for number, case in enumerate(cohort.cases):
        read, made = case.read().sequences["CT"], synthetic_ct_patient(number, seed=1).case.sequences["CT"]
        for ours, theirs in ((read.image, made.image), (read.mask, made.mask), (read.others, made.others)):
            np.testing.assert_array_equal(sitk.GetArrayFromImage(ours), sitk.GetArrayFromImage(theirs))


def _measured(effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean of the tumour and median of what is denser than lung and fainter than fat (HU) of each patient, and the
    endpoints, shape (patients, 2)."""
    tumour, rim, endpoints = [], [], []
    for number in range(40):
        patient = synthetic_ct_patient(number, seed=4, effect=effect)
        sequence = patient.case.sequences["CT"]
        voxels, inside = sitk.GetArrayFromImage(sequence.image), sitk.GetArrayFromImage(sequence.mask) == 1
        tumour.append(voxels[inside].mean())
        # Between lung and chest wall there is nothing but the rim.
        rim.append(
            np.median(voxels[(voxels > -420) & (voxels < -130)]) if ((voxels > -420) & (voxels < -130)).any() else 0
        )
        endpoints.append((patient.outcome, patient.endpoint_b))
    return np.array(tumour), np.array(rim), np.array(endpoints)


def test_each_endpoint_has_an_effect_of_its_own_and_none_at_zero() -> None:
    from scipy.stats import mannwhitneyu

    def p_values(effect: float) -> list[float]:
        tumour, rim, endpoints = _measured(effect)
        return [
            float(mannwhitneyu(values[endpoints[:, column] == 1], values[endpoints[:, column] == 0]).pvalue)
            for values in (tumour, rim)
            for column in (0, 1)
        ]

    tumour_a, tumour_b, rim_a, rim_b = p_values(1.0)
    assert max(tumour_a, rim_b) < 1e-3
    assert min(tumour_b, rim_a) > 0.05
    assert min(p_values(0.0)) > 0.05


def test_a_larger_effect_separates_more() -> None:
    def distance(effect: float) -> float:
        tumour, _, endpoints = _measured(effect)
        groups = [tumour[endpoints[:, 0] == value] for value in (0, 1)]
        return float(abs(groups[0].mean() - groups[1].mean()))

    assert distance(2.0) == pytest.approx(2 * distance(1.0), rel=0.35)
