"""The study report: self-contained, sober, complete, and without any patient."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from HabitatRadiomicsLib.reporting.checklists.answers import Answer
from HabitatRadiomicsLib.reporting.checklists.assessment import assess
from HabitatRadiomicsLib.reporting.checklists.evidence import StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import load_checklists
from HabitatRadiomicsLib.reporting.figures.drawing import new_figure, png_bytes
from HabitatRadiomicsLib.reporting.study.report import study_html
from HabitatRadiomicsLib.reporting.text.summary import headline_row, summary_sentences

_FIGURES = (
    "roc", "precision-recall", "calibration", "decision-curve", "lasso-path", "lasso-deviance", "habitat-count-T1W",
    "habitat-count-T2FS", "habitat-boxplots", "waterfall", "shap-bar", "beeswarm", "correlation", "clusters",
    "selection-frequency", "comparison", "learning-curve", "permutation", "flow",
)  # fmt: skip
_OPTIONAL = (
    "flow", "characteristics", "sample_size", "validation", "calibration", "decision_curve", "permutation", "optimism",
    "learning_curve", "selection_frequency", "robustness", "harmonisation", "habitats", "habitat_tests", "model",
    "external", "problems", "warnings", "seed", "inputs", "versions", "engine",
)  # fmt: skip


def _picture() -> bytes:
    return png_bytes(new_figure(1, 1))


def _report(study: dict[str, Any], names: tuple[str, ...] = _FIGURES, answers: dict[str, Answer] | None = None) -> str:
    record = StudyRecord.of(study, names)
    checklists = [assess(checklist, record, answers or {}) for checklist in load_checklists()]
    return study_html(study, dict.fromkeys(names, _picture()), checklists)


def _plain(report: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", report, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(text))


def _anchors_resolve(report: str) -> None:
    identifiers = re.findall(r'\bid="([^"]+)"', report)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'href="#([^"]+)"', report)) <= set(identifiers)


def test_report_refers_to_nothing_outside(study: dict[str, Any]) -> None:
    report = _report(study)
    for source in re.findall(r'(?:src|href)="([^"]*)"', report):
        assert source.startswith(("#", "data:image/png;base64,")), source
    assert not re.search(r"https?://|@import|url\(|<script|<link", report)


def test_evidence_is_linked_to_a_place_in_the_report(study: dict[str, Any]) -> None:
    report = _report(study)
    _anchors_resolve(report)
    assert '<a href="#calibration">slope and intercept</a>' in report
    assert len(re.findall(r'<td><a href="#', report)) > 40


@pytest.mark.parametrize("key", _OPTIONAL)
@pytest.mark.parametrize("gone", [True, False], ids=["absent", "null"])
def test_any_part_may_be_absent(study: dict[str, Any], key: str, gone: bool) -> None:
    study[key] = None
    if gone:
        del study[key]
    _anchors_resolve(_report(study, ()))


def test_a_study_with_nothing_but_its_title_is_reported_with_nothing_invented(study: dict[str, Any]) -> None:
    kept = ("format_version", "title", "endpoint", "notice", "protocol")
    report = _report({key: study[key] for key in kept}, ())
    _anchors_resolve(report)
    text = _plain(report)
    for sentence in (
        "holds no performance of the final model",
        "No score was validated.",
        "There is no calibration",
        "There is no decision curve",
        "The score was not explained.",
        "No final model was made.",
        "its performance elsewhere is unknown",
    ):
        assert sentence in text
    assert "AUC of" not in text


def test_every_figure_is_embedded_once_and_numbered(study: dict[str, Any]) -> None:
    report = _report(study)
    assert report.count("data:image/png;base64,") == len(_FIGURES)
    numbers = [int(number) for number in re.findall(r"<b>Figure (\d+)\.</b>", report)]
    assert numbers == list(range(1, len(_FIGURES) + 1))
    tables = [int(number) for number in re.findall(r"<b>Table (\d+)\.</b>", report)]
    assert tables == list(range(1, len(tables) + 1))
    assert "<b>Table 1.</b> Characteristics" in report
    assert "data:image" not in _report(study, ())


def test_numbers_of_the_study_are_shown(study: dict[str, Any]) -> None:
    text = _plain(_report(study))
    for words in (
        "97 cases in the tables; 5 left out (no T2FS image), 2 left out (lesion too small); 90 analysed: 38 T790M-pos",
        "right in 58% (no-information rate)",
        "T1W+T2FS S2 (19), T2FS S2 (6)",
        "chosen score volume alone 0.15 (0.01 to 0.29) 2.10 0.04 0.07",
        "calibration slope 0.83 0.41 to 1.31",
        "Cut-off: −0.118",
        "sensitivity of 69% and a specificity of 76%; on the training cases themselves 84% and 81%",
        "Apparent AUC 0.86, optimism 0.12, corrected 0.74 (200 bootstrap samples)",
        "p = 0.005 (200 permutations)",
        "2 habitats in 20 folds, 3 habitats in 5 folds",
        "5,211 of 11,802 features",
        "rejected: habitat S6",
        "SHA-256",
        "maximum_correlation: 0.9",
    ):
        assert words in text, words


def test_the_notice_and_the_attributions_are_there(study: dict[str, Any]) -> None:
    text = _plain(_report(study))
    assert study["notice"] in text
    for doi in ("10.1186/s13244-023-01572-w", "10.1186/s13244-023-01415-8", "10.1136/bmj-2023-078378"):
        assert f"doi {doi}. CC BY 4.0" in text


def test_no_case_is_named(study: dict[str, Any]) -> None:
    report = _report(study)
    assert "Patient-0" not in report
    assert "could identify a case: hospital number (identifier). Models of clinical variables leave" in _plain(report)


def test_texts_are_escaped(study: dict[str, Any]) -> None:
    study["title"] = "<script>alert(1)</script> & co"
    study["warnings"] = ["<img src=x>"]
    report = _report(study, (), {"ethics": Answer("yes", "<b>page</b>")})
    assert "<script" not in report
    assert "<img src=x>" not in report
    assert "<b>page</b>" not in report


def test_same_study_same_bytes(study: dict[str, Any]) -> None:
    assert _report(study) == _report(study)


def test_metrics_score_says_what_is_unanswered(study: dict[str, Any]) -> None:
    text = _plain(_report(study))
    assert re.search(
        r"METRICS score \d+\.\d% \((very low|low|moderate|good|excellent)\) , with 17 unanswered items", text
    )
    assert "at most 92.4% when all of them are met" in text
    assert "answer ethics" in text
    text = _plain(_report(study, answers={"ethics": Answer("yes", "Methods, page 4")}))
    assert "✓ met the user says yes: Methods, page 4" in text
    assert "answer ethics " not in text


def test_report_without_checklists(study: dict[str, Any]) -> None:
    assert "No checklist was filled in." in study_html(study, {})


def test_the_strategy_speaks_for_the_model(study: dict[str, Any]) -> None:
    """The score that was chosen in the end was picked for being high; the nested row was not."""
    row = headline_row(study)
    assert row is not None
    assert row["name"] == "chosen score"
    study["validation"]["candidates"].pop()
    row = headline_row(study)
    assert row is not None
    assert row["name"] == "T1W+T2FS S2"
    study["validation"]["chosen"] = None
    assert headline_row(study) is None


def _with_interval(study: dict[str, Any], low: float, high: float) -> str:
    study["validation"]["candidates"][-1] |= {"auc_low": low, "auc_high": high}
    return " ".join(summary_sentences(study))


@pytest.mark.parametrize(("low", "high"), [(0.45, 0.71), (0.5, 0.9), (0.3, 0.5)])
def test_an_interval_that_includes_a_half_is_said_soberly(study: dict[str, Any], low: float, high: float) -> None:
    assert "includes 0.5: these cases do not show" in _with_interval(study, low, high)


def test_intervals_on_either_side_of_a_half(study: dict[str, Any]) -> None:
    above = _with_interval(study, 0.61, 0.84)
    assert above == (
        "In cross-validation of 90 cases, 38 of them T790M-positive, the score reached an AUC of 0.73 (95% interval "
        "0.61 to 0.84) on held-out cases."
    )
    assert "does worse than chance" in _with_interval(study, 0.2, 0.45)


def test_external_cohorts_are_reported_and_judged(study: dict[str, Any]) -> None:
    study["external"] = [
        {"cohort": "Site B", "cases": 40, "events": 12, "auc": 0.55, "auc_low": 0.38, "auc_high": 0.72},
        {"cohort": "Site C", "cases": 1, "events": 1, "auc": 0.7},
    ]
    text = _plain(_report(study))
    assert "In the cohort Site B (40 cases, 12 with the outcome) the AUC was 0.55 (95% interval 0.38 to 0.72)." in text
    assert "The interval in Site B includes 0.5" in text
    assert "(1 case, 1 with the outcome) the AUC was 0.70." in text


def test_report_of_an_external_validation(study: dict[str, Any]) -> None:
    """A frozen model on other cases: the document has no folds, no choice and no stability."""
    row = {**study["validation"]["candidates"][0], "auc": 0.55, "auc_low": 0.41, "auc_high": 0.69}
    del row["empty_folds"]
    for key in ("optimism", "permutation", "learning_curve", "selection_frequency", "habitats", "sample_size"):
        del study[key]
    study["validation"] = {"external": True, "method": "The frozen model.", "candidates": [row]}
    report = _report(study, ("roc", "calibration", "decision-curve", "waterfall"))
    _anchors_resolve(report)
    text = _plain(report)
    assert "Report of an external validation" in text
    assert "In an external cohort of 90 cases, 38 of them T790M-positive, the score reached an AUC of 0.55" in text
    assert "includes 0.5" in text
    assert "not applied to an external cohort" not in text
    assert "Empty folds" not in text


def test_a_feature_that_is_none_of_the_catalogue_is_shown_as_it_is(study: dict[str, Any]) -> None:
    study["model"]["features"].append({"name": "age (years)", "coefficient": 0.1, "mean": 60.0, "sd": 9.0})
    assert "<code>age (years)</code>" in _report(study)


def test_long_lists_of_frequencies_are_cut_and_say_so(study: dict[str, Any]) -> None:
    study["selection_frequency"] = [
        {"feature": f"T1W_S{number}_original_glcm_Contrast", "folds": 0.1, "bootstraps": number / 30, "in_model": False}
        for number in range(1, 31)
    ]
    text = _plain(_report(study))
    assert "the first 20 of 30" in text
    assert "T1W S30, original" in text
    assert "T1W S10, original" not in text


def test_a_confusion_matrix_is_shown_when_there_is_one(study: dict[str, Any]) -> None:
    assert "Confusion" not in _report(study)
    study["validation"]["candidates"][-1]["confusion"] = {"tp": 26, "fn": 12, "fp": 13, "tn": 39}
    assert "26 true positive, 12 false negative, 13 false positive, 39 true negative" in _plain(_report(study))


def test_a_comparison_that_was_not_tested_says_why(study: dict[str, Any]) -> None:
    study["validation"]["comparisons"][0] |= {
        "low": None, "high": None, "z": None, "p": None, "p_holm": None,
        "untested": "volume alone gives all cases the same score",
    }  # fmt: skip
    report = _plain(_report(study))
    assert "chosen score volume alone 0.15 – – volume alone gives all cases the same score –" in report
    assert "nan" not in report.lower().split()


def test_of_many_comparisons_those_of_the_headline_are_shown_and_the_others_named(study: dict[str, Any]) -> None:
    row = study["validation"]["comparisons"][0]
    pairs = [{**row, "first": "T1W S1", "second": f"T2FS S{number}"} for number in range(20)]
    study["validation"]["comparisons"] += pairs
    study["validation"]["only_in_some_folds"] = ["T1W S4"]
    report = _plain(_report(study))
    assert "T2FS S19" not in report
    assert "Shown are the 3 comparisons of the chosen score; all 23 pairs" in report
    assert "further scores were candidates there (T1W S4)" in report
