"""Protocols: written and read back the same, equal ones with equal digests, settings that hold per sequence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.features.catalogue import feature_names, image_names
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


@pytest.mark.parametrize("name", sorted(bundled_protocols()))
def test_every_preset_says_what_it_needs_and_gives(name: str) -> None:
    protocol = load_protocol(name)
    assert protocol.name == name
    for text in (protocol.title, protocol.needs, protocol.gives, protocol.notes):
        assert text


#: Features of a region: 14 of shape, and of each image 93 (91 without SumAverage and MCC).
@pytest.mark.parametrize(
    ("name", "images", "features"),
    [
        ("delta-ct-egfr-tki", 4, 14 + 4 * 91),
        ("spine-nomogram-mri", 21, 14 + 21 * 93),
        ("brain-metastasis-dti", 1, 14 + 93),
        ("deep-radscore-ct", 9, 14 + 9 * 93),
    ],
)
def test_presets_measure_as_many_features_as_their_studies(name: str, images: int, features: int) -> None:
    settings = load_protocol(name).features
    assert len(image_names(settings.images)) == images
    kept = [column for column in feature_names(settings) if column.partition("_")[2] not in settings.excluded]
    assert len(kept) == features


def test_the_delta_preset_has_the_studys_settings() -> None:
    protocol = load_protocol("delta-ct-egfr-tki")
    assert protocol.keys == ("baseline_CT", "follow-up_CT")
    assert protocol.regions == ("whole",)
    resampling = protocol.preprocessing_of("follow-up_CT").resampling
    assert resampling is not None
    assert resampling.spacing == (0.702, 0.702, None)
    assert protocol.features.discretisation_of("baseline_CT").bin_count == 50
    assert protocol.features.images.log_sigmas == (1.5, 3.0, 5.0)
    assert protocol.learning.folds == 5
    search, scouts = protocol.learning.search, protocol.learning.scouts
    assert search is not None
    assert search.selectors == ("anova", "kruskal-wallis", "relief", "rfe")
    assert search.classifiers == ("svm", "logistic-regression")
    assert search.maximum_correlation == 0.98
    assert scouts is not None
    assert scouts.minimum_auc == 0.6


def test_the_nomogram_preset_has_the_studys_settings() -> None:
    protocol = load_protocol("spine-nomogram-mri")
    assert (protocol.sequences, protocol.regions) == (("T1W", "T2FS"), ("whole",))
    assert protocol.robustness is not None
    assert (protocol.robustness.icc, protocol.robustness.threshold) == ("2,1", 0.75)
    assert (protocol.learning.univariate_test, protocol.learning.univariate_selection) == ("anova", 20)
    assert protocol.learning.nomogram is not None
    assert protocol.learning.nomogram.bootstraps == 1000


def test_the_diffusion_preset_measures_quantities_in_their_own_units() -> None:
    protocol = load_protocol("brain-metastasis-dti")
    assert protocol.sequences == ("ADC", "FA", "T1C")
    assert [protocol.preprocessing_of(name).normalisation is None for name in protocol.sequences] == [True, True, False]
    assert [protocol.features.discretisation_of(name).bin_width for name in protocol.sequences] == [25, 0.02, 25]
    search = protocol.learning.search
    assert search is not None
    assert search.selectors == ("tree-importance", "mutual-information", "anova", "lasso", "relief")
    assert search.classifiers == ("lda", "svm", "random-forest", "logistic-regression")


def test_the_deep_preset_has_the_studys_settings() -> None:
    protocol = load_protocol("deep-radscore-ct")
    assert protocol.regions == ("whole", "ring", "patch")
    assert (protocol.ring_mm, protocol.ring_limits is None) == (3, False)
    assert protocol.deep is not None
    assert (protocol.deep.network, protocol.deep.patch) == ("synthetic-demo", 160)
    assert protocol.preprocessing_of("CT").window is not None
    assert (protocol.learning.folds, protocol.learning.repeats) == (5, 10)
    assert protocol.learning.fusion is not None
    assert len(protocol.learning.fusion.classifiers) == 7


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


_TWO = {"name": "two", "title": "Two", "sequences": ["CT", "T1W"], "timepoints": {}}
_OVER_LESION = {"normalisation": {"scope": "roi"}}


@pytest.mark.parametrize("scale", [None, "own", "baseline"])
def test_the_scale_of_habitats_is_read_back_and_counts(scale: str | None, tmp_path: Path) -> None:
    protocol = protocol_from({**_TWO, "timepoints": {"habitat_scale": scale}}, where="test")
    copy = tmp_path / "copy.yaml"
    copy.write_text(protocol_text(protocol), encoding="utf-8")
    assert load_protocol(copy) == protocol
    others = {"own", "baseline", None} - {scale}
    digests = {protocol_from({**_TWO, "timepoints": {"habitat_scale": other}}, where="test").sha256 for other in others}
    assert protocol.sha256 not in digests


@pytest.mark.parametrize(
    ("scale", "own"),
    [(None, {"T1W", "T2W"}), ("own", {"CT", "T1W", "T2W", "PET", "FLAIR"}), ("baseline", set())],
)
def test_whose_scale_a_follow_up_has(scale: str | None, own: set[str]) -> None:
    """Where nothing is said, intensities that mean nothing in another image have their own."""
    special = {
        "T1W": _OVER_LESION,
        "T2W": {"bias_correction": {}},
        "FLAIR": {"bias_correction": {}, "normalisation": {"scope": "image"}},
        "PET": {},
    }
    settings = {**_TWO, "sequences": ["CT", "T1W", "T2W", "PET", "FLAIR"], "timepoints": {"habitat_scale": scale}}
    # With the scale of the baseline for all, none may be in arbitrary units.
    protocol = protocol_from(
        settings if scale == "baseline" else {**settings, "sequence_preprocessing": special}, where=""
    )
    assert protocol.sequences is not None
    for name in protocol.sequences:
        later = f"follow-up_{name}"
        assert protocol.scale_key(later) == (later if name in own else f"baseline_{name}")
        assert protocol.scale_key(f"baseline_{name}") == f"baseline_{name}"
        assert protocol.scale_key(name) == name
    assert protocol_from({**_TWO, "timepoints": None}, where="").scale_key("CT") == "CT"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sequence_preprocessing": {"T1W": _OVER_LESION}}, "those of T1W are z-scored over the lesion of each image"),
        (
            {"sequence_preprocessing": {"T1W": {"bias_correction": {}}}},
            "those of T1W are corrected for a bias field, as MRI's arbitrary units are, and not normalised",
        ),
        ({"preprocessing": _OVER_LESION}, "those of CT are z-scored over the lesion of each image"),
        ({"timepoints": {"habitat_scale": "follow-up"}}, "habitat_scale"),
    ],
)
def test_a_scale_that_cannot_be_compared_is_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ProtocolError, match=told) as error:
        protocol_from({**_TWO, "timepoints": {"habitat_scale": "baseline"}, **settings}, where="test")
    if "units" in told or "z-scored" in told:
        assert "normalise over the image, or write habitat_scale: own" in str(error.value)
