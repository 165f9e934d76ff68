"""The settings of the texture matrices from the protocol to both engines, which agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.protocol import FeatureSettings

_ORIGINAL_ONLY = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip
_TEXTURES: tuple[dict[str, Any], ...] = (
    {},
    {"distances": [2]},
    {"distances": [1, 2, 3], "gldm_alpha": 1},
    {"weighting": "manhattan"},
    {"weighting": "euclidean", "symmetrical_glcm": False},
    {"weighting": "infinity", "distances": [2, 1]},
    {"weighting": "no_weighting", "gldm_alpha": 2},
    {"symmetrical_glcm": False},
)
Values = dict[str, float]


def _settings(texture: dict[str, Any], **others: Any) -> FeatureSettings:
    document = {
        "classes": ["glcm", "glrlm", "glszm", "gldm", "ngtdm"], "images": _ORIGINAL_ONLY, "texture": texture, **others,
    }  # fmt: skip
    return FeatureSettings.model_validate(document)


def _region(voxels: np.ndarray, inside: np.ndarray) -> tuple[sitk.Image, sitk.Image]:
    image, mask = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(inside.astype(np.uint8))
    for volume in (image, mask):
        volume.SetSpacing((0.8, 1.1, 1.4))
    return image, mask


def _both(image: sitk.Image, mask: sitk.Image, chosen: FeatureSettings) -> tuple[Values, Values]:
    pytest.importorskip("radiomics", reason="the reference engine is not installed")
    from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine

    arguments = image, {"whole": mask}, chosen, chosen.discretisation
    return BuiltInEngine().extract(*arguments)["whole"], PyradiomicsEngine().extract(*arguments)["whole"]


def _lesion() -> tuple[sitk.Image, sitk.Image]:
    random = np.random.default_rng(8)
    k, j, i = np.ogrid[-4:5, -8:9, -7:8]
    inside = (k / 4) ** 2 + (j / 8) ** 2 + (i / 7) ** 2 <= 1
    smooth = np.cumsum(random.normal(0, 20, inside.shape), axis=2)
    return _region((100 + smooth + 30 * (j > 0)).astype(np.float32), inside)


@pytest.mark.parametrize("bins", [{"bin_width": 25.0}, {"bin_count": 12}], ids=str)
@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("texture", _TEXTURES, ids=str)
def test_both_engines_give_the_same(texture: dict[str, Any], force_2d: bool, bins: dict[str, float]) -> None:
    chosen = _settings(texture, force_2d=force_2d, discretisation=bins)
    found, expected = _both(*_lesion(), chosen)
    assert list(found) == list(expected) == list(feature_names(chosen))
    for name, value in expected.items():
        assert np.isfinite(value), name
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("texture", "classes"),
    [
        ({"distances": [2]}, {"glcm", "gldm", "ngtdm"}),
        ({"weighting": "euclidean"}, {"glcm", "glrlm"}),
        ({"symmetrical_glcm": False}, {"glcm"}),
        ({"gldm_alpha": 1}, {"gldm"}),
    ],
)
def test_each_setting_changes_its_classes_and_no_other(texture: dict[str, Any], classes: set[str]) -> None:
    image, mask = _lesion()
    values = []
    for chosen in (_settings({}), _settings(texture)):
        values.append(BuiltInEngine().extract(image, {"whole": mask}, chosen, chosen.discretisation)["whole"])
    usual, changed = values
    assert {name.split("_")[1] for name in usual if usual[name] != changed[name]} == classes


@st.composite
def _small_cases(draw: st.DrawFn) -> tuple[sitk.Image, sitk.Image]:
    shape = draw(st.tuples(st.integers(2, 5), st.integers(3, 6), st.integers(3, 6)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inside = random.random(shape) < draw(st.sampled_from([0.5, 0.8, 1.0]))
    # Corners, so that the region's box is that of the volume and no direction is missing in it.
    inside.flat[0] = inside.flat[-1] = True
    return _region(random.normal(100, 60, shape).astype(np.float32), inside)


@settings(max_examples=60)
@given(
    _small_cases(), st.sampled_from(_TEXTURES), st.booleans(), st.sampled_from([{"bin_width": 25.0}, {"bin_count": 4}])
)
def test_both_engines_give_the_same_of_any_small_region(
    case: tuple[sitk.Image, sitk.Image], texture: dict[str, Any], force_2d: bool, bins: dict[str, float]
) -> None:
    found, expected = _both(*case, _settings(texture, force_2d=force_2d, discretisation=bins))
    for name, value in expected.items():
        if name.endswith(("_MCC", "_Imc2", "_Correlation", "_Busyness")):
            continue  # made of rounding where a matrix has few pairs: see the tests of the classes
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=name)


def test_a_region_smaller_than_the_distance() -> None:
    inside = np.ones((3, 3, 3), dtype=bool)
    image, mask = _region(np.arange(27, dtype=np.float32).reshape(3, 3, 3) * 10, inside)
    chosen = _settings({"distances": [3]})
    found = BuiltInEngine().extract(image, {"whole": mask}, chosen, chosen.discretisation)["whole"]
    assert all(np.isnan(value) for name, value in found.items() if "_glcm_" in name)
    assert all(np.isfinite(value) for name, value in found.items() if "_glcm_" not in name)
    assert found["original_gldm_LargeDependenceEmphasis"] == 1.0
    assert found["original_ngtdm_Coarseness"] == 1e6
    with pytest.raises(FeatureError, match="smaller than the distances"):
        _both(image, mask, chosen)
