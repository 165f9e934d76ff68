"""Methods text of the ways of learning beyond a LASSO alone: search, scouts, fusion and nomogram."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.protocol import FusionSettings, LearningSettings, Protocol, ScoutSettings, SearchSettings
from HabitatRadiomicsLib.reporting.text.wording import counted, listed

_SELECTORS = {
    "anova": "F of analysis of variance",
    "kruskal-wallis": "H of Kruskal and Wallis",
    "mutual-information": "mutual information with the outcome",
    "tree-importance": "importance in extremely randomised trees",
    "lasso": "order of entry into the LASSO's path",
    "relief": "ReliefF's weight",
    "rfe": "recursive elimination by a linear support vector machine",
    "mann-whitney": "p of the Mann-Whitney U test",
}
_CLASSIFIERS = {
    "logistic-regression": "logistic regression (ridge penalty, C = 1)",
    "svm": "support vector machine (radial basis functions, C = 1)",
    "knn": "nearest neighbours (5)",
    "random-forest": "random forest (100 trees)",
    "naive-bayes": "Gaussian naive Bayes",
    "mlp": "multilayer perceptron (one hidden layer of 8)",
    "lda": "linear discriminant analysis (shrunk covariance)",
}


def search_text(settings: LearningSettings) -> list[str]:
    """Scouts and search; nothing where neither was asked for."""
    if settings.search is None:
        return []
    scouts = [] if settings.scouts is None else _scouts(settings.scouts)
    return [*_searched(settings.search, settings.folds), *scouts]


def _searched(search: SearchSettings, folds: int) -> list[str]:
    tried = len(search.selectors) * len(search.classifiers) * len(search.features)
    sentences = [
        "Features without a value in some case, and those with the same value in all, were dropped.",
        f"{counted(tried, 'combination')} of a ranking of the features, a number of the best ranked "
        f"({listed(search.features, 'or')}) and a classifier were compared.",
        f"Features were ranked by {listed((_SELECTORS[name] for name in search.selectors), 'or')}; the classifier was "
        f"{listed((_CLASSIFIERS[name] for name in search.classifiers), 'or')}.",
        f"That with the largest mean AUC in a {folds}-fold cross-validation within the training cases was taken; "
        "ranking, scaling and classifier were repeated in each of its folds, and the hyperparameters were fixed.",
    ]
    if search.maximum_correlation is not None:
        sentences.insert(
            1,
            f"Of two features with an absolute Pearson correlation above {search.maximum_correlation:g}, one, chosen "
            "at random, was dropped, independently in each fold.",
        )
    return sentences


def _scouts(scouts: ScoutSettings) -> list[str]:
    return [
        "This search was first done on the features of each kind of image by itself (scout models).",
        f"The features selected by those that reached a mean AUC of {scouts.minimum_auc:g} went on to a last search, "
        "without the filter of correlated features.",
    ]


def fusion_text(fusion: FusionSettings | None, *, deep: bool, folds: int) -> list[str]:
    """How rad-scores and deep features were joined; nothing where they were not."""
    if fusion is None:
        return []
    single = ""
    if deep and fusion.deep_features:
        single = (
            f" and at most {counted(fusion.deep_features, 'deep feature')}, those with the smallest p of those that "
            "are not redundant, however large it was,"
        )
    return [
        f"The rad-scores of all regions{single} were joined by a classifier (stacking): "
        f"{listed((_CLASSIFIERS[name] for name in fusion.classifiers), 'or')}, whichever had the largest mean AUC in a "
        f"{folds}-fold cross-validation within the training cases, with fixed hyperparameters.",
        "It was fitted on rad-scores by fits that had not seen the case.",
    ]


def nomogram_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """How clinical factors were chosen and joined with the rad-score, and what became of it; not of a frozen one."""
    settings, found = protocol.learning.nomogram, study.get("nomogram")
    if settings is None or not found or (study.get("validation") or {}).get("external"):
        return []
    factors = "Clinical variables" if settings.factors is None else f"The clinical variables {listed(settings.factors)}"
    tests = list(dict.fromkeys(row["test"] for row in found.get("univariate") or () if row.get("test")))
    sentences = [
        f"{factors} were tested alone{f' ({listed(tests)})' if tests else ''}.",
        f"Those with p < {settings.univariate_significance:g} entered a multivariable logistic regression with the "
        "rad-score, the smallest p first, as far as finite odds ratios existed; those with p < "
        f"{settings.multivariable_significance:g} there (Wald's test, of all levels of a factor together) stayed.",
        "The model of these and of the rad-score, which always stays, is the nomogram.",
        "Missing clinical values were replaced by the median or the most frequent level of the training cases.",
        "Rad-scores of the training cases were those of fits that had not seen them, in standard deviations.",
    ]
    if not found.get("fitted"):
        return [*sentences, "On these cases no nomogram could be fitted, and the rad-score stands alone."]
    if curve := found.get("calibration"):
        sentences.append(
            "Calibration on the training cases was corrected by Harrell's bootstrap "
            f"({counted(curve['samples'], 'sample')}), which repeats the fit but not the selection of terms."
        )
    if found.get("hosmer_lemeshow"):
        sentences.append("Its fit was tested by the Hosmer-Lemeshow test.")
    return sentences


def clinical_comparison_text(study: Mapping[str, Any]) -> list[str]:
    """What a nomogram was compared with."""
    if not study.get("nomogram"):
        return []
    sentences = ["The nomogram was compared with the rad-score that it is made of, without clinical factors."]
    validation = study.get("validation") or {}
    if any(row.get("kind") == "clinical" for row in validation.get("candidates") or ()):
        sentences.append(
            "It was compared, too, with a clinical model, whose factors were chosen as the nomogram's, by univariate "
            "and then multivariable logistic regression; in a fold in which none stayed, all cases had the same score."
        )
    elif validation.get("no_clinical_model"):
        sentences.append("No clinical factor stayed in any fold: there was no clinical model to compare with.")
    if study.get("decision_curve"):
        sentences.append(
            "Probabilities of held-out cases for the decision curves came from Platt scaling of nomogram and rad-score "
            "on the training cases' inner cross-validation, and from the clinical model itself."
        )
    return sentences


def shapley_text(study: Mapping[str, Any]) -> list[str]:
    """How the score was explained."""
    model = study.get("model") or {}
    if not model.get("features"):
        return []
    if model.get("classifier"):
        return [
            "Contributions to the score are exact Shapley values: every subset of the inputs was evaluated, with those "
            "outside it taken from each training case in turn."
        ]
    return [
        "Contributions to the score are exact Shapley values, for a linear score the coefficient times the distance "
        "from the training cases' mean."
    ]


def learned_anew(study: Mapping[str, Any]) -> str:
    """What each fold of the cross-validation learned."""
    if study.get("scouts"):
        return "scout models, ranking of features, scaling, classifier, choice of the score, cut-off"
    if study.get("search"):
        return "ranking of features, scaling, classifier, choice of the score, cut-off"
    lasso = "selection, scaling, LASSO with its penalty"
    if study.get("fusion"):
        return f"{lasso}, the classifier that joins them, cut-off"
    if study.get("nomogram"):
        return f"{lasso}, choice of the score, clinical factors, nomogram, cut-off"
    return f"{lasso}, choice of the score, cut-off"
