"""Every feature of every odd region has a value, or a reason of its own why it has none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.catalogue import feature_names, features_of_class
from HabitatRadiomicsLib.features.undefined import (
    UNEXPLAINED,
    IntensityFacts,
    RegionFacts,
    reason_in_region,
    reason_of_intensities,
    undefined_columns,
    undefined_reasons,
)
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.protocol import FeatureSettings, Protocol, protocol_from

SHAPE = (12, 20, 20)
#: Voxels (k, j, i) of odd regions, as an index of an array.
REGIONS: Mapping[str, Any] = {
    "one voxel": ([5], [6], [7]),
    "two distant voxels": ([2, 9], [3, 15], [4, 16]),
    "two voxels askew": ([2, 2], [3, 4], [4, 6]),
    "two voxels above each other": ([2, 5], [3, 3], [4, 4]),
    "two voxels that touch": ([2, 2], [3, 3], [4, 5]),
    "a slice": (5, slice(3, 9), slice(3, 9)),
    "a row": (5, 6, slice(3, 9)),
    "a column across slices": (slice(2, 9), 6, 6),
    "a diagonal": (range(8), range(8), range(8)),
    "isolated voxels": (slice(0, 12, 2), slice(0, 20, 2), slice(0, 20, 2)),
    "a cube": (slice(3, 8), slice(5, 12), slice(5, 12)),
}
PAIRS = "No two voxels of the region are neighbours"
RUNS = "No line along a direction"
TWO = "none lies between the 10th and the 90th percentile"
AXES = "has no axes"
#: Reasons by region and class, of an image without two equal voxels, in 3D and within slices; no entry: all defined.
EXPECTED = {
    ("one voxel", False): {"shape": AXES, "glcm": PAIRS, "glrlm": RUNS},
    ("one voxel", True): {"shape": AXES, "glcm": PAIRS, "glrlm": RUNS},
    ("two distant voxels", False): {"firstorder": TWO, "glcm": PAIRS, "glrlm": RUNS},
    ("two distant voxels", True): {"firstorder": TWO, "glcm": PAIRS, "glrlm": RUNS},
    ("two voxels askew", False): {"firstorder": TWO, "glcm": PAIRS, "glrlm": RUNS},
    ("two voxels askew", True): {"firstorder": TWO, "glcm": PAIRS, "glrlm": RUNS},
    ("two voxels above each other", False): {"firstorder": TWO, "glcm": PAIRS},
    ("two voxels above each other", True): {"firstorder": TWO, "glcm": PAIRS, "glrlm": RUNS},
    ("two voxels that touch", False): {"firstorder": TWO},
    ("two voxels that touch", True): {"firstorder": TWO},
    ("a column across slices", True): {"glcm": PAIRS, "glrlm": RUNS},
    ("a diagonal", True): {"glcm": PAIRS, "glrlm": RUNS},
    ("isolated voxels", False): {"glcm": PAIRS},
    ("isolated voxels", True): {"glcm": PAIRS},
}
LOG = [f"log-sigma-{sigma}-0-mm-3D" for sigma in range(1, 7)]
UNFILTERED = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip


def _voxels() -> np.ndarray:
    return np.random.default_rng(20240607).normal(500, 100, SHAPE).astype(np.float32)


def _nan_at(index: Any) -> Callable[[], np.ndarray]:
    def make() -> np.ndarray:
        voxels = _voxels()
        voxels[index] = np.nan
        return voxels

    return make


#: Images whose intensities are odd, and what is said of the features that they leave without a value.
IMAGES: Mapping[str, tuple[Callable[[], np.ndarray], set[str]]] = {
    "one grey level": (lambda: np.full(SHAPE, 7, dtype=np.int16), set()),
    "zeros": (
        lambda: np.zeros(SHAPE, dtype=np.int16),
        {
            f"The image is 0 everywhere, where the filter {name} is not defined."
            for name in ("square", "logarithm", "exponential")
        },
    ),
    "two grey levels": (lambda: (_voxels() > 500).astype(np.int16) * 100, set()),
    "all NaN inside": (
        _nan_at(REGIONS["a cube"]),
        {"In 245 of the region's 245 voxels the intensity of the image is NaN or infinite."},
    ),
    "one NaN inside": (
        _nan_at((5, 8, 8)),
        {"In 1 of the region's 245 voxels the intensity of the image is NaN or infinite."},
    ),
    "one NaN outside": (
        _nan_at((0, 0, 0)),
        {
            f"The image has NaN or infinite intensities outside of the region, and the filter {name} spreads them into "
            "it."
            for name in ("square", "squareroot", "logarithm", "exponential", *LOG)
        },
    ),
}  # fmt: skip


def _settings(**features: Any) -> FeatureSettings:
    return _protocol(**features).features


def _protocol(**features: Any) -> Protocol:
    return protocol_from({"name": "test", "title": "test", "features": features}, where="test")


def _case(voxels: np.ndarray, index: Any) -> tuple[sitk.Image, sitk.Image]:
    inside = np.zeros(voxels.shape, dtype=np.uint8)
    inside[index] = 1
    images = [sitk.GetImageFromArray(array) for array in (voxels, inside)]
    for image in images:
        image.SetSpacing((1.0, 1.0, 3.0))
    return images[0], images[1]


def _measured(
    image: sitk.Image, mask: sitk.Image, settings: FeatureSettings
) -> tuple[dict[str, float], dict[str, str]]:
    """All values, and reasons of those that are NaN."""
    values = BuiltInEngine().extract(image, {"whole": mask}, settings, settings.discretisation)["whole"]
    assert list(values) == list(feature_names(settings))
    undefined = [name for name, value in values.items() if not np.isfinite(value)]
    reasons = undefined_reasons(image, mask, settings, undefined)
    assert list(reasons) == undefined
    assert UNEXPLAINED not in reasons.values()
    return values, reasons


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("region", REGIONS)
def test_every_feature_of_an_odd_region_has_a_value_or_a_reason(region: str, force_2d: bool) -> None:
    values, reasons = _measured(*_case(_voxels(), REGIONS[region]), _settings(force_2d=force_2d))
    assert len(values) == (1595 if force_2d else 1967)
    expected = EXPECTED.get((region, force_2d), {})
    assert {name.split("_")[1] for name in reasons} == set(expected)
    for name, reason in reasons.items():
        assert expected[name.split("_")[1]] in reason
        assert ("within a slice" in reason) == (force_2d and name.split("_")[1] in ("glcm", "glrlm"))


@pytest.mark.parametrize("name", IMAGES)
def test_every_feature_of_an_odd_image_has_a_value_or_a_reason(name: str) -> None:
    make, expected = IMAGES[name]
    _, reasons = _measured(*_case(make(), REGIONS["a cube"]), _settings())
    assert set(reasons.values()) == expected
    for feature, reason in reasons.items():
        if "filter" in reason:
            assert f"the filter {feature.split('_')[0]} " in reason


@pytest.mark.parametrize("scale", [1e80, 1e-90])
def test_powers_beyond_floating_point_are_named(scale: float) -> None:
    image, mask = _case(_voxels() * np.float64(scale), REGIONS["a cube"])
    _, reasons = _measured(image, mask, _settings(images=UNFILTERED, discretisation={"bin_count": 8}))
    assert "original_firstorder_Kurtosis" in reasons
    assert all("so large or so close together that sums of their powers" in reason for reason in reasons.values())


def test_weights_that_vanish_are_named() -> None:
    image, mask = _case(_voxels(), REGIONS["a cube"])
    for part in (image, mask):
        part.SetSpacing((30.0, 30.0, 30.0))
    _, reasons = _measured(image, mask, _settings(images=UNFILTERED, texture={"weighting": "euclidean"}))
    assert {name.split("_")[1] for name in reasons} == {"glcm"}
    assert all("weights of all pairs" in reason for reason in reasons.values())


def test_an_overflowing_filter_is_named() -> None:
    image, mask = _case(_voxels() * np.float64(1.8e305), REGIONS["a cube"])
    _, reasons = _measured(image, mask, _settings(classes=["firstorder"], discretisation={"bin_count": 8}))
    assert reasons["wavelet-LLL_firstorder_Mean"] == (
        "The filter wavelet-LLL of these intensities leaves the range of floating-point numbers."
    )


@settings(max_examples=200)
@given(
    arrays(bool, st.tuples(*[st.integers(1, 5)] * 3), elements=st.sampled_from([False] * 7 + [True])),
    st.booleans(),
    st.sampled_from([(1,), (2,), (1, 3)]),
)
def test_facts_of_a_region_equal_brute_force(inside: np.ndarray, force_2d: bool, distances: tuple[int, ...]) -> None:
    inside.flat[0] = True
    places = np.argwhere(inside)
    inside = inside[tuple(slice(low, high + 1) for low, high in zip(places.min(axis=0), places.max(axis=0)))]
    steps = [abs(one - other) for number, one in enumerate(places) for other in places[:number]]
    if force_2d:
        steps = [step for step in steps if step[0] == 0]
    facts = RegionFacts.of(inside, force_2d=force_2d, distances=distances)
    assert facts.voxels == len(places)
    assert facts.neighbours == any(step.max() in distances for step in steps)
    assert facts.lines == any(len(set(step) - {0}) == 1 for step in steps)


@settings(max_examples=100)
@given(
    arrays(bool, st.tuples(*[st.integers(1, 5)] * 3), elements=st.sampled_from([False] * 4 + [True])),
    st.sampled_from([1, 2, 50]),
    st.booleans(),
)
def test_every_feature_of_any_region_has_a_value_or_a_reason(inside: np.ndarray, levels: int, force_2d: bool) -> None:
    inside.flat[0] = True
    voxels = np.random.default_rng(inside.sum()).integers(0, levels, inside.shape).astype(np.int16) * 10
    _measured(*_case(voxels, inside), _settings(images=UNFILTERED, force_2d=force_2d))


@pytest.mark.parametrize(
    ("index", "dimensions"),
    [("one voxel", 0), ("two voxels askew", 1), ("a diagonal", 1), ("a slice", 2), ("a cube", 3)],
)
def test_dimensions_of_a_region(index: str, dimensions: int) -> None:
    inside = np.zeros(SHAPE, dtype=bool)
    inside[REGIONS[index]] = True
    assert RegionFacts.of(inside, force_2d=False).dimensions == dimensions


def test_what_only_pyradiomics_leaves_out_is_told_as_such() -> None:
    flat = RegionFacts(36, 2, True, True)
    whole = RegionFacts(245, 3, True, True)
    for feature in ("LeastAxisLength", "Flatness"):
        assert "pyradiomics' rounding" in (reason_in_region("shape", feature, flat) or "")
        assert reason_in_region("shape", feature, whole) is None
    others = {"MinorAxisLength", "LeastAxisLength", "Elongation", "Flatness", "SurfaceVolumeRatio"}
    for feature in set(features_of_class("shape")) - others:
        assert reason_in_region("shape", feature, flat) is None
    assert "encloses no volume" in (reason_in_region("shape", "SurfaceVolumeRatio", whole) or "")
    assert reason_of_intensities("Busyness", "original", whole, IntensityFacts(0, 100)) == UNEXPLAINED
    image, mask = _case(_voxels(), REGIONS["a cube"])
    found = undefined_reasons(image, mask, _settings(), ["original_shape_MeshVolume", "original_ngtdm_Busyness"])
    assert set(found.values()) == {UNEXPLAINED}


def test_two_equal_voxels_have_a_robust_deviation() -> None:
    two = RegionFacts(2, 1, True, True)
    feature = "RobustMeanAbsoluteDeviation"
    assert TWO in reason_of_intensities(feature, "original", two, IntensityFacts(1, 2))
    assert reason_of_intensities(feature, "original", two, IntensityFacts(1, 1)) == UNEXPLAINED
    assert reason_of_intensities("Mean", "original", two, IntensityFacts(1, 2)) == UNEXPLAINED


def test_nothing_undefined_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    image, mask = _case(_voxels(), REGIONS["a cube"])
    prepared = PreparedSequence("T1W", image, mask, SequenceImage("T1W", image, mask))

    def not_needed(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("nothing is undefined")

    monkeypatch.setattr(BuiltInEngine, "extract", not_needed)
    monkeypatch.setattr(RegionFacts, "of", not_needed)
    assert undefined_columns(prepared, {"whole": mask}, _protocol(), {"T1W_whole_original_glcm_MCC": 0.5}) == {}


def test_columns_keep_their_order_and_region() -> None:
    image, isolated = _case(_voxels(), REGIONS["isolated voxels"])
    _, one = _case(_voxels(), REGIONS["one voxel"])
    prepared = PreparedSequence("T1W", image, isolated, SequenceImage("T1W", image, isolated))
    values = {
        "T1W_S1_original_glcm_MCC": float("nan"),
        "T1W_whole_original_glcm_MCC": float("nan"),
        "T1W_S1_original_firstorder_Mean": 1.0,
        "T1W_S1_original_shape_Flatness": float("nan"),
    }
    found = undefined_columns(prepared, {"whole": isolated, "S1": one}, _protocol(), values)
    assert list(found) == [name for name, value in values.items() if np.isnan(value)]
    assert AXES in found["T1W_S1_original_shape_Flatness"]
    assert all(re.match(r"^[A-Z0-9].*\.$", reason) for reason in found.values())


def test_what_is_excluded_explains_the_others_all_the_same() -> None:
    """The lowest and highest intensity decide, also where they are no features."""
    voxels = np.random.default_rng(1).normal(0, 1, SHAPE)
    voxels[4, 6, 6] = np.nan
    image = sitk.GetImageFromArray(voxels)
    inside = np.zeros(SHAPE, dtype=np.uint8)
    inside[REGIONS["a cube"]] = 1
    mask = sitk.GetImageFromArray(inside)
    only = FeatureSettings(excluded=("firstorder_Minimum", "firstorder_Maximum"))
    [reason] = undefined_reasons(image, mask, only, ["original_firstorder_Mean"]).values()
    assert reason == "In 1 of the region's 245 voxels the intensity of the image is NaN or infinite."
