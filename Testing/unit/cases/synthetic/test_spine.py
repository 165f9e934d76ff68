"""The spine's strength of effect leaves the bundled demonstration's patients as they were."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.cases.synthetic.spine import SyntheticPatient
from HabitatRadiomicsLib.system.provenance import image_digest

#: SHA-256 of patient 3 of seed 4, one of those that the bundled demonstration was trained on.
DIGESTS = {
    "T1W": "42f3e63c853d6345224318344534a1d95f4e0bf03c9aed6094fade665e029184",
    "T2FS": "6c85a0676a48873875e6aaedc613fd7fd6914e54e351ebe38cb010a92f4cb88c",
}


def _contrast(patient: SyntheticPatient) -> float:
    import SimpleITK as sitk

    sequence = patient.case.sequences["T2FS"]
    inside = sitk.GetArrayFromImage(sequence.mask) == 1
    return float(sitk.GetArrayFromImage(sequence.image)[inside].std())


def test_the_demonstrations_patients_are_what_they_were() -> None:
    case = synthetic_patient(3, seed=4).case
    assert {name: image_digest(sequence.image) for name, sequence in case.sequences.items()} == DIGESTS


def test_effect_moves_the_severity_and_nothing_else() -> None:
    """Of one patient: more effect, more contrast with the outcome and less without; the lesion's shape stays."""
    for number, rises in ((5, True), (6, False)):
        patients = [synthetic_patient(number, seed=2, effect=effect) for effect in (0.0, 1.0, 2.0)]
        contrasts = [_contrast(patient) for patient in patients]
        assert contrasts == sorted(contrasts, reverse=not rises)
        assert len({image_digest(patient.case.sequences["T1W"].mask) for patient in patients}) == 1


def test_without_effect_the_outcome_shows_nowhere() -> None:
    """The severities of the two outcomes are draws of one distribution: the same patient but for the sign of 0."""
    patients = [synthetic_patient(number, seed=2, effect=0.0) for number in range(12)]
    contrasts = np.array([_contrast(patient) for patient in patients])
    one, other = contrasts[1::2], contrasts[::2]
    spread = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2)
    assert abs(one.mean() - other.mean()) < spread
