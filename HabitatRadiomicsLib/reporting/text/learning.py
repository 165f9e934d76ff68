"""Methods text: from the feature table to the numbers of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.reporting.text import strategies
from HabitatRadiomicsLib.reporting.text.wording import counted, decimals, listed, tests_of

_TESTS = {
    "mann-whitney": "two-sided Mann-Whitney U test",
    "by-normality": "two-sided; Welch's t test if both groups were normal by Shapiro-Wilk, else Mann-Whitney U test",
    "anova": "one-way analysis of variance",
}
_PENALTIES = {
    "minimum": "the one with the lowest deviance",
    "one-standard-error": "the largest within one standard error of the lowest deviance",
}
_KINDS = {
    "rad-score": "",
    "search": "",
    "fused": "",
    "volume": "lesion volume alone",
    "clinical": "clinical variables alone (logistic regression)",
}


def _learned(study: Mapping[str, Any]) -> bool:
    return bool(study.get("model") or (study.get("validation") or {}).get("candidates"))


def _external(study: Mapping[str, Any]) -> bool:
    """Whether the study applied a frozen model and learned nothing."""
    return bool((study.get("validation") or {}).get("external"))


def selection_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """The filters before the LASSO; nothing if a frozen model was applied, or if a search selected features."""
    if not _learned(study) or _external(study) or protocol.learning.search is not None:
        return []
    settings = protocol.learning
    sentences = ["Features without a value in some case, and those with the same value in all, were dropped."]
    if settings.significance < 1:
        sentences.append(
            f"Of the others, those that differed between the outcomes ({_TESTS[settings.univariate_test]}, p < "
            f"{settings.significance:g}) were kept."
        )
    if settings.univariate_selection is not None:
        pool, test = "these", ""
        if settings.significance == 1:
            pool, test = "the others", f" ({_TESTS[settings.univariate_test]})"
        count = counted(settings.univariate_selection, "feature")
        sentences.append(f"Of {pool}, at most {count}, those with the smallest p values{test}, were kept.")
    if settings.maximum_correlation < 1:
        sentences.append(
            f"Of two features with an absolute Pearson correlation above {settings.maximum_correlation:g}, the one "
            "with the larger p value was dropped."
        )
    return sentences


def model_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """LASSO or search, fusion, cut-off and explanation; or the frozen model that was applied."""
    if not _learned(study):
        return []
    if _external(study):
        return _frozen_model(study)
    settings = protocol.learning
    sentences = strategies.search_text(settings) or _lasso(settings)
    sentences += strategies.fusion_text(settings.fusion, deep=protocol.deep is not None, folds=settings.folds)
    cutoff = (study.get("model") or {}).get("cutoff") or {}
    if cutoff.get("rule"):
        sentences.append(f"Cut-off of the score: {cutoff['rule'].rstrip('.')}.")
    return [*sentences, *strategies.shapley_text(study)]


def _lasso(settings: LearningSettings) -> list[str]:
    of = " of each region" if settings.fusion is not None else ""
    return [
        "The remaining features, z-scored by mean and standard deviation of the training cases, entered a logistic "
        "regression with L1 penalty (LASSO).",
        f"The penalty was {_PENALTIES[settings.penalty_rule]} in a {settings.folds}-fold cross-validation within the "
        "training cases, with selection and scaling repeated in each fold, among the penalties that leave at most "
        f"{counted(settings.maximum_features, 'feature')}.",
        f"The rad-score{of} is the linear predictor of this regression.",
    ]


def _frozen_model(study: Mapping[str, Any]) -> list[str]:
    model = study.get("model") or {}
    reference = model.get("reference")
    cases = "the cases that the model was trained on"
    if reference is not None:
        cases = f"a reference cohort ({reference['description']}, {counted(reference['cases'], 'case')})"
    scaled = f"z-scored by mean and standard deviation of {cases}"
    features = model.get("features") or ()
    classifier = model.get("classifier")
    if classifier:
        kind = "score was that of the frozen model"
        parts = f", a classifier ({classifier['name']}) of {counted(len(classifier['inputs']), 'input')},"
    elif any(feature["name"].startswith(CLINICAL) for feature in features):
        kind = "score was that of the frozen nomogram"
        terms = counted(len(features), "feature and clinical term", "features and clinical terms")
        parts = f": a linear combination of {terms}, each"
    else:
        kind = "rad-score was that of the frozen model"
        parts = f": a linear combination of {counted(len(features), 'feature')}, each"
    sentences = [f"The {kind} {model['name']}{parts} {scaled}."] if classifier or features else []
    if (model.get("cutoff") or {}).get("value") is not None:
        sentences.append(f"The model's own cut-off ({decimals(model['cutoff']['value'], 3)}) was used.")
    return sentences


def comparisons_text(study: Mapping[str, Any]) -> list[str]:
    """The candidate scores, the scores for comparison, and how one was chosen."""
    validation = study.get("validation") or {}
    rows = validation.get("candidates") or []
    if _external(study):
        return _frozen_comparisons([str(row["kind"]) for row in rows[1:]])
    by_kind = {kind: [row["name"] for row in rows if row.get("kind") == kind] for kind in _KINDS}
    regions = [name for name in by_kind["fused"] if "+" in name.rpartition(" ")[2]]
    simple = ("volume",) if study.get("nomogram") else ("volume", "clinical")
    groups = {
        "A rad-score was fitted for each of": by_kind["rad-score"],
        "The search was done for each of": by_kind["search"],
        "Features of several sequences were fused in": [name for name in by_kind["fused"] if name not in regions],
        "Rad-scores of several regions were fused in": regions,
        "For comparison, cases were also scored by": [_KINDS[kind] for kind in simple if by_kind[kind]],
    }
    sentences = [f"{start} {listed(names)}." for start, names in groups.items() if names]
    sentences += strategies.clinical_comparison_text(study)
    if rule := (validation.get("chosen") or {}).get("rule"):
        sentences.append(f"The score of the final model was chosen by this rule: {rule.rstrip('.')}.")
    return sentences


def _frozen_comparisons(kinds: list[str]) -> list[str]:
    parts = {
        "rad-score alone": "its rad-score alone, without clinical factors",
        "clinical": "the clinical model that was fitted to the same training cases",
    }
    if named := [parts[kind] for kind in kinds if kind in parts]:
        return [f"The nomogram was compared with {listed(named)}."]
    if not kinds:
        return []
    return [f"The score was compared with the {'rad-scores' if len(kinds) > 1 else 'rad-score'} that it combines."]


def validation_text(study: Mapping[str, Any]) -> list[str]:
    """Folds, what is learned inside them, and the checks for chance and optimism."""
    sentences = []
    validation = study.get("validation") or {}
    if _external(study):
        sentences.append("The model was applied, unchanged, to cases that had no part in its development.")
    elif validation:
        times = validation["repeats"]
        repeats = "" if times == 1 else f" repeated {times} times with other folds,"
        sentences.append(
            f"Performance was estimated by {validation['folds']}-fold cross-validation, stratified by outcome,"
            f"{repeats} on the held-out cases of each fold."
        )
        if validation.get("nested"):
            steps = strategies.learned_anew(study)
            sentences.append(
                f"Every step that uses the outcome ({steps}) was repeated on the training cases of each fold."
            )
        if study.get("habitats") or validation.get("habitats_by_fold"):
            sentences.append(_habitats_in_validation(validation))
    if optimism := study.get("optimism"):
        samples = counted(optimism["count"], "sample")
        sentences.append(f"Optimism of the apparent AUC was estimated by Harrell's bootstrap ({samples}).")
    if permutation := study.get("permutation"):
        count = counted(permutation["count"], "permutation")
        sentences.append(f"The AUC was compared with those after {count} of the outcomes.")
    if curve := study.get("learning_curve"):
        sizes = listed(point["cases"] for point in curve)
        sentences.append(f"A learning curve was drawn from trainings on {sizes} cases.")
    if cohorts := study.get("external"):
        names = listed(row["cohort"] for row in cohorts)
        sentences.append(f"The frozen model was applied, unchanged, to the cases of {names}.")
    return sentences


def _habitats_in_validation(validation: Mapping[str, Any]) -> str:
    if validation.get("habitats_from_protocol"):
        return "The habitats were those of the protocol; nothing was fitted to these cases."
    if validation.get("frozen_habitats"):
        return "The habitats had been fitted once to all cases, without their outcomes."
    return "The habitats and their number were refitted in each fold."


def statistics_text(study: Mapping[str, Any]) -> list[str]:
    """Measures, intervals and tests that the report shows."""
    validation = study.get("validation") or {}
    sentences = []
    if rows := validation.get("candidates"):
        measures = {
            "auc": f"the area under the ROC curve (AUC; 95% interval: {validation.get('interval', 'DeLong interval')})",
            "auprc": "the area under the precision-recall curve",
            "sensitivity": "sensitivity",
            "specificity": "specificity",
            "accuracy": "accuracy",
            "ppv": "positive and negative predictive value",
            "f1": "F1",
        }
        shown = [text for key, text in measures.items() if any(row.get(key) is not None for row in rows)]
        sentences.append(f"Discrimination was measured by {listed(shown)}.")
    if validation.get("comparisons"):
        corrected = "" if validation.get("external") else ", corrected in the same way"
        sentences.append(f"AUCs were compared by DeLong's test{corrected}; p values were corrected by Holm's method.")
    if study.get("calibration"):
        sentences.append(
            "Calibration of the probabilities was measured by calibration slope, intercept, "
            "calibration-in-the-large and Brier score."
        )
    if (study.get("calibration") or {}).get("hosmer_lemeshow_statistic") is not None:
        sentences.append(
            "The Hosmer-Lemeshow test had as many degrees of freedom as groups, because nothing was fitted to these "
            "cases."
        )
    if study.get("decision_curve"):
        sentences.append("Clinical usefulness was assessed by net benefit in a decision curve analysis.")
    for key, subject in (
        ("characteristics", "Characteristics were compared between the outcomes"),
        ("habitat_tests", "Entropy and intensity were compared between habitats"),
    ):
        if tests := tests_of(study.get(key)):
            sentences.append(f"{subject} by {listed(_with_articles(tests))}.")
    if sentences:
        one_sided = " except the permutation test" if study.get("permutation") else ""
        sentences.append(f"All tests{one_sided} were two-sided.")
    return sentences


def _with_articles(tests: list[str]) -> list[str]:
    named = [test if "test" in test else f"{test} test" for test in tests]
    return [test if test.startswith(("Welch", "Fisher's")) else f"the {test}" for test in named]


def software_text(study: Mapping[str, Any]) -> list[str]:
    """Versions and seed."""
    versions = dict(study.get("versions") or {})
    if not versions:
        return []
    name = f"Habitat Radiomics {versions.pop('HabitatRadiomics', '')}".rstrip()
    others = listed(f"{package} {version}" for package, version in versions.items() if package != "engine")
    sentences = [f"All steps were done with {name}" + (f" ({others})." if others else ".")]
    if study.get("seed") is not None:
        sentences.append(f"The random seed was {study['seed']}.")
    return sentences
