"""First-order features against pyradiomics, IBSI's digital phantom and closed forms."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.features.builtin.discretisation import grey_levels
from HabitatRadiomicsLib.features.builtin.first_order import first_order_features
from HabitatRadiomicsLib.features.catalogue import features_of_class
from HabitatRadiomicsLib.protocol import Discretisation

_REFERENCE = Path(__file__).parent.parent / "ibsi_digital_phantom.csv"


def _ours(values: np.ndarray, voxel_volume: float = 1.0, width: float = 25.0) -> dict[str, float]:
    levels = grey_levels(values, Discretisation(bin_width=width))
    return first_order_features(values, levels, voxel_volume)


def test_there_are_18() -> None:
    found = _ours(np.arange(30.0))
    assert set(found) == set(features_of_class("firstorder"))
    assert len(found) == 18
    assert set(first_order_features(np.arange(3.0), np.array([1, 1, 1]), 1.0, {"Mean"})) == {"Mean"}


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 3, 32, 5000])
def test_equal_to_pyradiomics(dtype: type, count: int) -> None:
    pytest.importorskip("radiomics")
    from radiomics.firstorder import RadiomicsFirstOrder

    for seed in range(5):
        values = np.random.default_rng([seed, count]).gamma(2, 90, count).astype(dtype) - dtype(100)
        image = sitk.GetImageFromArray(values.reshape(1, 1, -1))
        image.SetSpacing((0.7, 0.8, 2.9))
        mask = sitk.GetImageFromArray(np.ones((1, 1, count), dtype=np.uint8))
        mask.CopyInformation(image)
        reference = RadiomicsFirstOrder(image, mask, binWidth=25.0, label=1)
        reference.enableAllFeatures()
        expected = {name: float(value) for name, value in reference.execute().items()}
        found = _ours(values, float(np.prod(image.GetSpacing())))
        assert set(found) == set(expected)
        for name, value in expected.items():
            # Of two values, skewness is 0 but for rounding.
            np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("level", [0.1, 1 / 3, 1e8 / 3, -7.7])
def test_a_flat_region_has_no_moments(level: float) -> None:
    """pyradiomics takes the mean's rounding error for a deviation, and divides by it."""
    found = _ours(np.full(1001, level))
    for name in ("Variance", "Skewness", "Kurtosis", "MeanAbsoluteDeviation", "Range", "InterquartileRange"):
        assert found[name] == 0, name
    assert found["Uniformity"] == 1
    assert found["Entropy"] == pytest.approx(0, abs=1e-15)
    assert found["Mean"] == pytest.approx(level)


def test_ibsi_digital_phantom() -> None:
    """Intensities of the phantom's 74 voxels, of which the references in the table are three digits."""
    values = np.repeat([1.0, 3.0, 4.0, 6.0], [50, 1, 16, 7])
    found = _ours(values, 8.0, width=1.0)
    with _REFERENCE.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["class"] == "firstorder"]
    assert len(rows) >= 15
    for row in rows:
        value = found[row["feature"]] - (3 if row["feature"] == "Kurtosis" else 0)
        assert value == pytest.approx(float(row["value"]), rel=5e-3), row["feature"]
