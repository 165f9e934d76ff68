"""Noise of a known level is found, and added as asked."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.imaging.perturbation import noise_level, with_noise
from HabitatRadiomicsLib.system.provenance import image_digest


def _smooth(shape: tuple[int, int, int] = (12, 64, 64)) -> np.ndarray:
    k, j, i = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    return 500 + 100 * np.sin(i / 15) * np.cos(j / 18) + 10 * k


def _lesion(shape: tuple[int, int, int] = (12, 64, 64)) -> sitk.Image:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[3:9, 20:44, 22:40] = 1
    return sitk.GetImageFromArray(mask)


@pytest.mark.parametrize("deviation", [0.5, 8.0, 40.0])
def test_the_level_of_synthetic_noise_is_recovered(deviation: float) -> None:
    clean = sitk.GetImageFromArray(_smooth())
    noisy = with_noise(clean, deviation, np.random.default_rng(1))
    assert noise_level(clean, _lesion()) < 0.05
    assert noise_level(noisy, _lesion()) == pytest.approx(deviation, rel=0.06)


def test_noise_on_noise_adds_in_squares() -> None:
    image = with_noise(sitk.GetImageFromArray(_smooth()), 6, np.random.default_rng(1))
    noisier = with_noise(image, 8, np.random.default_rng(2))
    assert noise_level(noisier, _lesion()) == pytest.approx(10, rel=0.06)


def test_empty_air_does_not_hide_the_noise() -> None:
    """Most of the image is zero, as outside the coil of an MRI."""
    array = np.zeros((12, 200, 200))
    array[:, 60:124, 60:124] = _smooth() + np.random.default_rng(3).normal(0, 9, (12, 64, 64))
    mask = np.zeros(array.shape, dtype=np.uint8)
    mask[3:9, 80:104, 82:100] = 1
    found = noise_level(sitk.GetImageFromArray(array), sitk.GetImageFromArray(mask))
    assert found == pytest.approx(9, rel=0.08)


def test_edges_of_tissue_are_not_noise() -> None:
    array = _smooth() + 300.0 * sitk.GetArrayFromImage(_lesion())
    array += np.random.default_rng(4).normal(0, 5, array.shape)
    assert noise_level(sitk.GetImageFromArray(array), _lesion()) == pytest.approx(5, rel=0.1)


def test_integer_images_and_small_ones() -> None:
    array = np.rint(_smooth((2, 5, 4)) + np.random.default_rng(5).normal(0, 20, (2, 5, 4))).astype(np.int16)
    mask = np.zeros(array.shape, dtype=np.uint8)
    mask[1, 2:4, 1:3] = 1
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.7, 0.8, 3))
    assert 5 < noise_level(image, sitk.GetImageFromArray(mask)) < 60
    noisy = with_noise(image, 0.25, np.random.default_rng(6))
    assert noisy.GetPixelID() == sitk.sitkFloat64
    assert noisy.GetSpacing() == image.GetSpacing()
    assert image_digest(noisy) == image_digest(with_noise(image, 0.25, np.random.default_rng(6)))
    assert image_digest(noisy) != image_digest(with_noise(image, 0.25, np.random.default_rng(7)))
