"""The methods text says what was done with the right numbers, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.protocol import bundled_protocols, load_protocol
from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs

from .methods_texts import all_of, bare, texts_of


def test_the_whole_study(study: dict[str, Any]) -> None:
    found = texts_of(study)
    assert list(found) == [
        "images", "habitats", "features", "robustness", "selection", "model", "comparisons", "validation",
        "statistics", "software",
    ]  # fmt: skip
    assert "N4 (shrink factor 4; iterations 50, 50, 50 and 50)" in found["images"]
    assert "(mean and standard deviation of the whole image; multiplied by 100), in this order." in found["images"]
    assert "9 × 9 voxels within the slice, limited to the lesion, with 32 equal grey levels" in found["habitats"]
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
    assert "The habitats and their number were refitted in each fold." in found["validation"]
    assert "(200 samples)" in found["validation"]
    assert "200 permutations" in found["validation"]
    assert "36 and 72 cases" in found["validation"]
    assert "All tests except the permutation test were two-sided." in found["statistics"]
    assert "Welch's t test, the Mann-Whitney U test, the chi-square test and the Fisher-Freeman" in found["statistics"]
    assert found["software"] == (
        "All steps were done with Habitat Radiomics 0.4.0 (Python 3.12.1, numpy 2.4.6 and scikit-learn 1.8.0). "
        "The random seed was 20240607."
    )


def test_a_study_with_nothing_but_settings_says_nothing_of_results() -> None:
    found = texts_of(bare(regions=["whole"]))
    assert list(found) == ["images", "features"]
    assert found["images"] == "Images were not preprocessed."


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
    assert all(word in all_of(study) for word in words)
    text = all_of({**study, **change})
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
        ({"nested": False}, "Every step that uses the outcome"),
    ],
)
def test_validation_says_what_it_did(study: dict[str, Any], change: dict[str, Any], word: str) -> None:
    assert word in all_of(study)
    study["validation"] |= change
    assert word not in all_of(study)


def test_habitats_in_validation(study: dict[str, Any]) -> None:
    study["validation"]["frozen_habitats"] = True
    assert "fitted once to all cases, without their outcomes" in texts_of(study)["validation"]
    study["validation"]["habitats_from_protocol"] = True
    assert "The habitats were those of the protocol" in texts_of(study)["validation"]
    study["validation"] |= {"frozen_habitats": False, "nested": False, "habitats_from_protocol": False}
    assert "The habitats and their number were refitted in each fold." in texts_of(study)["validation"]
    study["habitats"], study["validation"]["habitats_by_fold"] = {}, {}
    assert "abitats" not in texts_of(study)["validation"]


def test_candidates_are_named_by_kind(study: dict[str, Any]) -> None:
    study["validation"]["candidates"] = study["validation"]["candidates"][:1]
    text = texts_of(study)["comparisons"]
    assert "fitted for each of T1W whole." in text
    assert "fused" not in text
    assert "volume" not in text


def test_other_rules_of_learning(study: dict[str, Any]) -> None:
    assert "the one with the lowest deviance in" in texts_of(study)["model"]
    study["protocol"]["learning"] |= {"univariate_test": "by-normality", "penalty_rule": "one-standard-error"}
    assert "Welch's t test if both groups were normal by Shapiro-Wilk" in texts_of(study)["selection"]
    assert "the largest within one standard error of the lowest deviance" in texts_of(study)["model"]


def test_the_features_with_the_smallest_p_go_on(study: dict[str, Any]) -> None:
    assert "smallest p values" not in texts_of(study)["selection"]
    study["protocol"]["learning"] |= {"univariate_test": "anova", "univariate_selection": 20}
    text = texts_of(study)["selection"]
    assert "(one-way analysis of variance, p < 0.05) were kept. Of these, at most 20 features, those with the" in text
    assert text.index("smallest p values, were kept.") < text.index("Pearson")
    study["protocol"]["learning"] |= {"univariate_selection": 1, "significance": 1}
    text = texts_of(study)["selection"]
    assert (
        "Of the others, at most 1 feature, those with the smallest p values (one-way analysis of variance), were"
        in text
    )


def test_a_search_is_told_instead_of_the_filters_and_the_lasso(study: dict[str, Any]) -> None:
    study["protocol"]["learning"] |= {
        "search": {"selectors": ["rfe", "anova"], "classifiers": ["lda", "knn"], "features": [3, 6]}
    }
    study["search"] = {"rows": []}
    found = texts_of(study)
    assert "selection" not in found
    assert (
        "8 combinations of a ranking of the features, a number of the best ranked features (3 or 6)" in found["model"]
    )
    assert "recursive elimination by a linear support vector machine or F of analysis of variance;" in found["model"]
    assert "linear discriminant analysis (shrunk covariance) or nearest neighbours (5)." in found["model"]
    assert "(ranking of features, scaling, classifier, choice of the score, cut-off)" in found["validation"]
    for word in ("LASSO", "scout", "by lot"):
        assert word not in all_of(study)
    study["protocol"]["learning"] |= {"scouts": {"minimum_auc": 0.65}}
    study["protocol"]["learning"]["search"]["maximum_correlation"] = 0.98
    study["scouts"] = {"rows": []}
    found = texts_of(study)
    assert "correlation above 0.98, one, chosen at random, was dropped" in found["model"]
    assert "reached a mean AUC of 0.65 entered a final search" in found["model"]
    assert "(scout models, ranking" in found["validation"]


def test_a_fusion_is_told(study: dict[str, Any]) -> None:
    study["protocol"] |= {"sequences": ["CT"], "regions": ["whole", "ring"], "population": {}}
    study["protocol"]["learning"] |= {"fusion": {"classifiers": ["svm", "mlp"], "deep_features": 4}}
    study["fusion"] = {"rows": []}
    study["validation"]["candidates"][0] |= {"kind": "fused", "name": "CT whole+ring"}
    found = texts_of(study)
    assert "The rad-score of each region is" in found["model"]
    assert "The rad-scores of all regions were combined by a classifier (stacking): support vector" in found["model"]
    assert "Rad-scores of several regions were fused in CT whole+ring." in found["comparisons"]
    assert "LASSO with its penalty, the classifier that combines the rad-scores, cut-off" in found["validation"]
    assert "deep feature" not in all_of(study)
    study["protocol"] |= {"regions": ["whole", "patch"], "deep": {"network": "net", "patch": 64}}
    study["network"] = {"name": "net", "title": "A network", "sha256": "ab" * 32, "features": 16}
    found = texts_of(study)
    assert "and at most 4 deep features (those with the smallest p values" in found["model"]
    assert f"(net: A network; SHA-256 of its file {'ab' * 32})" in found["features"]
    assert "16 deep features of each sequence were the embedding" in found["features"]
    assert "a patch of 64 × 64 pixels" in found["features"]
    assert "it had not been trained on any of these images" in found["features"]
    assert "The network was not trained further." in texts_of(_external(study))["features"]


def test_a_nomogram_is_told(study: dict[str, Any]) -> None:
    assert "nomogram" not in all_of(study)
    settings = {"univariate_significance": 0.1, "multivariable_significance": 0.05, "factors": ["age", "stage"]}
    study["protocol"]["learning"] |= {"nomogram": settings}
    study["nomogram"] = {
        "fitted": True, "univariate": [{"test": "Welch's t test"}, {"test": None}, {"test": "Welch's t test"}],
        "calibration": {"samples": 987}, "hosmer_lemeshow": {"p": 0.4},
    }  # fmt: skip
    found = texts_of(study)
    assert "The clinical variables age and stage were tested individually (Welch's t test)." in found["nomogram"]
    assert "Those with p < 0.1 entered" in found["nomogram"]
    assert "those with p < 0.05 in this regression" in found["nomogram"]
    assert "Harrell's bootstrap (987 samples)" in found["nomogram"]
    assert "Hosmer-Lemeshow" in found["nomogram"]
    assert "clinical factors, nomogram, cut-off" in found["validation"]
    assert "selected in the same way" in found["comparisons"]
    assert "clinical variables alone (logistic regression)" not in found["comparisons"]
    assert "Platt scaling" in found["comparisons"]
    study["nomogram"] = {"fitted": False, "problem": "They separate."}
    study["validation"] |= {"no_clinical_model": True}
    study["validation"]["candidates"] = [r for r in study["validation"]["candidates"] if r["kind"] != "clinical"]
    found = texts_of(study)
    assert "No nomogram could be fitted to these cases; the final model is the rad-score alone" in found["nomogram"]
    assert "Hosmer-Lemeshow" not in found["nomogram"]
    assert "No clinical factor was kept in any fold" in found["comparisons"]


def test_shapley_values_are_told_by_the_kind_of_score(study: dict[str, Any]) -> None:
    assert "for a linear score the coefficient times the distance" in texts_of(study)["model"]
    study["model"]["classifier"] = {"name": "svm", "inputs": ["rad-score CT whole"]}
    assert "evaluating every subset of the inputs" in texts_of(study)["model"]
    found = texts_of(_external(study))
    assert "T1W+T2FS S2, a classifier (svm) of 1 input," in found["model"]


def test_a_frozen_nomogram_is_told(study: dict[str, Any]) -> None:
    study["model"]["features"].append({"name": "clinical:age", "coefficient": 1.0, "mean": 60.0, "sd": 10.0})
    text = texts_of(_external(study))["model"]
    assert "that of the frozen nomogram T1W+T2FS S2: a linear combination of 4 features and clinical terms" in text


def _external(study: dict[str, Any]) -> dict[str, Any]:
    """A frozen model on other cases: nothing was learned."""
    learned = ("optimism", "permutation", "learning_curve", "selection_frequency", "robustness", "habitats")
    kept = {key: value for key, value in study.items() if key not in learned}
    row = study["validation"]["candidates"][0]
    return {**kept, "validation": {"external": True, "method": "The frozen model.", "candidates": [row]}}


def test_an_external_validation_learned_nothing(study: dict[str, Any]) -> None:
    found = texts_of(_external(study))
    assert found["validation"] == "The model was applied, unchanged, to cases that had no part in its development."
    assert "that of the frozen model T1W+T2FS S2: a linear combination of 3 features" in found["model"]
    assert "own cut-off (−0.118)" in found["model"]
    for word in ("LASSO", "cross-valid", "Pearson", "Holm"):
        assert word not in all_of(_external(study))


def test_external_cohorts(study: dict[str, Any]) -> None:
    study["external"] = [{"cohort": "Site B", "cases": 40, "events": 12, "auc": 0.7}]
    assert "applied, unchanged, to the cases of Site B." in texts_of(study)["validation"]


@pytest.mark.parametrize("name", bundled_protocols())
def test_every_bundled_protocol_reads_well(name: str) -> None:
    for paragraph in methods_paragraphs({"protocol": load_protocol(name).document()}):
        assert paragraph.text.endswith(".")
        for flaw in ("  ", "None", "..", " ,", " .", "{", "()"):
            assert flaw not in paragraph.text, paragraph.text


def test_an_invalid_protocol_is_refused() -> None:
    with pytest.raises(ProtocolError, match="ring_mm"):
        methods_paragraphs(bare(ring_mm=-1))
