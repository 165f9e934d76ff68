"""The methods text says what was done with the right numbers, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.protocol import bundled_protocols, load_protocol
from HabitatRadiomicsLib.reporting.methods_text import methods_paragraphs


def _texts(study: dict[str, Any]) -> dict[str, str]:
    return {paragraph.anchor.removeprefix("methods-"): paragraph.text for paragraph in methods_paragraphs(study)}


def _all(study: dict[str, Any]) -> str:
    return " ".join(_texts(study).values())


def _bare(**protocol: Any) -> dict[str, Any]:
    """A study of which nothing but the settings is known."""
    return {"protocol": {"name": "bare", "title": "Bare", **protocol}}


def test_the_whole_study(study: dict[str, Any]) -> None:
    found = _texts(study)
    assert list(found) == [
        "images", "habitats", "features", "robustness", "selection", "model", "comparisons", "validation",
        "statistics", "software",
    ]  # fmt: skip
    assert "N4 (shrink factor 4; iterations 50, 50, 50 and 50)" in found["images"]
    assert "(mean and standard deviation of the whole image; times 100), in this order." in found["images"]
    assert "window of 9 × 9 voxels within the slice, cut to the lesion, with 32 equal grey levels" in found["habitats"]
    assert "into 30 superpixels" in found["habitats"]
    assert "2 in T1W and 2 in T2FS" in found["habitats"]
    assert (
        "1,967 features per region were computed by the engine built-in, by pyradiomics' definitions"
        in found["features"]
    )
    assert "bins of a fixed width of 25" in found["features"]
    assert "10 copies of each of 20 cases" in found["robustness"]
    assert "at least 0.8 were kept (5,211 of 11,802)" in found["robustness"]
    assert "p < 0.05" in found["selection"]
    assert "above 0.9" in found["selection"]
    assert "5-fold cross-validation within the training cases" in found["model"]
    assert "at most 10 features" in found["model"]
    assert "lesion volume alone and clinical variables alone (logistic regression)" in found["comparisons"]
    assert "5-fold cross-validation, stratified by outcome, repeated 5 times" in found["validation"]
    assert "So were the habitats and their number." in found["validation"]
    assert "(200 samples)" in found["validation"]
    assert "200 permutations" in found["validation"]
    assert "36 and 72 cases" in found["validation"]
    assert "All tests but the permutation test were two-sided." in found["statistics"]
    assert "Welch's t test, the Mann-Whitney U test, the chi-square test and the Fisher-Freeman" in found["statistics"]
    assert found["software"] == (
        "All steps were done with Habitat Radiomics 0.4.0 (Python 3.12.1, numpy 2.4.6 and scikit-learn 1.8.0). "
        "The random seed was 20240607."
    )


def test_a_study_with_nothing_but_settings_says_nothing_of_results() -> None:
    found = _texts(_bare(regions=["whole"]))
    assert list(found) == ["images", "features"]
    assert found["images"] == "Images were measured as they are."


#: What may appear in the text only when the step was done, and the change to the study that undoes the step.
_STEPS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "robustness": ({"robustness": None}, ("perturbed", "intraclass")),
    "calibration": ({"calibration": None}, ("alibration", "Brier")),
    "decision curve": ({"decision_curve": None}, ("net benefit", "ecision curve")),
    "permutation": ({"permutation": None}, ("permutation",)),
    "optimism": ({"optimism": None}, ("Harrell", "ptimism")),
    "learning curve": ({"learning_curve": None}, ("earning curve",)),
    "characteristics": ({"characteristics": []}, ("Characteristics", "Welch")),
    "habitat tests": ({"habitat_tests": []}, ("Wilcoxon",)),
    "learning": (
        {"model": None, "validation": None, "calibration": None, "learning_curve": None},
        ("LASSO", "Mann-Whitney U test, p <", "cross-valid", "rad-score", "Holm", "AUCs were"),
    ),
    "versions": ({"versions": {}}, ("Habitat Radiomics", "seed")),
}


@pytest.mark.parametrize("step", _STEPS)
def test_no_sentence_about_a_step_that_was_not_done(study: dict[str, Any], step: str) -> None:
    change, words = _STEPS[step]
    assert all(word in _all(study) for word in words)
    text = _all({**study, **change})
    assert [word for word in words if word in text] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"candidates": []}, "Discrimination"),
        ({"comparisons": []}, "Holm"),
        ({"comparisons": []}, "compared by DeLong's test, corrected in the same way"),
        ({"interval": "DeLong interval"}, "overlapping training sets (Nadeau and Bengio)"),
        ({"external": True}, "corrected in the same way"),
        ({"chosen": None}, "chosen by this rule"),
        ({"nested": False}, "learned anew"),
    ],
)
def test_validation_says_what_it_did(study: dict[str, Any], change: dict[str, Any], word: str) -> None:
    assert word in _all(study)
    study["validation"] |= change
    assert word not in _all(study)


def test_habitats_in_validation(study: dict[str, Any]) -> None:
    study["validation"]["frozen_habitats"] = True
    assert "fitted once on all cases, without their outcomes" in _texts(study)["validation"]
    study["validation"]["habitats_from_protocol"] = True
    assert "The habitats were those of the protocol" in _texts(study)["validation"]
    study["validation"] |= {"frozen_habitats": False, "nested": False, "habitats_from_protocol": False}
    assert "The habitats and their number were fitted anew in each fold." in _texts(study)["validation"]
    study["habitats"], study["validation"]["habitats_by_fold"] = {}, {}
    assert "abitats" not in _texts(study)["validation"]


def test_candidates_are_named_by_kind(study: dict[str, Any]) -> None:
    study["validation"]["candidates"] = study["validation"]["candidates"][:1]
    text = _texts(study)["comparisons"]
    assert "fitted for each of T1W whole." in text
    assert "fused" not in text
    assert "volume" not in text


def test_no_habitats_no_habitat_paragraph() -> None:
    assert "habitats" not in _texts(_bare(regions=["whole", "ring"]))
    for regions in (["habitats"], ["S2"], ["whole", "habitats"]):
        assert "Ward" in _texts(_bare(regions=regions))["habitats"]


def test_every_preprocessing_step_has_its_numbers() -> None:
    text = _texts(
        _bare(
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
        "nearest-neighbour interpolation), cut to intensities from −1000 to 400 and z-scored (mean and standard "
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
    found = _texts(_bare(**settings))
    assert "T1W and T2FS images were corrected for the bias field" in found["images"]
    assert "PET images were measured as they are." in found["images"]
    assert "Those of PET images were discretised in 64 bins." in found["features"]
    assert "N4" not in _texts(_bare(**{**settings, "sequences": ["PET"]}))["images"]


def test_entropy_of_another_definition() -> None:
    matlab = {"definition": "matlab", "levels": 256, "scope": "image", "window": 7}
    text = _texts(_bare(habitats={"entropy": matlab, "clip": None}))["habitats"]
    assert "entropyfilt does, in a window of 7 × 7 voxels" in text
    assert "clipped" not in text
    volume = {"dimensions": 3, "window": 5, "scope": "image", "levels": 64}
    text = _texts(_bare(habitats={"entropy": volume}))["habitats"]
    assert "window of 5 × 5 × 5 voxels, cut to the image, with 64 equal grey levels" in text


def test_filters_and_classes_that_are_off_are_not_named() -> None:
    images = {"wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
              "gradient": False, "lbp_2d": False, "log_sigmas": []}  # fmt: skip
    text = _texts(_bare(features={"images": images, "classes": ["firstorder", "glcm"], "force_2d": True}))["features"]
    assert "first-order statistics and GLCM. They were measured slice by slice on the original image." in text
    assert "wavelet" not in text
    text = _texts(_bare(features={"images": {**images, "original": False, "wavelet": "db2"}}))["features"]
    assert "on images derived from it (8 wavelet bands (db2))." in text
    text = _texts(_bare(features={"classes": ["shape"]}))["features"]
    assert "14 features per region" in text
    assert "bins" not in text


def test_filters_that_let_everything_through_are_not_named(study: dict[str, Any]) -> None:
    study["protocol"]["learning"] |= {"significance": 1, "maximum_correlation": 1}
    assert "Mann-Whitney" not in _texts(study)["selection"]
    assert "Pearson" not in _texts(study)["selection"]


def test_other_rules_of_learning(study: dict[str, Any]) -> None:
    assert "that with the lowest deviance in" in _texts(study)["model"]
    study["protocol"]["learning"] |= {"univariate_test": "by-normality", "penalty_rule": "one-standard-error"}
    assert "Welch's t test where both looked normal by Shapiro-Wilk" in _texts(study)["selection"]
    assert "the largest within one standard error of the lowest deviance" in _texts(study)["model"]


def test_the_features_with_the_smallest_p_go_on(study: dict[str, Any]) -> None:
    assert "went on" not in _texts(study)["selection"]
    study["protocol"]["learning"] |= {"univariate_test": "anova", "univariate_selection": 20}
    text = _texts(study)["selection"]
    assert (
        "(one-way analysis of variance, p < 0.05) were kept. Of these, at most 20 features, with the smallest" in text
    )
    assert text.index("went on.") < text.index("Pearson")
    study["protocol"]["learning"] |= {"univariate_selection": 1, "significance": 1}
    text = _texts(study)["selection"]
    assert "Of the others, at most 1 feature, with the smallest p values (one-way analysis of variance), went" in text


def test_a_search_is_told_instead_of_the_filters_and_the_lasso(study: dict[str, Any]) -> None:
    study["protocol"]["learning"] |= {
        "search": {"selectors": ["rfe", "anova"], "classifiers": ["lda", "knn"], "features": [3, 6]}
    }
    study["search"] = {"rows": []}
    found = _texts(study)
    assert "selection" not in found
    assert "8 combinations of a ranking of the features, a number of the best ranked (3 or 6)" in found["model"]
    assert "recursive elimination by a linear support vector machine or F of analysis of variance;" in found["model"]
    assert "linear discriminant analysis (shrunk covariance) or nearest neighbours (5)." in found["model"]
    assert "(ranking of features, scaling, classifier, choice of the score, cut-off)" in found["validation"]
    for word in ("LASSO", "scout", "by lot"):
        assert word not in _all(study)
    study["protocol"]["learning"] |= {"scouts": {"minimum_auc": 0.65}}
    study["protocol"]["learning"]["search"]["maximum_correlation"] = 0.98
    study["scouts"] = {"rows": []}
    found = _texts(study)
    assert "correlation above 0.98, one, drawn by lot, was dropped" in found["model"]
    assert "reached a mean AUC of 0.65 went on to a last search" in found["model"]
    assert "(scout models, ranking" in found["validation"]


def test_a_fusion_is_told(study: dict[str, Any]) -> None:
    study["protocol"] |= {"sequences": ["CT"], "regions": ["whole", "ring"], "population": {}}
    study["protocol"]["learning"] |= {"fusion": {"classifiers": ["svm", "mlp"], "deep_features": 4}}
    study["fusion"] = {"rows": []}
    study["validation"]["candidates"][0] |= {"kind": "fused", "name": "CT whole+ring"}
    found = _texts(study)
    assert "The rad-score of each region is" in found["model"]
    assert "The rad-scores of all regions were joined by a classifier (stacking): support vector" in found["model"]
    assert "Rad-scores of several regions were fused in CT whole+ring." in found["comparisons"]
    assert "LASSO with its penalty, the classifier that joins them, cut-off" in found["validation"]
    assert "deep feature" not in _all(study)
    study["protocol"] |= {"regions": ["whole", "patch"], "deep": {"network": "net", "patch": 64}}
    study["network"] = {"name": "net", "title": "A network", "sha256": "ab" * 32, "features": 16}
    found = _texts(study)
    assert "and at most 4 deep features, those with the smallest p" in found["model"]
    assert f"(net: A network; SHA-256 of its file {'ab' * 32})" in found["features"]
    assert "16 deep features of each sequence were the embedding" in found["features"]
    assert "a patch of 64 × 64 pixels" in found["features"]
    assert "it had not been trained on any of these images" in found["features"]
    assert "The network was used as it is." in _texts(_external(study))["features"]


def test_a_nomogram_is_told(study: dict[str, Any]) -> None:
    assert "nomogram" not in _all(study)
    settings = {"univariate_significance": 0.1, "multivariable_significance": 0.05, "factors": ["age", "stage"]}
    study["protocol"]["learning"] |= {"nomogram": settings}
    study["nomogram"] = {
        "fitted": True, "univariate": [{"test": "Welch's t test"}, {"test": None}, {"test": "Welch's t test"}],
        "calibration": {"samples": 987}, "hosmer_lemeshow": {"p": 0.4},
    }  # fmt: skip
    found = _texts(study)
    assert "The clinical variables age and stage were tested alone (Welch's t test)." in found["nomogram"]
    assert "Those with p < 0.1 entered" in found["nomogram"]
    assert "those with p < 0.05 there" in found["nomogram"]
    assert "Harrell's bootstrap (987 samples)" in found["nomogram"]
    assert "Hosmer-Lemeshow" in found["nomogram"]
    assert "clinical factors, nomogram, cut-off" in found["validation"]
    assert "chosen as the nomogram's" in found["comparisons"]
    assert "clinical variables alone (logistic regression)" not in found["comparisons"]
    assert "Platt scaling" in found["comparisons"]
    study["nomogram"] = {"fitted": False, "problem": "They separate."}
    study["validation"] |= {"no_clinical_model": True}
    study["validation"]["candidates"] = [r for r in study["validation"]["candidates"] if r["kind"] != "clinical"]
    found = _texts(study)
    assert "no nomogram could be fitted, and the rad-score stands alone" in found["nomogram"]
    assert "Hosmer-Lemeshow" not in found["nomogram"]
    assert "No clinical factor stayed in any fold" in found["comparisons"]


def test_shapley_values_are_told_by_the_kind_of_score(study: dict[str, Any]) -> None:
    assert "for a linear score the coefficient times the distance" in _texts(study)["model"]
    study["model"]["classifier"] = {"name": "svm", "inputs": ["rad-score CT whole"]}
    assert "every subset of the inputs was evaluated" in _texts(study)["model"]
    found = _texts(_external(study))
    assert "T1W+T2FS S2, a classifier (svm) of 1 input," in found["model"]


def test_a_frozen_nomogram_is_told(study: dict[str, Any]) -> None:
    study["model"]["features"].append({"name": "clinical:age", "coefficient": 1.0, "mean": 60.0, "sd": 10.0})
    text = _texts(_external(study))["model"]
    assert "that of the frozen nomogram T1W+T2FS S2: a linear combination of 4 features and clinical terms" in text


def test_time_points_rings_and_excluded_features() -> None:
    found = _texts(
        _bare(
            sequences=["CT"], timepoints={"followup": "week-6"}, regions=["whole", "ring"],
            ring_limits={"air_below": -300}, features={"excluded": ["glcm_MCC", "glcm_SumAverage"]},
        )
    )  # fmt: skip
    assert found["images"].startswith("Each patient had images at two time points (baseline and week-6).")
    assert "within 3 mm of it. From the ring were left out air (intensities below −300" in found["images"]
    assert "and other labels of the segmentation." in found["images"]
    assert "of each sequence at both time points, " in found["features"]
    assert "Left out of every image: glcm MCC and glcm SumAverage." in found["features"]
    assert "its value at week-6 minus its value at baseline" in found["features"]
    limits = {"air_below": None, "body": True, "other_labels": False}
    text = _texts(_bare(regions=["ring"], ring_limits=limits))["images"]
    assert "left out what lies outside the body (the largest connected part, by Otsu's threshold)." in text
    limits = {"air_below": None, "body": False, "other_labels": False}
    assert "left out" not in _texts(_bare(regions=["ring"], ring_limits=limits))["images"]


def test_deep_features_alone() -> None:
    found = _texts(_bare(regions=["patch"], deep={"network": "net"}))
    assert found["features"].startswith("Deep features of each sequence were the embedding")


def test_perturbations_that_are_off_are_not_named(study: dict[str, Any]) -> None:
    study["protocol"]["robustness"] = {"noise": 0, "rotation_degrees": 0, "translation": 0, "icc": "3,1", "copies": 1}
    text = _texts(study)["robustness"]
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
            "Lesions were outlined again: by a second reader those of 12 cases. The inter-observer agreement of each "
            "feature was the intraclass correlation ICC(2,1) (two-way, absolute agreement, single measurement) between "
            "the two readings. Features with a value of at least 0.8 were kept (5,211 of 11,802).",
        ),
        (
            [_INTRA],
            "Lesions were outlined again: by the same reader a second time those of 10 cases. The intra-observer "
            "agreement of each feature was the intraclass correlation ICC(2,1) (two-way, absolute agreement, single "
            "measurement) between the two readings. Features with a value of at least 0.8 were kept (5,211 of 11,802).",
        ),
        (
            [_INTER, _INTRA],
            "Lesions were outlined again: by a second reader those of 12 cases and by the same reader a second time "
            "those of 10 cases. The inter-observer and intra-observer agreement of each feature was the intraclass "
            "correlation ICC(2,1) (two-way, absolute agreement, single measurement) between the two readings. Features "
            "with a value of at least 0.8 in both were kept (5,211 of 11,802; 5,500 by inter-observer agreement and "
            "6,000 by intra-observer agreement).",
        ),
    ],
    ids=["inter", "intra", "both"],
)
def test_readings_are_told_and_no_copies(study: dict[str, Any], readings: list[dict[str, Any]], told: str) -> None:
    study["protocol"]["robustness"] = {"icc": "2,1"}
    study["robustness"]["repeated"] = readings
    assert _texts(study)["robustness"] == told


def test_harmonisation(study: dict[str, Any]) -> None:
    study["protocol"]["harmonisation"] = {"mean_only": True}
    assert "harmonisation" not in _texts(study)
    study["harmonisation"] = {"method": "ComBat"}
    assert _texts(study)["harmonisation"] == "Features were harmonised between sites by ComBat (means only)."
    study["protocol"]["harmonisation"] = {"reference_site": "Hospital-B"}
    assert "with one site as the reference" in _texts(study)["harmonisation"]


def _external(study: dict[str, Any]) -> dict[str, Any]:
    """A frozen model on other cases: nothing was learned."""
    learned = ("optimism", "permutation", "learning_curve", "selection_frequency", "robustness", "habitats")
    kept = {key: value for key, value in study.items() if key not in learned}
    row = study["validation"]["candidates"][0]
    return {**kept, "validation": {"external": True, "method": "The frozen model.", "candidates": [row]}}


def test_an_external_validation_learned_nothing(study: dict[str, Any]) -> None:
    found = _texts(_external(study))
    assert found["validation"] == "The model was applied, unchanged, to cases that had no part in its development."
    assert "that of the frozen model T1W+T2FS S2: a linear combination of 3 features" in found["model"]
    assert "own cut-off (−0.118)" in found["model"]
    for word in ("LASSO", "cross-valid", "Pearson", "Holm"):
        assert word not in _all(_external(study))


def test_external_cohorts(study: dict[str, Any]) -> None:
    study["external"] = [{"cohort": "Site B", "cases": 40, "events": 12, "auc": 0.7}]
    assert "applied, unchanged, to the cases of Site B." in _texts(study)["validation"]


@pytest.mark.parametrize("name", bundled_protocols())
def test_every_bundled_protocol_reads_well(name: str) -> None:
    for paragraph in methods_paragraphs({"protocol": load_protocol(name).document()}):
        assert paragraph.text.endswith(".")
        for flaw in ("  ", "None", "..", " ,", " .", "{", "()"):
            assert flaw not in paragraph.text, paragraph.text


def test_an_invalid_protocol_is_refused() -> None:
    with pytest.raises(ProtocolError, match="ring_mm"):
        methods_paragraphs(_bare(ring_mm=-1))


def test_whose_scale_habitats_have_at_the_second_time_point() -> None:
    settings = {"regions": ["habitats"], "sequences": ["CT", "T1W"]}
    roi = {"T1W": {"normalisation": {"scope": "roi"}}}
    compared = (
        "At week-6, both were z-scored with the mean and standard deviation of the same lesion at baseline, and the "
        "grey levels of the entropy were those of baseline, so that a habitat was the same tissue at both time points."
    )
    own = "At each time point, both were z-scored over the lesion as it was then, so that a habitat was relative to"
    for scale, text, other in (("baseline", compared, own), ("own", own, compared), (None, compared, own)):
        found = _texts(_bare(**settings, timepoints={"followup": "week-6", "habitat_scale": scale}))["habitats"]
        assert text in found
        assert other not in found
        assert "The superpixels of all training cases at baseline (of a random sample" in found
    mixed = _texts(_bare(**settings, timepoints={"followup": "week-6"}, sequence_preprocessing=roi))["habitats"]
    assert "At week-6, both of CT were z-scored with the mean" in mixed
    assert "At each time point, both of T1W were z-scored over the lesion" in mixed
    single = _texts(_bare(**settings))["habitats"]
    assert "At each time point" not in single
    assert "of all training cases (of a random sample" in single
