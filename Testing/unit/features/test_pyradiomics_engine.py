"""The engine's values are a plain pyradiomics run's, and every filter runs once for all regions."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.errors import DependencyError, FeatureError, RegionError
from HabitatRadiomicsLib.extraction.regions import measure_regions, regions_of
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine
from HabitatRadiomicsLib.habitats import map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.protocol import Protocol, load_protocol, protocol_from

pytest.importorskip("radiomics")

_FILTERS = ("Original", "Wavelet", "Square", "SquareRoot", "Logarithm", "Exponential", "Gradient", "LBP2D")


def _plain_run(image: sitk.Image, mask: sitk.Image, **settings: Any) -> dict[str, complex]:
    """What a researcher would do with pyradiomics alone."""
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor(**{"binWidth": 25, "additionalInfo": False, **settings})
    extractor.disableAllImageTypes()
    for name in _FILTERS:
        extractor.enableImageTypeByName(name)
    extractor.enableImageTypeByName("LoG", customArgs={"sigma": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    extractor.enableAllFeatures()
    extractor.enabledFeatures.pop("shape2D", None)
    return {name: complex(np.asarray(value).item()) for name, value in extractor.execute(image, mask).items()}


def _protocol(**changes: Any) -> Protocol:
    return protocol_from({"name": "test", "title": "test", **changes}, where="test")


def _regions(prepared: PreparedSequence, protocol: Protocol, names: tuple[str, ...]) -> Mapping[str, sitk.Image]:
    habitats = map_habitats(prepared, protocol.habitats, None, seed=1)
    return regions_of(prepared, habitats, names, protocol)


def _compare(prepared: PreparedSequence, protocol: Protocol, names: tuple[str, ...], **settings: Any) -> None:
    regions = _regions(prepared, protocol, names)
    found = measure_regions(prepared, regions, protocol, PyradiomicsEngine())
    count = 1595 if protocol.features.force_2d else 1967
    assert len(found) == count * len(regions)
    for region, mask in regions.items():
        expected = _plain_run(prepared.image, mask, **settings)
        assert len(expected) == count
        for name, value in expected.items():
            ours = found[f"{prepared.name}_{region}_{name}"]
            if value.imag != 0 or not np.isfinite(value.real):
                assert np.isnan(ours), name
            else:
                np.testing.assert_allclose(ours, value.real, rtol=1e-9, err_msg=f"{region} {name}")


def test_synthetic_lesion_equals_plain_runs(patient: SyntheticPatient) -> None:
    prepared = prepare(patient.case.sequences["T2FS"], _protocol().preprocessing)
    _compare(prepared, _protocol(), ("whole", "S1", "S2", "ring"))


def test_2d_texture_and_bin_count_equal_plain_runs(patient: SyntheticPatient) -> None:
    protocol = _protocol(features={"force_2d": True, "discretisation": {"bin_count": 24}})
    prepared = prepare(patient.case.sequences["T1W"], protocol.preprocessing)
    _compare(prepared, protocol, ("whole",), force2D=True, force2Ddimension=0, binWidth=None, binCount=24)


def test_normalised_images_equal_pyradiomics_normalisation(patient: SyntheticPatient) -> None:
    """Our normalisation, then our engine, is pyradiomics with ``normalize``, ``normalizeScale``, ``removeOutliers``."""
    protocol = _protocol(preprocessing={"normalisation": {"scope": "image", "scale": 100, "clip": 3}})
    sequence = patient.case.sequences["T2FS"]
    found = measure_regions(
        prepare(sequence, protocol.preprocessing), {"whole": sequence.mask}, protocol, PyradiomicsEngine()
    )
    expected = _plain_run(sequence.image, sequence.mask, normalize=True, normalizeScale=100, removeOutliers=3)
    for name, value in expected.items():
        if np.isfinite(value.real):
            np.testing.assert_allclose(found[f"T2FS_whole_{name}"], value.real, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(("case_id", "name"), [("STS_034", "PET")])
def test_real_lesions_equal_plain_runs(sarcoma_cohort: Cohort, case_id: str, name: str) -> None:
    case = next(case for case in sarcoma_cohort.cases if case.case_id == case_id)
    bins = {"T1W": 25.0, "PET": 0.5}[name]
    protocol = _protocol(features={"discretisation": {"bin_width": bins}})
    prepared = prepare(case.read((name,)).sequences[name], protocol.preprocessing)
    _compare(prepared, protocol, ("whole", "S1", "S2"), binWidth=bins)


def test_each_filter_runs_once_for_all_regions(patient: SyntheticPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiomics import imageoperations

    calls: list[str] = []
    for family in (*_FILTERS, "LoG"):
        original = getattr(imageoperations, f"get{family}Image")

        def counted(*args: Any, _original: Any = original, _family: str = family, **kwargs: Any) -> Any:
            calls.append(_family)
            return _original(*args, **kwargs)

        monkeypatch.setattr(imageoperations, f"get{family}Image", counted)
    protocol = load_protocol("t790m-spine-demo")
    prepared = prepare(patient.case.sequences["T2FS"], protocol.preprocessing)
    regions = _regions(prepared, protocol, ("whole", "S1", "S2"))
    measure_regions(prepared, regions, protocol, PyradiomicsEngine())
    assert sorted(calls) == sorted((*_FILTERS, "LoG"))


def test_only_wanted_features_are_computed(patient: SyntheticPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    from radiomics import imageoperations

    def not_needed(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("this filter was not asked for")

    monkeypatch.setattr(imageoperations, "getWaveletImage", not_needed)
    protocol = _protocol()
    prepared = prepare(patient.case.sequences["T2FS"], protocol.preprocessing)
    engine = PyradiomicsEngine()
    wanted = {"original_shape_MeshVolume", "log-sigma-3-0-mm-3D_glcm_Contrast"}
    found = engine.extract(
        prepared.image, {"whole": prepared.mask}, protocol.features, protocol.features.discretisation, wanted
    )
    assert set(found["whole"]) == wanted
    assert all(np.isfinite(value) for value in found["whole"].values())


def test_too_few_slices_for_log_is_told(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T2FS"]
    thin = SequenceImage("T2FS", sequence.image[:, :, 6:9], sequence.mask[:, :, 6:9])
    prepared = prepare(thin, _protocol().preprocessing)
    with pytest.raises(FeatureError, match="too small for: log-sigma-1-0-mm-3D"):
        measure_regions(prepared, {"whole": thin.mask}, _protocol(), PyradiomicsEngine())


def test_small_and_flat_regions_are_refused(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T2FS"]
    prepared = prepare(sequence, _protocol().preprocessing)
    engine = PyradiomicsEngine()
    array = np.zeros(sitk.GetArrayViewFromImage(sequence.mask).shape, dtype=np.uint8)
    array[5, 5, 5:15] = 1
    line = sitk.GetImageFromArray(array)
    line.CopyInformation(sequence.mask)
    with pytest.raises(RegionError, match="10 voxels; texture needs at least 32"):
        measure_regions(prepared, {"S2": line}, _protocol(), engine)
    with pytest.raises(RegionError, match="a line of voxels"):
        measure_regions(prepared, {"S2": line}, _protocol(features={"minimum_region_voxels": 5}), engine)


def test_automatic_engine_is_the_built_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_engine(_protocol().features).name == "built-in"
    assert choose_engine(_protocol(features={"engine": "built-in"}).features).name == "built-in"
    assert choose_engine(_protocol(features={"engine": "pyradiomics"}).features).name == "pyradiomics"
    monkeypatch.setitem(sys.modules, "radiomics", None)
    assert choose_engine(_protocol().features).name == "built-in"


def test_missing_engine_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "radiomics", None)
    with pytest.raises(DependencyError, match='pip install "pyradiomics-bhklab'):
        choose_engine(_protocol(features={"engine": "pyradiomics"}).features)
