"""Local entropy against brute force, MATLAB's definition and its own promises."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import generic_filter

from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.habitats.entropy import local_entropy
from HabitatRadiomicsLib.protocol import EntropySettings


def _entropy_bits(values: np.ndarray) -> float:
    p = np.unique(values, return_counts=True)[1] / values.size
    return float(-(p * np.log2(p)).sum())


def _brute_force(image: np.ndarray, roi: np.ndarray, chosen: EntropySettings) -> np.ndarray:
    radius = chosen.window // 2
    scope = image[roi] if chosen.scope == "roi" else image
    low, high = float(scope.min()), float(scope.max())
    levels = np.minimum(np.floor((image - low) * chosen.levels / (high - low)), chosen.levels - 1)
    found = []
    for k, j, i in np.argwhere(roi):
        depth = slice(max(k - radius, 0), k + radius + 1) if chosen.dimensions == 3 else slice(k, k + 1)
        window = (depth, slice(max(j - radius, 0), j + radius + 1), slice(max(i - radius, 0), i + radius + 1))
        inside = levels[window][roi[window]] if chosen.scope == "roi" else levels[window].ravel()
        found.append(_entropy_bits(inside))
    return np.array(found)


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(9, 20), st.integers(9, 20)),
    window=st.sampled_from([3, 5, 9, 17]),
    dimensions=st.sampled_from([2, 3]),
    scope=st.sampled_from(["roi", "image"]),
    levels=st.sampled_from([2, 7, 32, 256]),
    density=st.floats(0.3, 1.0),
    seed=st.integers(0, 2**31),
)
def test_equals_brute_force(
    shape: tuple[int, int, int], window: int, dimensions: int, scope: str, levels: int, density: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    image = generator.normal(size=shape) * 100
    roi = generator.random(shape) < density
    chosen = EntropySettings.model_validate(
        {"window": window, "dimensions": dimensions, "scope": scope, "levels": levels}
    )
    if roi.sum() < window**dimensions:
        with pytest.raises(RegionError, match="needs at least"):
            local_entropy(image, roi, chosen)
        return
    np.testing.assert_allclose(local_entropy(image, roi, chosen), _brute_force(image, roi, chosen), rtol=0, atol=1e-12)


def test_a_roi_without_voxels_is_refused() -> None:
    image = np.random.default_rng(0).normal(size=(4, 12, 12))
    with pytest.raises(RegionError, match="has 0 voxels"):
        local_entropy(image, np.zeros(image.shape, dtype=bool), EntropySettings())


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float32, np.uint8])
def test_pixel_types(kind: type) -> None:
    generator = np.random.default_rng(4)
    image = generator.integers(0, 200, (4, 15, 15)).astype(kind)
    roi = generator.random(image.shape) < 0.8
    chosen = EntropySettings(window=5)
    expected = _brute_force(image.astype(float), roi, chosen)
    np.testing.assert_allclose(local_entropy(image, roi, chosen), expected, atol=1e-12)


def test_matlab_variant_is_entropyfilt() -> None:
    """``entropyfilt(mat2gray(I), true(9))``: 256 levels of the scaled image, symmetric padding, whole neighbourhood."""
    generator = np.random.default_rng(5)
    image = generator.normal(size=(2, 18, 14))
    roi = np.zeros(image.shape, dtype=bool)
    roi[:, :11, 4:] = True  # touches three borders
    scaled = (image - image.min()) / (image.max() - image.min())
    levels = np.floor(scaled * 255 + 0.5)
    # MATLAB's 'symmetric' is scipy's 'reflect': the border voxel is repeated.
    expected = np.stack([generic_filter(plane, _entropy_bits, size=9, mode="reflect") for plane in levels])
    chosen = EntropySettings(definition="matlab", levels=256, scope="image")
    np.testing.assert_allclose(local_entropy(image, roi, chosen), expected[roi], atol=1e-12)


def test_nothing_outside_the_roi_matters_by_default() -> None:
    generator = np.random.default_rng(6)
    image = generator.normal(size=(3, 20, 20))
    roi = np.zeros(image.shape, dtype=bool)
    roi[:, 4:16, 4:16] = True
    hot = image.copy()
    hot[1, 16, 10] = 1e6  # right beside the ROI
    np.testing.assert_array_equal(
        local_entropy(image, roi, EntropySettings()), local_entropy(hot, roi, EntropySettings())
    )
    whole = EntropySettings(scope="image")
    assert not np.array_equal(local_entropy(image, roi, whole), local_entropy(hot, roi, whole))


def test_closed_forms() -> None:
    board = np.indices((1, 12, 12)).sum(axis=0) % 2
    roi = np.ones(board.shape, dtype=bool)
    entropy = local_entropy(board, roi, EntropySettings(window=3)).reshape(board.shape)
    share = 4 / 9  # in the interior a 3 x 3 window holds four voxels of one colour and five of the other
    expected = -(share * np.log2(share) + (1 - share) * np.log2(1 - share))
    np.testing.assert_allclose(entropy[0, 1:-1, 1:-1], expected, atol=1e-12)
    flat = np.zeros((1, 12, 12))
    flat[0, 0, 0] = 1
    assert local_entropy(flat, roi, EntropySettings(window=3)).reshape(flat.shape)[0, 5, 5] == 0.0


def test_memory_follows_the_roi_and_not_the_volume() -> None:
    def peak(size: int) -> int:
        image = np.random.default_rng(7).normal(size=(20, size, size)).astype(np.float32)
        roi = np.zeros(image.shape, dtype=bool)
        roi[5:15, 20:50, 20:50] = True
        tracemalloc.start()
        local_entropy(image, roi, EntropySettings())
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    small, large = peak(64), peak(512)  # 64 times the volume
    assert large < 1.5 * small


def test_whole_numbers_on_a_bin_edge_fall_into_the_bin_above() -> None:
    """Levels 0 to 31 of an image of whole numbers 0 to 32 * 7: every multiple of 7 is an edge."""
    image = np.resize(np.arange(0, 32 * 7 + 1), (1, 15, 15)).astype(np.int16)
    roi = np.ones(image.shape, dtype=bool)
    exact = np.minimum(image // 7, 31).astype(float)
    levels = EntropySettings(window=5)
    expected = _brute_force(exact * 7, roi, levels)  # the lower edges themselves
    np.testing.assert_allclose(local_entropy(image, roi, levels), expected, atol=1e-12)


@pytest.mark.parametrize(
    "settings",
    [
        EntropySettings(),
        EntropySettings(dimensions=3, window=5),
        EntropySettings(scope="image", window=17),
        EntropySettings(definition="matlab", levels=256, scope="image"),
    ],
    ids=["default", "3D", "image, wide", "matlab"],
)
def test_numba_changes_no_bit(settings: EntropySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    generator = np.random.default_rng(11)
    image = generator.normal(100, 20, (9, 25, 31))
    roi = generator.random(image.shape) < 0.4
    compiled = local_entropy(image, roi, settings)
    asked: list[str] = []

    def without_numba(name: str) -> None:
        asked.append(name)

    monkeypatch.setattr("HabitatRadiomicsLib.habitats.entropy.compiled_module", without_numba)
    np.testing.assert_array_equal(local_entropy(image, roi, settings), compiled)
    assert asked == ["HabitatRadiomicsLib.habitats.entropy_kernel"]
