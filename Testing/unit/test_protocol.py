"""Protocols: written and read back the same, equal ones with equal digests, settings that hold per sequence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.protocol import bundled_protocols, load_protocol, protocol_from, protocol_text


@pytest.mark.parametrize("name", sorted(bundled_protocols()))
def test_round_trip(name: str, tmp_path: Path) -> None:
    protocol = load_protocol(name)
    copy = tmp_path / "copy.yaml"
    copy.write_text(protocol_text(protocol), encoding="utf-8")
    assert load_protocol(copy) == protocol
    assert load_protocol(copy).sha256 == protocol.sha256


def test_every_setting_counts_in_the_digest() -> None:
    digests = {
        protocol_from({"name": "a", "title": "a", **change}, where="test").sha256
        for change in (
            {},
            {"seed": 1},
            {"habitats": {"entropy": {"levels": 64}}},
            {"features": {"images": {"log_sigmas": [1.0]}}},
            {"features": {"texture": {"distances": [1, 2]}}},
            {"features": {"texture": {"weighting": "euclidean"}}},
            {"sequence_preprocessing": {"CT": {"window": {"lower": 0, "upper": 1}}}},
        )
    }
    assert len(digests) == 7


def test_protocols_are_immutable() -> None:
    protocol = load_protocol("t790m-spine-mri")
    with pytest.raises(ValidationError, match="frozen"):
        protocol.seed = 3  # type: ignore[misc]


def test_sequences_can_differ() -> None:
    protocol = protocol_from(
        {
            "name": "a",
            "title": "a",
            "preprocessing": {"normalisation": {"scope": "roi"}},
            "sequence_preprocessing": {"PET": {}},
            "features": {"sequence_discretisation": {"PET": {"bin_width": 0.5}}},
        },
        where="test",
    )
    assert protocol.preprocessing_of("T1W").normalisation is not None
    assert protocol.preprocessing_of("PET").normalisation is None
    assert protocol.features.discretisation_of("T1W").bin_width == 25.0
    assert protocol.features.discretisation_of("PET").bin_width == 0.5


def test_the_studys_preset_has_the_studys_settings() -> None:
    protocol = load_protocol("t790m-spine-mri")
    assert protocol.sequences == ("T1W", "T2FS")
    assert (protocol.habitats.entropy.window, protocol.habitats.superpixels) == (9, 30)
    assert (protocol.habitats.k_min, protocol.habitats.k_max) == (2, 10)
    assert protocol.features.discretisation.bin_width == 25.0
    assert protocol.learning.significance == 0.05


@pytest.mark.parametrize(
    "texture",
    [{"distances": []}, {"distances": [0]}, {"distances": [1, 1]}, {"weighting": "cosine"}, {"gldm_alpha": -1},
     {"gldm_alpha": 0.5}],
)  # fmt: skip
def test_texture_settings_that_make_no_sense_are_refused(texture: dict[str, object]) -> None:
    with pytest.raises(ProtocolError, match="texture"):
        protocol_from({"name": "a", "title": "a", "features": {"texture": texture}}, where="test")


def test_a_protocol_from_before_the_texture_settings_has_pyradiomics_defaults() -> None:
    document = load_protocol("general-mri").document()
    features = document["features"]
    assert isinstance(features, dict)
    assert features.pop("texture") == {
        "distances": [1], "weighting": None, "symmetrical_glcm": True, "gldm_alpha": 0,
    }  # fmt: skip
    assert protocol_from(document, where="test") == load_protocol("general-mri")
