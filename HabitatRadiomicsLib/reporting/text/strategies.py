"""Methods text of search, scout models, fusion and nomogram: the ways of learning beyond a LASSO alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.protocol import FusionSettings, LearningSettings, Protocol
from HabitatRadiomicsLib.reporting.text.wording import counted, listed, tests_of

_SELECTORS = {
    "anova": "F of analysis of variance",
    "kruskal-wallis": "H of Kruskal and Wallis",
    "mutual-information": "mutual information with the outcome",
    "tree-importance": "importance in extremely randomised trees",
    "lasso": "order of entry into the LASSO path",
    "relief": "ReliefF weight",
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
    """Search and scout models; nothing if there was no search."""
    search = settings.search
    if search is None:
        return []
    combinations = len(search.selectors) * len(search.classifiers) * len(search.features)
    sentences = ["Features without a value in some case, and those with the same value in all, were dropped."]
    if search.maximum_correlation is not None:
        sentences.append(
            f"Of two features with an absolute Pearson correlation above {search.maximum_correlation:g}, one, chosen "
            "at random, was dropped, independently in each fold."
        )
    sentences += [
        f"{counted(combinations, 'combination')} of a ranking of the features, a number of the best ranked features "
        f"({listed(search.features, 'or')}) and a classifier were compared.",
        f"Features were ranked by {listed((_SELECTORS[name] for name in search.selectors), 'or')}; the classifier was "
        f"{listed((_CLASSIFIERS[name] for name in search.classifiers), 'or')}.",
        f"The combination with the largest mean AUC in a {settings.folds}-fold cross-validation within the training "
        "cases was chosen; ranking, scaling and classifier were repeated in each of its folds, and the "
        "hyperparameters were fixed.",
    ]
    if settings.scouts is not None:
        sentences += [
            "This search was first done on the features of each kind of image separately (scout models).",
            f"The features selected by scout models that reached a mean AUC of {settings.scouts.minimum_auc:g} entered "
            "a final search, without the filter of correlated features.",
        ]
    return sentences


def fusion_text(fusion: FusionSettings | None, *, deep: bool, folds: int) -> list[str]:
    """How rad-scores and deep features were combined; nothing if they were not."""
    if fusion is None:
        return []
    embedded = ""
    if deep and fusion.deep_features:
        embedded = (
            f" and at most {counted(fusion.deep_features, 'deep feature')} (those with the smallest p values, "
            "significant or not, after redundant ones were dropped)"
        )
    return [
        f"The rad-scores of all regions{embedded} were combined by a classifier (stacking): "
        f"{listed((_CLASSIFIERS[name] for name in fusion.classifiers), 'or')}, whichever had the largest mean AUC in a "
        f"{folds}-fold cross-validation within the training cases, with fixed hyperparameters.",
        "The classifier was fitted on out-of-fold rad-scores: that of each case came from a fit without the case.",
    ]


def nomogram_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """How clinical factors were selected and combined with the rad-score; nothing for a frozen nomogram."""
    settings, nomogram = protocol.learning.nomogram, study.get("nomogram")
    if settings is None or not nomogram or (study.get("validation") or {}).get("external"):
        return []
    factors = "Clinical variables" if settings.factors is None else f"The clinical variables {listed(settings.factors)}"
    tests = tests_of(nomogram.get("univariate"))
    sentences = [
        f"{factors} were tested individually{f' ({listed(tests)})' if tests else ''}.",
        f"Those with p < {settings.univariate_significance:g} entered a multivariable logistic regression with the "
        "rad-score, in ascending order of p, except those with which finite odds ratios no longer existed; those with "
        f"p < {settings.multivariable_significance:g} in this regression (Wald test, all levels of a factor together) "
        "were kept.",
        "The nomogram is the model of these variables and of the rad-score, which is always kept.",
        "Missing clinical values were replaced by the median or the most frequent level of the training cases.",
        "The rad-scores of the training cases were out-of-fold scores, in standard deviations.",
    ]
    if not nomogram.get("fitted"):
        return [*sentences, "No nomogram could be fitted to these cases; the final model is the rad-score alone."]
    if curve := nomogram.get("calibration"):
        sentences.append(
            "Calibration on the training cases was corrected by Harrell's bootstrap "
            f"({counted(curve['samples'], 'sample')}), which repeats the fit but not the selection of terms."
        )
    if nomogram.get("hosmer_lemeshow"):
        sentences.append("Its goodness of fit was assessed by the Hosmer-Lemeshow test.")
    return sentences


def clinical_comparison_text(study: Mapping[str, Any]) -> list[str]:
    """The scores that a nomogram was compared with."""
    if not study.get("nomogram"):
        return []
    sentences = ["The nomogram was compared with its rad-score alone, without clinical factors."]
    validation = study.get("validation") or {}
    if any(row.get("kind") == "clinical" for row in validation.get("candidates") or ()):
        sentences.append(
            "It was also compared with a clinical model, whose factors were selected in the same way, by univariable "
            "and then multivariable logistic regression; in a fold in which no factor was kept, all cases had the same "
            "score."
        )
    elif validation.get("no_clinical_model"):
        sentences.append("No clinical factor was kept in any fold, so there was no clinical model to compare with.")
    if study.get("decision_curve"):
        sentences.append(
            "For the decision curves, probabilities of held-out cases came from Platt scaling of nomogram and "
            "rad-score in an inner cross-validation of the training cases, and from the clinical model itself."
        )
    return sentences


def shapley_text(study: Mapping[str, Any]) -> list[str]:
    """How the score was explained."""
    model = study.get("model") or {}
    if not model.get("features"):
        return []
    how = "for a linear score the coefficient times the distance from the mean of the training cases"
    if model.get("classifier"):
        how = "from evaluating every subset of the inputs, with the other inputs taken from each training case in turn"
    return [f"Contributions to the score are exact Shapley values, {how}."]


def learned_anew(study: Mapping[str, Any]) -> str:
    """What each fold of the cross-validation learned."""
    if study.get("search"):
        scouts = "scout models, " if study.get("scouts") else ""
        return f"{scouts}ranking of features, scaling, classifier, choice of the score, cut-off"
    lasso = "selection, scaling, LASSO with its penalty"
    if study.get("fusion"):
        return f"{lasso}, the classifier that combines the rad-scores, cut-off"
    if study.get("nomogram"):
        return f"{lasso}, choice of the score, clinical factors, nomogram, cut-off"
    return f"{lasso}, choice of the score, cut-off"
