"""Contours that move as far, and as smoothly, as they are told."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.imaging.perturbation import randomised_contour, signed_distance
from HabitatRadiomicsLib.system.provenance import image_digest


def _mask(array: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    mask = sitk.GetImageFromArray(array.astype(np.uint8))
    mask.SetSpacing(spacing)
    mask.SetOrigin((-12.5, 40.0, 7.0))
    return mask


def _ball(spacing: float, radius: float = 12.0) -> sitk.Image:
    """The same ball, in the middle of 40 mm, whatever the spacing."""
    places = (np.arange(round(40 / spacing)) + 0.5) * spacing - 20
    k, j, i = np.meshgrid(places, places, places, indexing="ij")
    mask = _mask(i**2 + j**2 + k**2 <= radius**2, (spacing,) * 3)
    mask.SetOrigin([places[0]] * 3)
    return mask


def _drawn(mask: sitk.Image, seed: int, amplitude: float = 1.0, grain: float = 5.0, most: float = 0.9) -> sitk.Image:
    return randomised_contour(
        mask, np.random.default_rng(seed), amplitude_mm=amplitude, grain_mm=grain, maximum_volume_change=most
    )


def _voxels(mask: sitk.Image) -> int:
    return int(sitk.GetArrayViewFromImage(mask).sum())


def test_signed_distance_by_brute_force() -> None:
    spacing = (0.8, 1.1, 2.5)
    array = np.zeros((7, 9, 11), dtype=bool)
    array[2:5, 3:6, 4:8] = True
    array[1, 4, 5] = True
    found = signed_distance(_mask(array, spacing))
    assert ((found < 0) == array).all()
    places = np.argwhere(np.ones_like(array)) * np.array(spacing[::-1])

    def to_nearest(target: np.ndarray) -> np.ndarray:
        chosen = np.argwhere(target) * np.array(spacing[::-1])
        return np.linalg.norm(places[:, None] - chosen[None], axis=2).min(axis=1).reshape(array.shape)

    def rim(inside: np.ndarray) -> np.ndarray:
        """Voxels that touch the other side, be it by a corner."""
        padded = np.pad(inside, 1, mode="edge")
        steps = itertools.product((-1, 0, 1), repeat=3)
        return inside & ~np.logical_and.reduce([np.roll(padded, step, (0, 1, 2))[1:-1, 1:-1, 1:-1] for step in steps])

    expected = np.where(
        array,
        -(to_nearest(~array) + to_nearest(rim(array))) / 2,
        (to_nearest(array) + to_nearest(rim(~array))) / 2,
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_displacement_of_a_plane_has_the_sd_and_the_grain_asked() -> None:
    """Columns across a flat boundary, finely sampled: how far it moved can be counted."""
    array = np.zeros((54, 16, 16), dtype=bool)
    array[:27] = True
    mask = _mask(array, (1.0, 1.0, 0.1))
    moved = []
    for seed in range(150):
        drawn = sitk.GetArrayFromImage(_drawn(mask, seed, amplitude=0.7, grain=5.0))
        moved.append(0.1 * (drawn.sum(axis=0).astype(float) - 27))
    displacement = np.array(moved)
    assert displacement.mean() == pytest.approx(0, abs=0.08)
    assert displacement.std() == pytest.approx(0.7, rel=0.08)
    for lag in (3, 5, 10):
        found = np.mean(displacement[:, :, lag:] * displacement[:, :, :-lag]) / np.mean(displacement**2)
        assert found == pytest.approx(np.exp(-(lag**2) / 50), abs=0.1)


@pytest.mark.parametrize("most", [0.02, 0.1, 0.3])
def test_volume_stays_within_its_bounds(patient: SyntheticPatient, most: float) -> None:
    mask = patient.case.sequences["T1W"].mask
    changes = [abs(_voxels(_drawn(mask, seed, 1.5, 8.0, most)) / _voxels(mask) - 1) for seed in range(15)]
    assert max(changes) <= most
    assert max(changes) > most / 3


def test_without_amplitude_every_bit_stays() -> None:
    mask = _ball(1.0)
    assert image_digest(_drawn(mask, 1, amplitude=0.0)) == image_digest(mask)
    assert image_digest(_drawn(mask, 1, amplitude=1e-3)) == image_digest(mask)


def test_small_lesions_never_vanish() -> None:
    array = np.zeros((5, 7, 7), dtype=bool)
    array[2, 3, 3:5] = True
    for seed in range(30):
        assert _voxels(_drawn(_mask(array), seed, amplitude=4.0, grain=30.0, most=0.99)) >= 1


def test_the_displacement_belongs_to_space_and_not_to_the_grid() -> None:
    for seed in range(4):
        coarse, fine = (_drawn(_ball(spacing), seed, amplitude=1.5, grain=8.0) for spacing in (1.0, 0.5))
        assert _voxels(coarse) == pytest.approx(_voxels(fine) / 8, rel=0.02)
        onto = sitk.Resample(coarse, fine, sitk.Transform(), sitk.sitkNearestNeighbor)
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(onto, fine)
        assert overlap.GetDiceCoefficient() > 0.95
        overlap.Execute(_ball(0.5), fine)
        assert overlap.GetDiceCoefficient() < 0.95


def test_the_same_seed_draws_the_same() -> None:
    mask = _ball(1.0)
    assert image_digest(_drawn(mask, 5)) == image_digest(_drawn(mask, 5))
    assert image_digest(_drawn(mask, 5)) != image_digest(_drawn(mask, 6))
    assert _drawn(mask, 5).GetPixelID() == sitk.sitkUInt8
    assert _drawn(mask, 5).GetOrigin() == mask.GetOrigin()


def test_a_lesion_that_fills_the_image_stays() -> None:
    mask = _mask(np.ones((4, 5, 6)))
    assert image_digest(_drawn(mask, 1)) == image_digest(mask)
