"""Names of feature columns, and how many there are."""

from __future__ import annotations

import pytest

from HabitatRadiomicsLib.errors import FeatureError, ProtocolError
from HabitatRadiomicsLib.features import FeatureName, choose_engine, feature_names, parse
from HabitatRadiomicsLib.features.catalogue import definition_of, features_of_class, image_names
from HabitatRadiomicsLib.protocol import FeatureSettings, ImageFilters, protocol_from


def test_the_studys_filter_set_gives_1967_features() -> None:
    names = feature_names(FeatureSettings())
    assert len(names) == len(set(names)) == 1967
    assert len(image_names(ImageFilters())) == 21
    assert sum("_shape_" in name for name in names) == 14
    assert len(feature_names(FeatureSettings(force_2d=True))) == 14 + 93 * 17


def test_classes_have_pyradiomics_features() -> None:
    pytest.importorskip("radiomics")
    from radiomics import getFeatureClasses

    for kind, feature_class in getFeatureClasses().items():
        if kind == "shape2D":
            continue
        current = {name for name, deprecated in feature_class.getFeatureNames().items() if not deprecated}
        assert set(features_of_class(kind)) == current


@pytest.mark.parametrize(
    "column",
    [
        "T2FS_S2_wavelet-LLH_glcm_MCC",
        "T1W_whole_original_shape_Flatness",
        "T1W_ring_log-sigma-1-5-mm-3D_ngtdm_Busyness",
        "CT_patch_original_deep_E001",
    ],
)
def test_names_survive_parsing(column: str) -> None:
    assert str(parse(column)) == column


def test_time_points_and_deltas_come_first() -> None:
    parsed = parse("delta_CT_whole_original_glcm_Contrast")
    assert parsed == FeatureName("CT", "whole", "original", "glcm", "Contrast", "delta")
    assert str(parsed) == "delta_CT_whole_original_glcm_Contrast"
    assert parsed.within_region == "original_glcm_Contrast"


@pytest.mark.parametrize("column", ["", "age", "T1W_S0_original_glcm_MCC", "T1W_core_original_glcm_MCC"])
def test_other_names_are_refused(column: str) -> None:
    with pytest.raises(FeatureError, match="is not the name of a feature"):
        parse(column)


def test_definitions_are_complete() -> None:
    for name in feature_names(FeatureSettings()):
        _, kind, feature = name.split("_")
        found = definition_of(kind, feature)
        assert found.title
        assert found.unit
        assert found.definition.endswith(".")
    assert definition_of("firstorder", "Mean").ibsi == "Q4LE"
    with pytest.raises(FeatureError):
        definition_of("glcm", "Beauty")


def _delta_ct() -> FeatureSettings:
    """Original and three Laplacians of Gaussian; GLCM without two."""
    images = ImageFilters(
        wavelet=None, square=False, square_root=False, logarithm=False, exponential=False, gradient=False,
        lbp_2d=False, log_sigmas=(1.5, 3.0, 5.0),
    )  # fmt: skip
    return FeatureSettings(images=images, excluded=("glcm_SumAverage", "glcm_MCC"))


def test_excluded_features_are_left_out_of_every_image() -> None:
    names = feature_names(_delta_ct())
    assert len(names) == len(set(names)) == 378  # 14 of shape, and 18 first-order and 73 of texture in each of 4 images
    assert sum("_shape_" in name for name in names) == 14
    assert sum("_firstorder_" in name for name in names) == 4 * 18
    assert sum("_glcm_" in name for name in names) == 4 * 22
    assert not any(name.endswith(("_MCC", "_SumAverage")) for name in names)
    all_of_them = feature_names(_delta_ct().model_copy(update={"excluded": ()}))
    assert tuple(name for name in all_of_them if not name.endswith(("glcm_MCC", "glcm_SumAverage"))) == names
    shapeless = FeatureSettings(excluded=("shape_Flatness",))
    assert sum("_shape_" in name for name in feature_names(shapeless)) == 13


def test_original_and_wavelet_are_851() -> None:
    images = ImageFilters(
        square=False, square_root=False, logarithm=False, exponential=False, gradient=False, lbp_2d=False,
        log_sigmas=(),
    )  # fmt: skip
    assert len(feature_names(FeatureSettings(images=images))) == 851


@pytest.mark.parametrize("name", ["glcm_Mcc", "shape_MCC", "firstorder_mean"])
def test_a_feature_that_there_is_not_cannot_be_excluded(name: str) -> None:
    settings = FeatureSettings(excluded=(name,))
    kind, feature = name.split("_")
    for meets_it in (feature_names, choose_engine):
        with pytest.raises(FeatureError, match=f"There is no feature {feature} in the class {kind}") as error:
            meets_it(settings)
        assert error.value.remedy.startswith("The class has ")


@pytest.mark.parametrize("name", ["MCC", "glcm", "", "_MCC", "glcm_", "texture_MCC", "original_glcm_MCC", "glcm_M CC"])
def test_what_is_no_feature_at_all_cannot_be_excluded(name: str) -> None:
    with pytest.raises(ProtocolError, match=f"'{name}' is not the name of a feature: write class and feature"):
        protocol_from({"name": "p", "title": "P", "features": {"excluded": [name]}}, where="test")


def test_a_feature_is_excluded_once() -> None:
    with pytest.raises(ProtocolError, match=r"features\.excluded: each may be listed only once"):
        protocol_from({"name": "p", "title": "P", "features": {"excluded": ["glcm_MCC"] * 2}}, where="test")


@pytest.mark.parametrize(
    ("column", "key", "place"),
    [
        ("CT_whole_original_glcm_Contrast", "CT", "CT whole"),
        ("follow-up_CT_S2_original_glcm_Contrast", "follow-up_CT", "follow-up CT S2"),
        ("delta_T2FS_ring_original_glcm_Contrast", "delta_T2FS", "delta T2FS ring"),
    ],
)
def test_a_name_tells_on_what_it_was_measured(column: str, key: str, place: str) -> None:
    parsed = parse(column)
    assert (parsed.key, parsed.place, str(parsed)) == (key, place, column)
