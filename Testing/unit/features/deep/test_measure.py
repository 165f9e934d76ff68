"""Deep features from a case to a table: alone, in a cohort and in folds the same numbers, with their definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.synthetic.chest_ct import synthetic_ct_patient, write_synthetic_ct_cohort
from HabitatRadiomicsLib.errors import CohortError, FeatureError, HabitatRadiomicsError, NetworkError
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.extraction.fold_features import measure_folds
from HabitatRadiomicsLib.extraction.maps import needs_habitats
from HabitatRadiomicsLib.extraction.superpixels import find_superpixels
from HabitatRadiomicsLib.features import feature_names, feature_names_of, parse
from HabitatRadiomicsLib.features.catalogue import definition_of
from HabitatRadiomicsLib.features.deep import lesion_patch, load_network
from HabitatRadiomicsLib.features.table import column_definitions
from HabitatRadiomicsLib.imaging import prepare
from HabitatRadiomicsLib.protocol import Protocol


def _protocol(**settings: object) -> Protocol:
    patch = load_network("synthetic-demo").metadata.patch
    plain: dict[str, object] = {
        "name": "deep-ct",
        "title": "Deep features of CT",
        "sequences": ["CT"],
        "regions": ["whole", "ring", "patch"],
        "ring_mm": 5,
        "ring_limits": {},
        "features": {"images": {"wavelet": None, "log_sigmas": [], "square": False, "square_root": False,
                     "logarithm": False, "exponential": False, "gradient": False, "lbp_2d": False}},
        "deep": {"network": "synthetic-demo", "patch": patch},
    }  # fmt: skip
    return Protocol.model_validate({**plain, **settings})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return load_cohort(*write_synthetic_ct_cohort(tmp_path_factory.mktemp("cohort"), 4, seed=12))


@pytest.fixture(scope="module")
def case() -> Case:
    return synthetic_ct_patient(1, seed=12).case


@pytest.fixture
def values(cohort: Cohort, tmp_path: Path) -> Callable[[Protocol], dict[str, float]]:
    """Gives the features of the second case alone."""
    second = cohort.only([cohort.cases[1].case_id])

    def measure(protocol: Protocol) -> dict[str, float]:
        return extract_features(second, protocol, tmp_path / "alone").table.iloc[0].to_dict()

    return measure


def test_values_are_the_networks_for_the_patch(case: Case, values: Callable[[Protocol], dict[str, float]]) -> None:
    protocol = _protocol()
    found = values(protocol)
    prepared = prepare(case.sequences["CT"], protocol.preprocessing)
    network = load_network("synthetic-demo")
    patch, _ = lesion_patch(prepared.image, prepared.mask, network.metadata.patch)
    expected = {
        f"CT_patch_original_deep_E{number:03d}": value
        for number, value in enumerate(network.run(patch).embedding, start=1)
    }
    assert {name: value for name, value in found.items() if "_patch_" in name} == expected
    # Nothing else moved, and the ring is the limited one.
    without = _protocol(regions=["whole", "ring"], deep=None)
    assert values(without) == {name: v for name, v in found.items() if "_patch_" not in name}
    unlimited = values(without.model_copy(update={"ring_limits": None}))
    changed = {parse(name).region for name, value in unlimited.items() if value != found[name]}
    assert changed == {"ring"}


def test_a_protocol_of_the_patch_alone_needs_no_engine(values: Callable[[Protocol], dict[str, float]]) -> None:
    protocol = _protocol(regions=["patch"])
    assert not needs_habitats(protocol)
    assert list(values(protocol)) == [f"CT_patch_{name}" for name in feature_names_of(protocol, "patch")]


def test_cohort_and_folds_give_the_same_numbers(
    values: Callable[[Protocol], dict[str, float]], cohort: Cohort, tmp_path: Path
) -> None:
    protocol = _protocol()
    alone = values(protocol)
    extraction = extract_features(cohort, protocol, tmp_path / "extract")
    assert extraction.table.iloc[1].to_dict() == pytest.approx(alone, rel=0, abs=0, nan_ok=True)
    lesions = find_superpixels(cohort, protocol, tmp_path)
    features = measure_folds(cohort, protocol, lesions, [{"CT": None}], tmp_path / "folds")
    assert features.problems == ()
    table = features.table(0)
    regions = ("whole", "ring", "patch")
    assert tuple(table.columns) == tuple(f"CT_{r}_{n}" for r in regions for n in feature_names_of(protocol, r))
    assert table.values.shape == (4, 2 * len(feature_names(protocol.features)) + 16)
    np.testing.assert_array_equal(
        table.values, extraction.table[table.columns]
    )  # bit for bit, whichever way they were measured
    again = measure_folds(cohort, protocol, lesions, [{"CT": None}], tmp_path / "folds")
    assert again.reused == 4
    np.testing.assert_array_equal(again.table(0).values, table.values)


def test_kept_values_of_another_network_or_ring_are_not_taken_over(cohort: Cohort, tmp_path: Path) -> None:
    network = Path(tmp_path / "other.onnx")
    source = Path(__file__).resolve().parents[4] / "Resources" / "Networks" / "synthetic-demo.onnx"
    network.write_bytes(source.read_bytes())
    protocol = _protocol(regions=["ring", "patch"])
    changed = (
        _protocol(regions=["ring", "patch"], ring_limits={"air_below": -300}),
        _protocol(regions=["ring", "patch"], deep={**protocol.document()["deep"], "network": str(network)}),  # type: ignore[dict-item]
    )
    few = replace(cohort, cases=cohort.cases[:2])
    lesions = find_superpixels(few, protocol, tmp_path)
    measure_folds(few, protocol, lesions, [{"CT": None}], tmp_path / "folds")
    assert measure_folds(few, changed[0], lesions, [{"CT": None}], tmp_path / "folds").reused == 0
    # The same file under another name is the same network.
    extract_features(few, protocol, tmp_path / "extract")
    assert extract_features(few, changed[0], tmp_path / "extract").reused == 0
    extract_features(few, protocol, tmp_path / "extract")
    assert extract_features(few, changed[1], tmp_path / "extract").reused == 2


def test_features_json_tells_what_a_deep_feature_is() -> None:
    protocol = _protocol()
    found = column_definitions(["CT_patch_original_deep_E003", "CT_whole_original_firstorder_Mean"], protocol)
    assert found["columns"]["CT_patch_original_deep_E003"]["definition"] == "deep_E003"
    assert found["definitions"]["deep_E003"]["definition"].startswith("Component 3 of the embedding")
    assert found["settings"]["CT"]["deep"]["network"] == "synthetic-demo"
    assert str(parse("delta_CT_patch_original_deep_E003")) == "delta_CT_patch_original_deep_E003"
    with pytest.raises(FeatureError):
        definition_of("deep", "Mean")


def test_what_cannot_be_measured_is_refused(cohort: Cohort, tmp_path: Path) -> None:
    wrong = _protocol(deep={"network": "synthetic-demo", "patch": 17})
    with pytest.raises(CohortError, match=r"CT, synthetic-demo\.onnx: The network was trained on patches of"):
        extract_features(cohort, wrong, tmp_path)
    with pytest.raises(NetworkError, match="not the expected network"):
        extract_features(cohort, _protocol(deep={**_protocol().document()["deep"], "sha256": "0" * 64}), tmp_path)  # type: ignore[dict-item]
    with pytest.raises(HabitatRadiomicsError, match="no network of this name"):
        extract_features(cohort, _protocol(deep={"network": "missing"}), tmp_path)
    with pytest.raises(FeatureError, match="without settings under 'deep'"):
        feature_names_of(_protocol(regions=["whole"], deep=None), "patch")
