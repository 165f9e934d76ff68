"""The built-in engine against pyradiomics: every feature of every region, and what pyradiomics has no value for."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.errors import FeatureError, RegionError
from HabitatRadiomicsLib.extraction.regions import measure_regions, regions_of
from HabitatRadiomicsLib.features.builtin import filters
from HabitatRadiomicsLib.features.builtin.cropping import Box
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.habitats import map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.protocol import Protocol, protocol_from

from .regions import use_builder

_REGIONS = ("whole", "S1", "S2", "ring")
_ONLY_ORIGINAL = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip


def _protocol(**features: Any) -> Protocol:
    return protocol_from({"name": "test", "title": "test", "features": features}, where="test")


def _regions(prepared: PreparedSequence, protocol: Protocol, names: tuple[str, ...]) -> Mapping[str, sitk.Image]:
    habitats = map_habitats(prepared, protocol.habitats, None, seed=1)
    return regions_of(prepared, habitats, names, protocol)


@contextmanager
def _whole_for_log() -> Iterator[None]:
    """Laplacians of Gaussian see the whole image, as pyradiomics' do."""
    with patch.object(filters, "log_context", lambda box, shape, *_: Box((0, 0, 0), shape)):
        yield


def _compare(image: sitk.Image, regions: Mapping[str, sitk.Image], protocol: Protocol, *crops: bool) -> None:
    pytest.importorskip("radiomics")
    from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine

    arguments = image, regions, protocol.features, protocol.features.discretisation
    expected = PyradiomicsEngine().extract(*arguments)
    for crop in crops:
        with nullcontext() if crop else _whole_for_log():
            found = BuiltInEngine().extract(*arguments)
        for region, values in expected.items():
            assert list(found[region]) == list(values) == list(feature_names(protocol.features))
            for name, value in values.items():
                # These two are differences of nearly equal entropies.
                absolute = 1e-12 if name.endswith(("Imc1", "Imc2")) else 0.0
                told = f"{region} {name}, {'cropped' if crop else 'whole'}"
                np.testing.assert_allclose(found[region][name], value, rtol=1e-9, atol=absolute, err_msg=told)


@pytest.mark.parametrize("features", [{}, {"force_2d": True, "discretisation": {"bin_count": 24}}], ids=["3D", "2D"])
@pytest.mark.parametrize("sequence", ["T1W", "T2FS"])
def test_all_features_equal_pyradiomics(patient: SyntheticPatient, sequence: str, features: dict[str, Any]) -> None:
    protocol = _protocol(**features)
    prepared = prepare(patient.case.sequences[sequence], protocol.preprocessing)
    regions = _regions(prepared, protocol, _REGIONS)
    _compare(prepared.image, regions, protocol, False, True)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("case_id", "sequence"),
    [("STS_019", "T1W"), ("STS_030", "PET"), ("STS_047", "PET")],
)  # fmt: skip
def test_real_lesions_equal_pyradiomics(sarcoma_cohort: Cohort, case_id: str, sequence: str) -> None:
    case = next(case for case in sarcoma_cohort.cases if case.case_id == case_id)
    bins = {"bin_width": 0.5} if sequence == "PET" else {"bin_width": 25.0}
    # The voxels of PET are wider than the ring's usual 3 mm.
    protocol = _protocol(discretisation=bins).model_copy(update={"ring_mm": 6.0})
    prepared = prepare(case.read((sequence,)).sequences[sequence], protocol.preprocessing)
    _compare(prepared.image, _regions(prepared, protocol, _REGIONS), protocol, True)


@st.composite
def _small_cases(draw: st.DrawFn) -> tuple[sitk.Image, sitk.Image]:
    shape = draw(st.tuples(st.integers(1, 5), st.integers(2, 6), st.integers(2, 6)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale = draw(st.sampled_from([0.0, 10.0, 100.0]))
    voxels = random.normal(100, scale, shape)
    image = sitk.GetImageFromArray(voxels.astype(draw(st.sampled_from([np.int16, np.float32, np.float64]))))
    image.SetSpacing((1.0, 1.5, 3.0))
    inside = random.random(shape) < draw(st.sampled_from([0.4, 0.8, 1.0]))
    inside.flat[0] = True
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    mask.CopyInformation(image)
    return image, mask


@settings(max_examples=40)
@given(_small_cases(), st.sampled_from([{"bin_width": 25.0}, {"bin_count": 4}]), st.booleans())
def test_small_regions_equal_pyradiomics_or_are_refused_by_it(
    case: tuple[sitk.Image, sitk.Image], discretisation: dict[str, float], force_2d: bool
) -> None:
    pytest.importorskip("radiomics")
    from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine

    image, mask = case
    protocol = _protocol(
        images={"log_sigmas": []}, discretisation=discretisation, force_2d=force_2d,
        classes=["shape", "firstorder", "gldm", "glszm", "ngtdm"],
    )  # fmt: skip
    arguments = image, {"whole": mask}, protocol.features, protocol.features.discretisation
    found = BuiltInEngine().extract(*arguments)["whole"]
    assert list(found) == list(feature_names(protocol.features))
    assert not np.isinf(list(found.values())).any()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = PyradiomicsEngine().extract(*arguments)["whole"]
    except ValueError:  # a line, a single voxel
        return
    for name, value in expected.items():
        spread = found[name.split("_")[0] + "_firstorder_Range"]
        mean = abs(found[name.split("_")[0] + "_firstorder_Mean"])
        if spread <= 1e-9 * mean and name.split("_")[1] == "firstorder":
            continue  # flat, up to rounding: pyradiomics' moments are ratios of rounding errors
        if name.endswith("ngtdm_Busyness") and (found[name] == 0 or value > 1e9):
            continue  # the same, see the class
        if np.isfinite(value):
            np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("builder", ["numpy", "numba"])
def test_jobs_change_no_bit(patient: SyntheticPatient, builder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_builder(monkeypatch, builder)
    protocol = _protocol()
    prepared = prepare(patient.case.sequences["T1W"], protocol.preprocessing)
    regions = _regions(prepared, protocol, _REGIONS)
    found = [json.dumps(measure_regions(prepared, regions, protocol, BuiltInEngine(jobs=jobs))) for jobs in (1, 2, 7)]
    assert len(json.loads(found[0])) == len(regions) * 1967
    assert found[0] == found[1] == found[2]


def test_log_of_a_small_lesion_in_a_large_field_of_view_equals_that_of_all_of_it() -> None:
    random = np.random.default_rng(20240607)
    image = sitk.GetImageFromArray(random.normal(200, 80, (100, 120, 120)).astype(np.float32))
    inside = np.zeros((100, 120, 120), dtype=np.uint8)
    inside[45:55, 50:65, 50:66] = random.random((10, 15, 16)) < 0.9
    mask = sitk.GetImageFromArray(inside)
    features = _protocol(images={"log_sigmas": [1.0, 2.0]}).features
    wanted = [name for name in feature_names(features) if name.startswith("log-sigma")]
    arguments = image, {"whole": mask}, features, features.discretisation, wanted
    cropped = BuiltInEngine().extract(*arguments)["whole"]
    with _whole_for_log():
        whole = BuiltInEngine().extract(*arguments)["whole"]
    assert len(cropped) == 2 * 93
    np.testing.assert_allclose(list(cropped.values()), list(whole.values()), rtol=1e-6, atol=1e-12)


def test_an_error_in_a_thread_is_that_of_the_case(patient: SyntheticPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise FeatureError("This filter fails.")

    monkeypatch.setattr(filters, "_gradient", fails)
    protocol = _protocol(classes=["firstorder"])
    prepared = prepare(patient.case.sequences["T1W"], protocol.preprocessing)
    with pytest.raises(FeatureError, match="This filter fails"):
        measure_regions(prepared, {"whole": prepared.mask}, protocol, BuiltInEngine(jobs=2))


def test_each_filter_runs_once_for_all_regions(patient: SyntheticPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for step in ("_pointwise", "_gradient", "_lbp", "_laplacian_of_gaussian", "_WaveletBands"):
        original = getattr(filters, step)

        def counted(*args: Any, _original: Any = original, _step: str = step) -> Any:
            calls.append(_step)
            return _original(*args)

        monkeypatch.setattr(filters, step, counted)
    protocol = _protocol(classes=["firstorder"])
    prepared = prepare(patient.case.sequences["T2FS"], protocol.preprocessing)
    measure_regions(prepared, _regions(prepared, protocol, _REGIONS), protocol, BuiltInEngine())
    assert sorted(calls) == sorted(
        [*["_pointwise"] * 4, "_gradient", "_lbp", "_WaveletBands", *["_laplacian_of_gaussian"] * 6]
    )


def test_only_wanted_features_are_computed(patient: SyntheticPatient, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_needed(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("this filter was not asked for")

    monkeypatch.setattr(filters._WaveletBands, "band", not_needed)
    protocol = _protocol()
    prepared = prepare(patient.case.sequences["T2FS"], protocol.preprocessing)
    wanted = {"original_shape_MeshVolume", "log-sigma-3-0-mm-3D_glcm_Contrast"}
    found = BuiltInEngine().extract(
        prepared.image, {"whole": prepared.mask}, protocol.features, protocol.features.discretisation, wanted
    )
    assert set(found["whole"]) == wanted
    assert all(np.isfinite(value) for value in found["whole"].values())


def test_too_few_slices_for_log_is_told(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T2FS"]
    thin = SequenceImage("T2FS", sequence.image[:, :, 6:9], sequence.mask[:, :, 6:9])
    prepared = prepare(thin, _protocol().preprocessing)
    with pytest.raises(FeatureError, match="too small for: log-sigma-1-0-mm-3D"):
        measure_regions(prepared, {"whole": thin.mask}, _protocol(), BuiltInEngine())


def test_one_voxel_has_values_or_none_of_them(tiny_image: sitk.Image) -> None:
    mask = sitk.Image(tiny_image.GetSize(), sitk.sitkUInt8)
    mask.CopyInformation(tiny_image)
    mask[5, 6, 2] = 1
    protocol = _protocol()
    arguments = tiny_image, {"whole": mask}, protocol.features, protocol.features.discretisation
    found = BuiltInEngine().extract(*arguments)["whole"]
    assert list(found) == list(feature_names(protocol.features))
    assert not np.isinf(list(found.values())).any()
    assert found["original_firstorder_Mean"] == tiny_image[5, 6, 2]
    assert np.isnan(found["original_shape_Elongation"])


def test_an_intensity_that_is_no_number_leaves_the_region_empty_and_no_other(tiny_image: sitk.Image) -> None:
    image = sitk.Cast(tiny_image, sitk.sitkFloat32)
    image[7, 7, 2] = float("nan")
    masks = {}
    for name, first in (("S1", 6), ("S2", 12)):
        voxels = np.zeros(image.GetSize()[::-1], dtype=np.uint8)
        voxels[1:5, first : first + 6, first : first + 6] = 1
        masks[name] = sitk.GetImageFromArray(voxels)
        masks[name].CopyInformation(image)
    protocol = _protocol(
        images={"wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
                "gradient": False, "lbp_2d": False, "log_sigmas": []},
    )  # fmt: skip
    found = BuiltInEngine().extract(image, masks, protocol.features, protocol.features.discretisation)
    assert all(np.isnan(value) for name, value in found["S1"].items() if "_shape_" not in name)
    assert all(np.isfinite(value) for value in found["S2"].values())


def test_masks_that_do_not_fit_are_refused(tiny_image: sitk.Image, tiny_mask: sitk.Image) -> None:
    protocol = _protocol()
    arguments = protocol.features, protocol.features.discretisation
    with pytest.raises(RegionError, match="no voxels"):
        BuiltInEngine().extract(tiny_image, {"whole": tiny_mask * 0}, *arguments)
    with pytest.raises(RegionError, match="not on the image's grid"):
        BuiltInEngine().extract(tiny_image, {"whole": tiny_mask[:10, :, :]}, *arguments)


def test_version_names_what_computes() -> None:
    engine = BuiltInEngine()
    assert engine.name == "built-in"
    for package in ("numpy", "scipy", "SimpleITK", "PyWavelets", "scikit-image"):
        assert package in engine.version


def test_excluded_features_are_left_out_and_the_others_keep_their_values(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T1W"]
    excluded = ["glcm_MCC", "glcm_SumAverage", "shape_Flatness", "firstorder_Minimum"]
    plain = {"images": _ONLY_ORIGINAL}
    everything = _protocol(**plain).features
    regions = {"whole": sequence.mask}
    binning = everything.discretisation
    full = BuiltInEngine().extract(sequence.image, regions, everything, binning)["whole"]
    fewer = _protocol(**plain, excluded=excluded).features
    found = BuiltInEngine().extract(sequence.image, regions, fewer, binning)["whole"]
    assert len(found) == 14 + 93 - 4
    assert found == {name: value for name, value in full.items() if name.partition("_")[2] not in excluded}
    _compare(sequence.image, regions, _protocol(**plain, excluded=excluded), True)
