"""Names of feature columns, and how many there are."""

from __future__ import annotations

import pytest

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features import FeatureName, definition_of, feature_names, parse
from HabitatRadiomicsLib.features.catalogue import image_names
from HabitatRadiomicsLib.features.definitions import features_of_class
from HabitatRadiomicsLib.protocol import FeatureSettings, ImageFilters


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
