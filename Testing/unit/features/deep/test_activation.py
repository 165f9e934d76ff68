"""Activation maps: their closed form, their place, and what has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import NetworkError
from HabitatRadiomicsLib.features.deep.activation import activation_image, activation_map, class_map
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import NetworkOutput, load_network
from HabitatRadiomicsLib.features.deep.patch import Placement


@pytest.fixture
def output(write_network: Callable[..., Path]) -> NetworkOutput:
    patch = np.random.default_rng(8).normal(0, 1, (16, 16)).astype(np.float32)
    return load_network(write_network()).run(patch)


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, 1.0), (0.7, -1.9)])
def test_mean_of_the_map_and_bias_are_the_embedding(output: NetworkOutput, direction: tuple[float, float]) -> None:
    found = class_map(output, np.array(direction))
    assert found.shape == (4, 4)
    bias = output.metadata.embedding_bias
    total = sum(found[a, b] for a in range(4) for b in range(4)) / 16 + np.dot(direction, bias)
    assert total == pytest.approx(np.dot(direction, output.embedding), abs=1e-5)


def test_each_place_of_the_map_is_a_weighted_sum_of_channels(output: NetworkOutput) -> None:
    direction, weight = np.array([0.7, -1.9]), output.metadata.embedding_weight
    found = class_map(output, direction)
    for a in range(4):
        for b in range(4):
            terms = (direction[d] * weight[d, c] * output.features[c, a, b] for d in range(2) for c in range(3))
            assert found[a, b] == pytest.approx(sum(terms), abs=1e-9)


def _planted(raw: np.ndarray) -> NetworkOutput:
    """An output whose class map is the given one."""
    metadata = NetworkMetadata(embedding_weight=np.ones((1, 1)), embedding_bias=np.zeros(1))
    return NetworkOutput(np.array([raw.mean()]), raw[None], metadata)


def test_the_map_is_interpolated_between_centres_cut_at_zero_and_scaled_to_one() -> None:
    raw = np.array([[4.0, -2.0], [1.0, 2.0]])
    found = activation_map(_planted(raw), np.ones(1), Placement(0, 0, 0, 8), (8, 8))
    positive = np.maximum(raw, 0)
    for a in range(8):
        for b in range(8):
            # Centres of the places lie at pixels 1.5 and 5.5.
            u, v = (min(max((index - 1.5) / 4, 0), 1) for index in (a, b))
            expected = (1 - u) * ((1 - v) * positive[0, 0] + v * positive[0, 1]) + u * (
                (1 - v) * positive[1, 0] + v * positive[1, 1]
            )
            assert found[a, b] == pytest.approx(expected / 4, abs=1e-12)
    assert found.max() == 1
    assert found.min() >= 0


def test_the_map_lies_where_the_patch_does() -> None:
    raw = np.random.default_rng(2).random((4, 4))
    whole = activation_map(_planted(raw), np.ones(1), Placement(0, 0, 0, 12), (12, 12))
    placement = Placement(2, -3, 5, 12)
    found = activation_map(_planted(raw), np.ones(1), placement, (20, 13))
    for j in range(20):
        for i in range(13):
            a, b = j + 3, i - 5
            assert found[j, i] == (whole[a, b] if 0 <= a < 12 and 0 <= b < 12 else 0)
    reference = sitk.Image([13, 20, 4], sitk.sitkInt16)
    reference.SetSpacing((0.7, 0.8, 3.0))
    reference.SetOrigin((1, 2, 3))
    image = activation_image(_planted(raw), np.ones(1), placement, reference)
    voxels = sitk.GetArrayFromImage(image)
    assert voxels.dtype == np.float32
    np.testing.assert_array_equal(voxels[2], found.astype(np.float32))
    assert not voxels[[0, 1, 3]].any()
    assert (image.GetSpacing(), image.GetOrigin()) == (reference.GetSpacing(), reference.GetOrigin())


def test_where_nothing_speaks_for_the_direction_the_map_is_empty() -> None:
    found = activation_map(_planted(np.full((2, 2), -1.0)), np.ones(1), Placement(0, 0, 0, 4), (4, 4))
    assert not found.any()


def test_networks_without_weights_or_with_wrong_ones_have_no_map(write_network: Callable[..., Path]) -> None:
    patch = np.ones((16, 16), dtype=np.float32)
    plain = load_network(write_network("plain.onnx", properties={})).run(patch)
    with pytest.raises(NetworkError, match="does not hold the weights of its embedding"):
        class_map(plain, np.ones(2))
    wrong = NetworkMetadata(embedding_weight=np.ones((2, 3)), embedding_bias=np.zeros(2))
    other = load_network(write_network("wrong.onnx", metadata=wrong)).run(patch)
    with pytest.raises(NetworkError, match="do not give its embedding"):
        class_map(other, np.ones(2))


@pytest.mark.parametrize("direction", [[1.0], [1.0, 2.0, 3.0], [np.nan, 1.0]])
def test_a_direction_has_as_many_finite_components_as_the_embedding(
    output: NetworkOutput, direction: list[float]
) -> None:
    with pytest.raises(ValueError, match="2 finite components"):
        class_map(output, np.array(direction))
