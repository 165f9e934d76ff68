"""Preprocessing against SimpleITK, pyradiomics, closed forms and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.errors import ImageError, MaskError, RegionError
from HabitatRadiomicsLib.imaging import prepare, to_grid_of
from HabitatRadiomicsLib.imaging.ring import peritumoral_ring
from HabitatRadiomicsLib.protocol import Preprocessing


def _image(array: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    image.SetOrigin((-20, 5, 70))
    return image


def _sequence(array: np.ndarray, mask: np.ndarray, **more: tuple[float, float, float]) -> SequenceImage:
    return SequenceImage("CT", _image(array, **more), _image(mask.astype(np.uint8), **more))


@pytest.fixture
def block() -> SequenceImage:
    array = np.random.default_rng(1).integers(-1000, 1000, (8, 16, 16)).astype(np.int16)
    mask = np.zeros(array.shape)
    mask[2:6, 4:12, 4:12] = 1
    return _sequence(array, mask, spacing=(1.0, 1.0, 2.0))


def test_without_steps_every_bit_stays(block: SequenceImage) -> None:
    prepared = prepare(block, Preprocessing())
    assert prepared.image is block.image
    assert prepared.mask is block.mask


def test_normalisation_over_the_image_is_simpleitks(block: SequenceImage) -> None:
    prepared = prepare(block, Preprocessing.model_validate({"normalisation": {"scope": "image", "scale": 100}}))
    expected = sitk.GetArrayFromImage(sitk.Normalize(block.image)) * 100
    np.testing.assert_allclose(sitk.GetArrayFromImage(prepared.image), expected, rtol=1e-9, atol=1e-9)


def test_normalisation_over_the_roi_with_clipping(block: SequenceImage) -> None:
    settings = {"normalisation": {"scope": "roi", "scale": 10, "clip": 1.5}}
    found = sitk.GetArrayFromImage(prepare(block, Preprocessing.model_validate(settings)).image)
    array = sitk.GetArrayFromImage(block.image).astype(float)
    roi = array[sitk.GetArrayFromImage(block.mask) == 1]
    expected = np.clip((array - roi.mean()) / roi.std(ddof=1), -1.5, 1.5) * 10
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert found.max() == 15.0


def test_ct_window_keeps_integers(block: SequenceImage) -> None:
    prepared = prepare(block, Preprocessing.model_validate({"window": {"lower": -150, "upper": 250}}))
    found = sitk.GetArrayFromImage(prepared.image)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.clip(sitk.GetArrayFromImage(block.image), -150, 250))
    with pytest.raises(ImageError, match="single intensity"):
        prepare(block, Preprocessing.model_validate({"window": {"lower": 2000, "upper": 2500}}))


def test_resampling_shares_the_centre_and_reproduces_a_linear_ramp() -> None:
    k, j, i = np.meshgrid(np.arange(12), np.arange(20), np.arange(20), indexing="ij")
    spacing = (0.9, 0.9, 3.0)
    ramp = 2.0 * i * spacing[0] + 3.0 * j * spacing[1] - 1.0 * k * spacing[2]
    mask = (np.abs(i - 10) < 5) & (np.abs(j - 10) < 5) & (np.abs(k - 6) < 3)
    sequence = _sequence(ramp, mask, spacing=spacing)
    prepared = prepare(sequence, Preprocessing.model_validate({"resampling": {"spacing": [1.0, 1.0, 1.0]}}))
    centre = [(size - 1) / 2 for size in sequence.image.GetSize()]
    new_centre = [(size - 1) / 2 for size in prepared.image.GetSize()]
    np.testing.assert_allclose(
        sequence.image.TransformContinuousIndexToPhysicalPoint(centre),
        prepared.image.TransformContinuousIndexToPhysicalPoint(new_centre),
    )
    assert prepared.image.GetSize() == (18, 18, 36)
    inside = sitk.GetArrayFromImage(prepared.mask) == 1
    found = sitk.GetArrayFromImage(prepared.image)
    origin = np.array(prepared.image.GetOrigin()) - np.array(sequence.image.GetOrigin())
    kk, jj, ii = np.meshgrid(*(np.arange(size) for size in found.shape), indexing="ij")
    expected = 2.0 * (ii + origin[0]) + 3.0 * (jj + origin[1]) - 1.0 * (kk + origin[2])
    # The spline's mirrored borders bend the ramp a little.
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.05)
    volume = mask.sum() * np.prod(spacing)
    assert inside.sum() == pytest.approx(volume, rel=0.1)


def test_an_axis_can_be_kept(block: SequenceImage) -> None:
    prepared = prepare(block, Preprocessing.model_validate({"resampling": {"spacing": [0.5, 0.5, None]}}))
    assert prepared.image.GetSpacing() == (0.5, 0.5, 2.0)
    assert prepared.image.GetSize() == (32, 32, 8)
    back = to_grid_of(prepared.mask, block.mask, labels=True)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(block.mask))


def test_a_lesion_that_vanishes_is_refused() -> None:
    mask = np.zeros((9, 9, 9))
    mask[4, 3, 3:5] = 1
    sequence = _sequence(np.random.default_rng(1).normal(size=mask.shape), mask)
    with pytest.raises(MaskError, match="too thin"):
        prepare(sequence, Preprocessing.model_validate({"resampling": {"spacing": [6, 6, 6]}}))


def test_bias_correction_flattens_a_known_field() -> None:
    generator = np.random.default_rng(2)
    k, j, i = np.meshgrid(np.arange(24), np.arange(48), np.arange(48), indexing="ij")
    body = (i - 24) ** 2 + (j - 24) ** 2 < 20**2
    truth = np.where(body, 200.0, 0.0) + generator.normal(0, 2, body.shape) * body
    field = np.exp(0.5 * np.sin(i / 16) * np.cos(j / 20) + 0.01 * k)
    sequence = _sequence((truth * field).astype(np.float32), body)
    corrected = prepare(sequence, Preprocessing.model_validate({"bias_correction": {"shrink_factor": 2}}))
    inside = body & (i % 3 == 0)

    def variation(array: np.ndarray) -> float:
        return float(array[inside].std() / array[inside].mean())

    before = variation(sitk.GetArrayFromImage(sequence.image))
    after = variation(sitk.GetArrayFromImage(corrected.image))
    assert after < 0.35 * before


def test_ring_is_exact_in_mm_on_anisotropic_voxels() -> None:
    spacing = (0.8, 1.1, 2.5)
    mask = np.zeros((9, 15, 17), dtype=np.uint8)
    mask[3:5, 5:9, 6:11] = 1
    ring = sitk.GetArrayFromImage(peritumoral_ring(_image(mask, spacing), 3.0)) == 1
    lesion = np.argwhere(mask == 1) * np.array(spacing[::-1])
    places = np.argwhere(mask == 0)
    distance = np.linalg.norm(places[:, None] * np.array(spacing[::-1]) - lesion[None], axis=2).min(axis=1)
    expected = np.zeros(mask.shape, dtype=bool)
    expected[tuple(places[distance <= 3.0 + 1e-6].T)] = True
    np.testing.assert_array_equal(ring, expected)
    with pytest.raises(RegionError, match="holds no voxel"):
        peritumoral_ring(_image(mask, spacing), 0.5)


def test_synthetic_patients_are_reproducible_and_oblique(patient: SyntheticPatient) -> None:
    from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
    from HabitatRadiomicsLib.system.provenance import image_digest

    again = synthetic_patient(101, seed=3)
    for name, sequence in patient.case.sequences.items():
        assert image_digest(sequence.image) == image_digest(again.case.sequences[name].image)
    other = synthetic_patient(102, seed=3)
    assert image_digest(other.case.sequences["T1W"].image) != image_digest(patient.case.sequences["T1W"].image)


def test_a_window_holds_after_resampling_too() -> None:
    """The spline overshoots at the edges of a block; the window comes after it."""
    array = np.zeros((12, 20, 20), dtype=np.int16)
    array[3:9, 5:15, 5:15] = 1000
    sequence = _sequence(array, array > -1, spacing=(1.0, 1.0, 3.0))
    settings = {"resampling": {"spacing": [0.7, 0.7, 2.0]}, "window": {"lower": -100, "upper": 200}}
    found = sitk.GetArrayFromImage(prepare(sequence, Preprocessing.model_validate(settings)).image)
    assert found.min() >= -100
    assert found.max() == 200
