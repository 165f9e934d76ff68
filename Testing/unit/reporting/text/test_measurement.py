"""Methods text of what is measured: preprocessing, habitats, features, their robustness and harmonisation."""

from __future__ import annotations

from typing import Any

import pytest

from .methods_texts import bare, texts_of


def test_no_habitats_no_habitat_paragraph() -> None:
    assert "habitats" not in texts_of(bare(regions=["whole", "ring"]))
    for regions in (["habitats"], ["S2"], ["whole", "habitats"]):
        assert "Ward" in texts_of(bare(regions=regions))["habitats"]


def test_every_preprocessing_step_has_its_numbers() -> None:
    text = texts_of(
        bare(
            regions=["whole", "ring"],
            ring_mm=4.5,
            preprocessing={
                "resampling": {"spacing": [1, 0.5, None], "interpolator": "linear"},
                "window": {"lower": -1000, "upper": 400},
                "normalisation": {"scope": "roi", "scale": 1, "clip": 3},
            },
        )
    )["images"]
    assert text == (
        "Images were resampled to a voxel spacing of 1 × 0.5 × original mm (images by linear, masks by "
        "nearest-neighbour interpolation), clipped to intensities from −1000 to 400 and z-scored (mean and standard "
        "deviation of the lesion; clipped at 3 standard deviations), in this order. A peritumoural ring held the "
        "voxels outside the lesion within 4.5 mm of it."
    )


def test_sequences_that_differ_are_told_apart() -> None:
    settings = {
        "sequences": ["T1W", "T2FS", "PET"],
        "preprocessing": {"bias_correction": {}},
        "sequence_preprocessing": {"PET": {}},
        "features": {"sequence_discretisation": {"PET": {"bin_count": 64}}},
    }
    found = texts_of(bare(**settings))
    assert "T1W and T2FS images were corrected for the bias field" in found["images"]
    assert "PET images were not preprocessed." in found["images"]
    assert "Those of PET images were discretised in 64 bins." in found["features"]
    assert "N4" not in texts_of(bare(**{**settings, "sequences": ["PET"]}))["images"]


def test_entropy_of_another_definition() -> None:
    matlab = {"definition": "matlab", "levels": 256, "scope": "image", "window": 7}
    text = texts_of(bare(habitats={"entropy": matlab, "clip": None}))["habitats"]
    assert "entropyfilt, in a window of 7 × 7 voxels" in text
    assert "clipped" not in text
    volume = {"dimensions": 3, "window": 5, "scope": "image", "levels": 64}
    text = texts_of(bare(habitats={"entropy": volume}))["habitats"]
    assert "window of 5 × 5 × 5 voxels, limited to the image, with 64 equal grey levels" in text


def test_filters_and_classes_that_are_off_are_not_named() -> None:
    images = {"wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
              "gradient": False, "lbp_2d": False, "log_sigmas": []}  # fmt: skip
    text = texts_of(bare(features={"images": images, "classes": ["firstorder", "glcm"], "force_2d": True}))["features"]
    assert "first-order statistics and GLCM. They were computed slice by slice on the original image." in text
    assert "wavelet" not in text
    text = texts_of(bare(features={"images": {**images, "original": False, "wavelet": "db2"}}))["features"]
    assert "on images derived from it (8 wavelet bands (db2))." in text
    text = texts_of(bare(features={"classes": ["shape"]}))["features"]
    assert "14 features per region" in text
    assert "bins" not in text


def test_filters_that_let_everything_through_are_not_named(study: dict[str, Any]) -> None:
    study["protocol"]["learning"] |= {"significance": 1, "maximum_correlation": 1}
    assert "Mann-Whitney" not in texts_of(study)["selection"]
    assert "Pearson" not in texts_of(study)["selection"]


def test_time_points_rings_and_excluded_features() -> None:
    found = texts_of(
        bare(
            sequences=["CT"], timepoints={"followup": "week-6"}, regions=["whole", "ring"],
            ring_limits={"air_below": -300}, features={"excluded": ["glcm_MCC", "glcm_SumAverage"]},
        )
    )  # fmt: skip
    assert found["images"].startswith("Each patient had images at two time points (baseline and week-6).")
    assert "within 3 mm of it. The ring excluded air (intensities below −300" in found["images"]
    assert "and other labels of the segmentation." in found["images"]
    assert "of each sequence at both time points, " in found["features"]
    assert "Excluded from every image: glcm MCC and glcm SumAverage." in found["features"]
    assert "its value at week-6 minus its value at baseline" in found["features"]
    limits = {"air_below": None, "body": True, "other_labels": False}
    text = texts_of(bare(regions=["ring"], ring_limits=limits))["images"]
    assert (
        "The ring excluded everything outside the body (the largest connected region above Otsu's threshold)." in text
    )
    limits = {"air_below": None, "body": False, "other_labels": False}
    assert "excluded" not in texts_of(bare(regions=["ring"], ring_limits=limits))["images"]


def test_deep_features_alone() -> None:
    found = texts_of(bare(regions=["patch"], deep={"network": "net"}))
    assert found["features"].startswith("Deep features of each sequence were the embedding")


def test_perturbations_that_are_off_are_not_named(study: dict[str, Any]) -> None:
    study["protocol"]["robustness"] = {"noise": 0, "rotation_degrees": 0, "translation": 0, "icc": "3,1", "copies": 1}
    text = texts_of(study)["robustness"]
    assert "1 copy of each of 20 cases" in text
    assert "by displacement of the contour (standard deviation 1 mm), and" in text
    assert "ICC(3,1) (two-way, consistency)" in text


_INTER = {"kind": "inter-observer", "cases": 12, "kept": 5500}
_INTRA = {"kind": "intra-observer", "cases": 10, "kept": 6000}


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        (
            [_INTER],
            "Segmentation was repeated: of 12 cases by a second reader. The inter-observer agreement of each feature "
            "was the intraclass correlation ICC(2,1) (two-way, absolute agreement, single measurement) between the two "
            "segmentations. Features with a value of at least 0.8 were kept (5,211 of 11,802).",
        ),
        (
            [_INTRA],
            "Segmentation was repeated: of 10 cases by the same reader. The intra-observer agreement of each feature "
            "was the intraclass correlation ICC(2,1) (two-way, absolute agreement, single measurement) between the two "
            "segmentations. Features with a value of at least 0.8 were kept (5,211 of 11,802).",
        ),
        (
            [_INTER, _INTRA],
            "Segmentation was repeated: of 12 cases by a second reader and of 10 cases by the same reader. The "
            "inter-observer and intra-observer agreement of each feature was the intraclass correlation ICC(2,1) "
            "(two-way, absolute agreement, single measurement) between the two segmentations. Features with a value of "
            "at least 0.8 in both were kept (5,211 of 11,802; 5,500 by inter-observer agreement and 6,000 by "
            "intra-observer agreement).",
        ),
    ],
    ids=["inter", "intra", "both"],
)
def test_readings_are_told_and_no_copies(study: dict[str, Any], readings: list[dict[str, Any]], told: str) -> None:
    study["protocol"]["robustness"] = {"icc": "2,1"}
    study["robustness"]["repeated"] = readings
    assert texts_of(study)["robustness"] == told


def test_harmonisation(study: dict[str, Any]) -> None:
    study["protocol"]["harmonisation"] = {"mean_only": True}
    assert "harmonisation" not in texts_of(study)
    study["harmonisation"] = {"method": "ComBat"}
    assert texts_of(study)["harmonisation"] == "Features were harmonised between sites by ComBat (means only)."
    study["protocol"]["harmonisation"] = {"reference_site": "Hospital-B"}
    assert "with one site as the reference" in texts_of(study)["harmonisation"]


def test_whose_scale_habitats_have_at_the_second_time_point() -> None:
    settings = {"regions": ["habitats"], "sequences": ["CT", "T1W"]}
    roi = {"T1W": {"normalisation": {"scope": "roi"}}}
    compared = (
        "At week-6, both were z-scored by the mean and standard deviation of the same lesion at baseline, and "
        "entropy used the grey levels of baseline, so that a habitat was the same tissue at both time points."
    )
    own = "At each time point, both were z-scored over the lesion at that time, so that a habitat was relative to"
    for scale, text, other in (("baseline", compared, own), ("own", own, compared), (None, compared, own)):
        found = texts_of(bare(**settings, timepoints={"followup": "week-6", "habitat_scale": scale}))["habitats"]
        assert text in found
        assert other not in found
        assert "The superpixels of all training cases at baseline (a random sample" in found
    mixed = texts_of(bare(**settings, timepoints={"followup": "week-6"}, sequence_preprocessing=roi))["habitats"]
    assert "At week-6, both of CT were z-scored by the mean" in mixed
    assert "At each time point, both of T1W were z-scored over the lesion" in mixed
    single = texts_of(bare(**settings))["habitats"]
    assert "At each time point" not in single
    assert "of all training cases (a random sample" in single
