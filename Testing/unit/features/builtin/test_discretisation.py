"""Grey levels equal pyradiomics', to the last edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.builtin.discretisation import bin_edges, grey_levels
from HabitatRadiomicsLib.protocol import Discretisation

_SETTINGS = [{"bin_width": 25.0}, {"bin_width": 0.1}, {"bin_width": 1.0}, {"bin_count": 2}, {"bin_count": 32}]


def _check(values: np.ndarray, settings: dict[str, float]) -> None:
    pytest.importorskip("radiomics")
    from radiomics.imageoperations import binImage

    names = {"bin_width": "binWidth", "bin_count": "binCount"}
    coordinates = tuple(axis.ravel() for axis in np.indices(values.shape))
    levels, edges = binImage(values, coordinates, **{names[name]: value for name, value in settings.items()})
    discretisation = Discretisation.model_validate(settings)
    np.testing.assert_array_equal(bin_edges(values, discretisation), edges)
    np.testing.assert_array_equal(grey_levels(values, discretisation), levels)


@pytest.mark.parametrize("settings", _SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_levels_equal_pyradiomics(settings: dict[str, float], dtype: type) -> None:
    random = np.random.default_rng(5)
    _check(random.uniform(0, 250, 2000).astype(dtype), settings)
    _check(np.array([50, 75, 100, 75, 50]).astype(dtype), settings)  # on the edges
    _check(np.full(4, 50).astype(dtype), settings)  # flat, on an edge
    _check(np.full(4, 63).astype(dtype), settings)  # flat, within a bin
    if dtype is not np.uint8:
        _check(random.normal(0, 90, 2000).astype(dtype), settings)


@given(
    arrays.arrays(np.float32, st.integers(1, 30), elements=st.floats(-1000, 1000, width=32)),
    st.sampled_from(_SETTINGS),
)
def test_any_levels_equal_pyradiomics(values: np.ndarray, settings: dict[str, float]) -> None:
    try:
        np.histogram_bin_edges(values, 32)
    except ValueError:
        return  # pyradiomics fails: see below
    _check(values, settings)


@pytest.mark.parametrize("settings", _SETTINGS, ids=str)
def test_rounding_is_not_texture(settings: dict[str, float]) -> None:
    """Floating point has no numbers for the edges between such intensities; pyradiomics fails, or finds no bin."""
    for values in (np.full(5, 1e20), np.array([1e20, np.nextafter(1e20, 2e20)]), np.array([1.0, np.nextafter(1.0, 2)])):
        levels = grey_levels(values, Discretisation.model_validate(settings))
        assert len(set(levels.tolist())) == 1
        assert levels[0] >= 1


def test_millions_of_bins_are_refused() -> None:
    with pytest.raises(FeatureError, match="need more than 16777216 bins of 1e-06"):
        grey_levels(np.array([0.0, 5000.0]), Discretisation(bin_width=1e-6))
