"""What the report shows of search, scouts, fusion and nomogram, and their figures from the document's rows."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.document.sections import Fusion, Nomogram, Scouts, Search
from HabitatRadiomicsLib.reporting.study.figures import (
    input_correlation_of,
    odds_ratios_of,
    scouts_of,
    search_of,
)
from HabitatRadiomicsLib.reporting.study.report import study_html
from HabitatRadiomicsLib.reporting.text.summary import headline_row, summary_sentences


def _plain(study: dict[str, Any]) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", study_html(study, {}), flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(text))


def _section(study: dict[str, Any], name: str) -> str:
    found = re.search(rf'<section id="{name}">.*?</section>', study_html(study, {}), flags=re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", found.group())))


def _search() -> dict[str, Any]:
    rows = [
        {"candidate": name, "selector": selector, "classifier": "svm", "features": features, "auc": auc, "sd": 0.1,
         "chosen": "yes" if auc == 0.91 else "no"}
        for name in ("CT whole", "PET whole")
        for selector, features, auc in (("anova", 3, 0.7), ("anova", 6, 0.91), ("rfe", 3, 0.65), ("rfe", 6, 0.6))
    ]  # fmt: skip
    return {
        "candidate": "CT whole", "rows": rows, "folds": 5, "frequency": {"anova + svm": 4, "rfe + svm": 1},
        "selectors": {"anova": 4, "rfe": 1}, "classifiers": {"svm": 5},
    }  # fmt: skip


def _nomogram() -> dict[str, Any]:
    def ratio(model: str, term: str, p: float) -> dict[str, Any]:
        return {"model": model, "term": term, "what": term, "coefficient": 0.7, "standard_error": 0.2,
                "odds_ratio": 2.0138, "odds_ratio_low": 1.361, "odds_ratio_high": 2.98, "p": p}  # fmt: skip

    entered = "all factors that entered"
    return {
        "fitted": True, "problem": None, "folds": 5, "frequency": {"age": 4, "no nomogram": 1},
        "clinical_frequency": {"age": 3, "none": 2}, "intercept": -4.25,
        "univariate": [
            {"factor": "age", "kind": "numeric", "test": "Welch's t test", "statistic": -4.3, "p": 0.0002,
             "without": "55 ± 8", "with_outcome": "66 ± 10", "left_out": None},
            {"factor": "sex", "kind": "categorical", "test": None, "statistic": None, "p": None,
             "without": "f 3 (50%)", "with_outcome": "f 4 (50%)", "left_out": "its known values are too few"},
        ],
        "odds_ratios": [ratio(entered, "rad-score", 0.003), ratio(entered, "age", 0.01), ratio(entered, "stage", 0.4),
                        ratio("nomogram", "rad-score", 0.002), ratio("nomogram", "age", 0.01)],
        "left_out": [{"variable": "stage", "reason": "its p is 0.4 in the multivariable model"}],
        "calibration": {"predicted": [0.1, 0.9], "apparent": [0.1, 0.9], "corrected": [0.2, 0.8],
                        "mean_absolute_error": 0.0274, "quantile_90": 0.061, "samples": 94},
        "hosmer_lemeshow": {"statistic": 15.98, "degrees": 8, "p": 0.0427},
    }  # fmt: skip


def test_a_search_shows_the_chosen_scores_combinations_best_first_and_says_that_they_flatter(study: Any) -> None:
    study["search"] = _search()
    text = _section(study, "search")
    assert "These AUCs were used to choose the model and are therefore optimistic." in text
    assert "Over the 5 outer folds" in text
    assert "CT whole was made by anova + svm (4), rfe + svm (1)." in text
    assert "The choice changes from fold to fold" in text
    assert "anova svm 6 0.91 0.10 chosen anova svm 3 0.70 0.10 rfe svm 3 0.65" in text
    study["search"]["frequency"] = {"anova + svm": 5}
    assert "The choice changes" not in _section(study, "search")


def test_the_heat_map_has_the_best_number_of_features_of_the_chosen_candidate() -> None:
    figure = search_of(Search.model_validate(_search()))
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.91\n6 features", "0.65\n3 features"]
    assert len(figure.axes[0].patches) == 1


def test_scouts_are_shown(study: Any) -> None:
    row = {"candidate": "CT whole", "selector": "anova", "classifier": "svm", "features": 3, "sd": 0.1}
    study["scouts"] = {
        "candidate": "CT whole", "minimum_auc": 0.6,
        "rows": [{**row, "image": "original", "auc": 0.8, "passed": "yes"},
                 {**row, "image": "square", "auc": 0.5, "passed": "no"},
                 {**row, "candidate": "PET whole", "image": "exponential", "auc": 0.7, "passed": "yes"}],
    }  # fmt: skip
    text = _section(study, "scouts")
    assert "reached a mean AUC of 0.6" in text
    assert "CT whole square anova svm 3 0.50 0.10 no" in text
    figure = scouts_of(Scouts.model_validate(study["scouts"]))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["original", "square"]


def test_a_fusion_shows_its_inputs_in_words(study: Any) -> None:
    rows = [{"candidate": "CT whole+patch", "classifier": name, "auc": 0.8, "sd": 0.05, "chosen": chosen}
            for name, chosen in (("svm", "no"), ("lda", "yes"))]  # fmt: skip
    study["fusion"] = {
        "candidate": "CT whole+patch", "rows": rows, "folds": 5, "frequency": {"lda": 5},
        "inputs": ["rad-score CT whole", "CT_patch_original_deep_E003"], "correlation": [[1.0, -0.3], [-0.3, 1.0]],
    }  # fmt: skip
    text = _section(study, "fusion")
    assert "given 2 inputs: rad-score CT whole and deep E003 (CT patch, original)." in text
    assert "lda 0.80 0.05 chosen" in text
    figure = input_correlation_of(Fusion.model_validate(study["fusion"]))
    assert figure is not None
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["rad-score CT whole  [1]", "CT patch, original\ndeep E003  [2]"]
    assert "(Spearman)" in figure.axes[1].get_ylabel()
    study["fusion"]["correlation"] = [[None, None], [None, 1.0]]
    with pytest.raises(EvaluationError, match="does not vary"):
        input_correlation_of(Fusion.model_validate(study["fusion"]))
    study["fusion"] = {"candidate": None, "rows": [], "folds": 5, "frequency": {}}
    assert "Nothing was fused" in _section(study, "fusion")
    assert input_correlation_of(Fusion.model_validate(study["fusion"])) is None


def test_a_nomogram_shows_its_models_and_what_is_not_in_it(study: Any) -> None:
    study["nomogram"] = _nomogram()
    text = _section(study, "nomogram")
    for words in (
        "age 55 ± 8 66 ± 10 Welch's t test −4.30 <0.001 yes",
        "sex f 3 (50%) f 4 (50%) – – – no",
        "with all factors that entered rad-score 0.700 (0.200) 2.014 (1.361 to 2.98) 0.003",
        "stage its p is 0.4 in the multivariable model",
        "intercept −4.250",
        "corrected curve 0.027, 0.9 quantile 0.061 (94 bootstrap samples)",
        "χ² 15.98 with 8 degrees of freedom, p = 0.04",
        "clinical factors were age (4), no nomogram (1); those of the clinical model age (3), none (2).",
        "In folds without a nomogram the rad-score was used instead.",
    ):
        assert words in text, words
    figure = odds_ratios_of(Nomogram.model_validate(study["nomogram"]))
    assert figure is not None
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["all factors that entered", "rad-score", "age", "stage", "nomogram", "rad-score", "age"]


def test_where_all_factors_stay_one_model_is_shown(study: Any) -> None:
    study["nomogram"] = _nomogram()
    del study["nomogram"]["odds_ratios"][2]
    assert "with all factors that entered" not in _section(study, "nomogram")
    assert "nomogram: all factors that entered were kept" in _section(study, "nomogram")
    figure = odds_ratios_of(Nomogram.model_validate(study["nomogram"]))
    assert figure is not None
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["nomogram", "rad-score", "age"]
    study["nomogram"]["odds_ratios"][0]["odds_ratio_high"] = None
    with pytest.raises(EvaluationError, match="no finite interval"):
        odds_ratios_of(Nomogram.model_validate(study["nomogram"]))


def test_a_nomogram_without_a_clinical_factor_is_told(study: Any) -> None:
    study["nomogram"] = _nomogram()
    assert "No clinical factor was selected" not in _section(study, "nomogram")
    study["nomogram"]["odds_ratios"] = study["nomogram"]["odds_ratios"][::3]
    expected = "No clinical factor was selected: the nomogram consists of the rad-score alone."
    assert expected in _section(study, "nomogram")


def test_a_nomogram_that_could_not_be_fitted_is_told(study: Any) -> None:
    study["nomogram"] = {
        "fitted": False, "problem": "The rad-scores separate the outcomes.", "folds": 2,
        "frequency": {"no nomogram": 2}, "clinical_frequency": {"none": 2},
    }  # fmt: skip
    study["validation"]["no_clinical_model"] = True
    text = _section(study, "nomogram")
    assert "the final model is the rad-score alone. The rad-scores separate the outcomes." in text
    assert "there is no clinical model to compare with" in text
    assert odds_ratios_of(Nomogram.model_validate(study["nomogram"])) is None


def test_the_nomogram_is_the_headline_and_is_compared_with_what_it_is_made_of(study: Any) -> None:
    rows = study["validation"]["candidates"]
    rows[-1] |= {"name": "nomogram", "kind": "nomogram"}
    rows.append({**rows[-2], "name": "rad-score alone", "kind": "rad-score alone"})
    pair = study["validation"]["comparisons"][0]
    names = [row["name"] for row in rows]
    study["validation"]["comparisons"] = [
        {**pair, "first": first, "second": second} for i, first in enumerate(names) for second in names[i + 1 :]
    ]
    headline = headline_row(study)
    assert headline is not None
    assert headline["name"] == "nomogram"
    assert "the nomogram reached an AUC of" in summary_sentences(study)[0]
    text = _section(study, "performance")
    assert "clinical variables alone rad-score alone 0.15" in text
    assert "T1W whole T1W S1 0.15" not in text
    assert "comparisons of the nomogram, its rad-score alone and the clinical model" in text
    assert "nomogram nomogram 0.73" not in text  # its kind is not repeated


def test_a_study_of_a_lasso_has_none_of_these_sections(study: Any) -> None:
    report = study_html(study, {})
    for name in ("search", "scouts", "fusion", "nomogram"):
        assert f'id="{name}"' not in report
        assert f'href="#{name}"' not in report
    study["search"] = _search()
    assert '<a href="#search">Search</a>' in study_html(study, {})


def test_a_classifier_is_described_by_its_inputs_and_has_no_coefficients(study: Any) -> None:
    inputs = ["rad-score T1W S2", "T2FS_S2_wavelet-LLH_glcm_MCC"]
    study["model"]["classifier"] = {"name": "svm", "inputs": inputs}
    text = _section(study, "model")
    assert "classifier svm, with the inputs rad-score T1W S2 and glcm MCC (T2FS S2, wavelet-LLH)." in text
    assert "a rad-score is a linear combination" in text
    assert "what it measures mean SD" in text
    study["model"]["classifier"]["inputs"] = inputs[1:]
    assert "a rad-score is a linear combination" not in _section(study, "model")
