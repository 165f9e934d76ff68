"""Methods text from the feature table to the numbers of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.reporting.text.strategies import (
    clinical_comparison_text,
    fusion_text,
    learned_anew,
    search_text,
    shapley_text,
)
from HabitatRadiomicsLib.reporting.text.wording import counted, decimals, listed

_TESTS = {
    "mann-whitney": "two-sided Mann-Whitney U test",
    "by-normality": "two-sided; Welch's t test where both looked normal by Shapiro-Wilk, else Mann-Whitney U test",
    "anova": "one-way analysis of variance",
}
_PENALTIES = {
    "minimum": "that with the lowest deviance",
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
    """The filters before the LASSO; nothing where a frozen model was applied, or where a search did all."""
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
        those, test = ("these", "") if settings.significance < 1 else ("the others", _TESTS[settings.univariate_test])
        sentences.append(
            f"Of {those}, at most {counted(settings.univariate_selection, 'feature')}, with the smallest p values"
            f"{f' ({test})' if test else ''}, went on."
        )
    if settings.maximum_correlation < 1:
        sentences.append(
            f"Of two features with an absolute Pearson correlation above {settings.maximum_correlation:g}, the one "
            "with the larger p value was dropped."
        )
    return sentences


def model_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """LASSO or search, what joins the scores, and cut-off; or the frozen model that was applied."""
    if not _learned(study):
        return []
    if _external(study):
        return _frozen_model(study)
    settings = protocol.learning
    sentences = search_text(settings) or _lasso(settings)
    sentences += fusion_text(settings.fusion, deep=protocol.deep is not None, folds=settings.folds)
    cutoff = (study.get("model") or {}).get("cutoff") or {}
    if cutoff.get("rule"):
        sentences.append(f"Cut-off of the score: {cutoff['rule'].rstrip('.')}.")
    return [*sentences, *shapley_text(study)]


def _lasso(settings: LearningSettings) -> list[str]:
    several = settings.fusion is not None
    return [
        "The remaining features, z-scored by mean and standard deviation of the training cases, entered a logistic "
        "regression with L1 penalty (LASSO).",
        f"The penalty was {_PENALTIES[settings.penalty_rule]} in a {settings.folds}-fold cross-validation within the "
        "training cases, with selection and scaling repeated in each fold, among those that leave at most "
        f"{counted(settings.maximum_features, 'feature')}.",
        f"The rad-score{' of each region' if several else ''} is the linear predictor of this regression.",
    ]


def _frozen_model(study: Mapping[str, Any]) -> list[str]:
    model = study.get("model") or {}
    reference = model.get("reference")
    cases = "the cases that the model was trained on"
    if reference is not None:
        cases = f"a reference cohort ({reference['description']}, {counted(reference['cases'], 'case')})"
    scaled = f"z-scored by mean and standard deviation of {cases}"
    sentences = []
    if model.get("classifier"):
        sentences.append(
            f"The score was that of the frozen model {model['name']}, a classifier ({model['classifier']['name']}) of "
            f"{counted(len(model['classifier']['inputs']), 'input')}, {scaled}."
        )
    elif any(feature["name"].startswith(CLINICAL) for feature in model.get("features") or ()):
        sentences.append(
            f"The score was that of the frozen nomogram {model['name']}: a linear combination of "
            f"{counted(len(model['features']), 'feature and clinical term', 'features and clinical terms')}, each "
            f"{scaled}."
        )
    elif model.get("features"):
        sentences.append(
            f"The rad-score was that of the frozen model {model['name']}: a linear combination of "
            f"{counted(len(model['features']), 'feature')}, each {scaled}."
        )
    if (model.get("cutoff") or {}).get("value") is not None:
        sentences.append(f"The model's own cut-off ({decimals(model['cutoff']['value'], 3)}) was used.")
    return sentences


def comparisons_text(study: Mapping[str, Any]) -> list[str]:
    """The candidate scores, what they were compared with, and how one was chosen."""
    validation = study.get("validation") or {}
    rows = validation.get("candidates") or []
    if _external(study):
        return _compared_text([str(row["kind"]) for row in rows[1:]])
    by_kind = {kind: [row["name"] for row in rows if row.get("kind") == kind] for kind in _KINDS}
    sentences = []
    if by_kind["rad-score"]:
        sentences.append(f"A rad-score was fitted for each of {listed(by_kind['rad-score'])}.")
    if by_kind["search"]:
        sentences.append(f"The search was done for each of {listed(by_kind['search'])}.")
    regions = [name for name in by_kind["fused"] if "+" in name.rpartition(" ")[2]]
    sequences = [name for name in by_kind["fused"] if name not in regions]
    if sequences:
        sentences.append(f"Features of several sequences were fused in {listed(sequences)}.")
    if regions:
        sentences.append(f"Rad-scores of several regions were fused in {listed(regions)}.")
    simple = ("volume",) if study.get("nomogram") else ("volume", "clinical")
    baselines = [_KINDS[kind] for kind in simple if by_kind[kind]]
    if baselines:
        sentences.append(f"For comparison, cases were also scored by {listed(baselines)}.")
    sentences += clinical_comparison_text(study)
    if rule := (validation.get("chosen") or {}).get("rule"):
        sentences.append(f"The score of the final model was chosen by this rule: {rule.rstrip('.')}.")
    return sentences


def _compared_text(kinds: list[str]) -> list[str]:
    """What a frozen model was compared with."""
    found = {
        "rad-score alone": "the rad-score that it is made of, without clinical factors",
        "clinical": "the model of clinical factors alone that its training cases gave",
    }
    named = [found[kind] for kind in kinds if kind in found]
    if named:
        return [f"The nomogram was compared with {listed(named)}."]
    if not kinds:
        return []
    return [f"The score was compared with the {'rad-scores' if len(kinds) > 1 else 'rad-score'} that it joins."]


def validation_text(study: Mapping[str, Any]) -> list[str]:
    """Folds, what lies inside them, and the checks for chance and optimism."""
    sentences = []
    validation = study.get("validation") or {}
    if _external(study):
        sentences.append("The model was applied, unchanged, to cases that had no part in its development.")
    elif validation:
        times = validation["repeats"]
        repeats = "" if times == 1 else f" repeated {times} times with other folds,"
        sentences.append(
            f"Performance was estimated by {validation['folds']}-fold cross-validation, stratified by outcome,"
            f"{repeats} on the cases left out of each fold."
        )
        if validation.get("nested"):
            sentences.append(
                f"Everything that sees an outcome ({learned_anew(study)}) was learned anew from the training cases of "
                "each fold."
            )
        if _habitats_were_used(study):
            sentences.append(_habitats_in_validation(validation))
    if found := study.get("optimism"):
        sentences.append(
            f"Optimism of the apparent AUC was estimated by Harrell's bootstrap ({counted(found['count'], 'sample')})."
        )
    if found := study.get("permutation"):
        sentences.append(
            f"The AUC was compared with those after {counted(found['count'], 'permutation')} of the outcomes."
        )
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
        return "The habitats had been fitted once on all cases, without their outcomes."
    if validation.get("nested"):
        return "So were the habitats and their number."
    return "The habitats and their number were fitted anew in each fold."


def _habitats_were_used(study: Mapping[str, Any]) -> bool:
    return bool(study.get("habitats") or (study.get("validation") or {}).get("habitats_by_fold"))


def statistics_text(study: Mapping[str, Any]) -> list[str]:
    """Measures, intervals and tests that the report shows."""
    validation = study.get("validation") or {}
    sentences = []
    rows = validation.get("candidates") or []
    if rows:
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
            "The Hosmer-Lemeshow test had as many degrees of freedom as groups: nothing was fitted to these cases."
        )
    if study.get("decision_curve"):
        sentences.append("Clinical usefulness was described by net benefit in a decision curve analysis.")
    tests = list(dict.fromkeys(row["test"] for row in study.get("characteristics") or () if row.get("test")))
    if tests:
        sentences.append(f"Characteristics were compared between the outcomes by {listed(_lowered(tests))}.")
    tests = list(dict.fromkeys(row["test"] for row in study.get("habitat_tests") or () if row.get("test")))
    if tests:
        sentences.append(f"Entropy and intensity were compared between habitats by {listed(_lowered(tests))}.")
    if sentences:
        one_sided = " but the permutation test" if study.get("permutation") else ""
        sentences.append(f"All tests{one_sided} were two-sided.")
    return sentences


def _lowered(tests: list[str]) -> list[str]:
    named = [test if "test" in test else f"{test} test" for test in tests]
    return [test if test.startswith(("Welch", "Fisher's")) else f"the {test}" for test in named]


def software_text(study: Mapping[str, Any]) -> list[str]:
    """Versions and seed."""
    versions = dict(study.get("versions") or {})
    if not versions:
        return []
    own = versions.pop("HabitatRadiomics", None)
    others = listed(f"{name} {version}" for name, version in versions.items() if name != "engine")
    name = f"Habitat Radiomics {own}" if own else "Habitat Radiomics"
    sentences = [f"All steps were done with {name}" + (f" ({others})." if others else ".")]
    if study.get("seed") is not None:
        sentences.append(f"The random seed was {study['seed']}.")
    return sentences
