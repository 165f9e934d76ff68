"""The peer of a search and of a rad-score: scikit-learn's Pipeline and GridSearchCV, the same folds, nothing shared."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import RFE, SelectFromModel, SelectKBest, f_classif, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from HabitatRadiomicsLib.learning.classifiers import make_classifier
from HabitatRadiomicsLib.learning.folds import Split
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.learning.selectors import kruskal_h, relief_weights
from HabitatRadiomicsLib.protocol import LearningSettings, SearchSettings

#: Penalties of a path.
_PENALTIES = 100


def plain_search(
    values: np.ndarray, outcome: np.ndarray, settings: SearchSettings, folds: list[Split], seed: int
) -> dict[tuple[str, str, int], float]:
    """Mean AUC over the folds of every selector, classifier and number of features; no correlation filter.

    Args:
        values: shape (cases, columns), finite and varying.
    """
    most = values.shape[1]
    counts = sorted({min(count, most) for count in settings.features})
    grid = [
        {"selector": [_selector(selector, count, seed)], "classifier": [make_classifier(classifier, seed=seed)]}
        for selector in settings.selectors
        for classifier in settings.classifiers
        for count in counts
    ]
    names = [(s, c, k) for s in settings.selectors for c in settings.classifiers for k in counts]
    pipeline = Pipeline([("scaler", StandardScaler()), ("selector", "passthrough"), ("classifier", SVC())])
    found = GridSearchCV(pipeline, grid, scoring="roc_auc", cv=folds).fit(values, outcome)
    return dict(zip(names, found.cv_results_["mean_test_score"].tolist()))


def plain_rad_score(values: np.ndarray, outcome: np.ndarray, settings: LearningSettings, folds: list[Split]) -> float:
    """The best mean AUC over a path of LASSO penalties of the columns with the largest F."""
    count = min(settings.univariate_selection or settings.maximum_features, values.shape[1])
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    largest = lasso_path(z, outcome).penalties[0] * len(outcome)
    grid = {"classifier__C": (1 / (largest * np.geomspace(1, 1e-2, _PENALTIES))).tolist()}
    lasso = LogisticRegression(l1_ratio=1, solver="liblinear", max_iter=1000)
    steps = [("selector", SelectKBest(f_classif, k=count)), ("scaler", StandardScaler()), ("classifier", lasso)]
    return float(GridSearchCV(Pipeline(steps), grid, scoring="roc_auc", cv=folds).fit(values, outcome).best_score_)


def _selector(name: str, count: int, seed: int) -> Any:
    if name == "rfe":
        return RFE(SVC(kernel="linear"), n_features_to_select=count, step=0.1)
    if name == "tree-importance":
        trees = ExtraTreesClassifier(200, class_weight="balanced", random_state=seed)
        return SelectFromModel(trees, max_features=count, threshold=-np.inf)
    if name == "lasso":
        return SelectKBest(_entry, k=count)
    scores = {
        "anova": f_classif,
        "kruskal-wallis": kruskal_h,
        "mutual-information": partial(mutual_info_classif, random_state=seed),
        "relief": relief_weights,
    }
    return SelectKBest(scores[name], k=count)


def _entry(values: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Larger for columns that enter a LASSO path sooner."""
    inside = lasso_path(values, outcome, stop_above=30).coefficients != 0
    return np.asarray(inside.sum(axis=0, initial=0), dtype=float)
