"""Classifiers with fixed hyper-parameters, for cohorts of a few dozen to a few hundred cases.

Hyper-parameters are not tuned: a cohort of this size has no cases to spare for tuning, and each trial would be one
more choice in which the cross-validation could mistake luck for merit.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import check_two_outcomes
from HabitatRadiomicsLib.model.classifier import decision
from HabitatRadiomicsLib.protocol import ClassifierName
from HabitatRadiomicsLib.system.tasks import one_thread

TREES_OF_FOREST = 100
#: Leaves of single cases would make the scores of the training cases themselves meaningless.
CASES_OF_LEAF = 3
_NEIGHBOURS = 5

#: scikit-learn's class and the fixed hyper-parameters. So few cases need no search tree for ``knn``, and none has to be
#: kept in a file.
_CLASSIFIERS: dict[ClassifierName, tuple[str, dict[str, Any]]] = {
    "logistic-regression": ("linear_model.LogisticRegression", {"C": 1.0, "tol": 1e-8, "max_iter": 1000}),
    "svm": ("svm.SVC", {"kernel": "rbf", "C": 1.0, "gamma": "scale", "class_weight": "balanced"}),
    "knn": ("neighbors.KNeighborsClassifier", {"algorithm": "brute"}),
    "random-forest": (
        "ensemble.RandomForestClassifier",
        {"n_estimators": TREES_OF_FOREST, "min_samples_leaf": CASES_OF_LEAF, "class_weight": "balanced", "n_jobs": 1},
    ),
    "naive-bayes": ("naive_bayes.GaussianNB", {}),
    "mlp": (
        "neural_network.MLPClassifier",
        {"hidden_layer_sizes": (8,), "solver": "lbfgs", "alpha": 1.0, "max_iter": 1000},
    ),
    "lda": ("discriminant_analysis.LinearDiscriminantAnalysis", {"solver": "lsqr", "shrinkage": "auto"}),
}


def make_classifier(name: ClassifierName, *, seed: int, cases: int | None = None) -> Any:
    """An unfitted scikit-learn classifier for z-scored features.

    - ``logistic-regression``: ridge penalty, C = 1. ``lda``: covariance shrunk as by Ledoit and Wolf.
    - ``svm``: radial basis functions, C = 1, gamma = 1 / (features x variance), outcomes balanced.
    - ``random-forest``: 100 trees, leaves of at least 3 cases, outcomes balanced.
    - ``naive-bayes``: Gaussian. ``knn``: 5 neighbours, of fewer than 20 cases a quarter of the cases.
    - ``mlp``: one hidden layer of 8, L-BFGS, L2 penalty alpha = 1.

    Args:
        seed: of ``random-forest`` and ``mlp``; the others are deterministic.
        cases: number of cases it will be fitted on; None: enough.
    """
    path, settings = _CLASSIFIERS[name]
    if name == "knn":
        settings = {**settings, "n_neighbors": _NEIGHBOURS if cases is None else min(_NEIGHBOURS, max(1, cases // 4))}
    elif name in ("random-forest", "mlp"):
        settings = {**settings, "random_state": seed}
    module, _, kind = path.partition(".")
    return getattr(import_module(f"sklearn.{module}"), kind)(**settings)


def fit_classifier(name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, *, seed: int) -> Any:
    """The same classifier, fitted in one thread, so that floating-point sums are reproducible.

    Args:
        standardised: z-scored features, shape (cases, features).

    Raises:
        LearningError: all cases have the same outcome, or a value is not a finite number.
    """
    with one_thread():
        return fit_within_limits(name, standardised, outcome, seed=seed)


def fit_within_limits(name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, *, seed: int) -> Any:
    """As `fit_classifier`, for a caller that has already limited the threads: for many fits, the limit itself takes
    longer than the fit."""
    from sklearn.exceptions import ConvergenceWarning

    check_two_outcomes(outcome)
    if not np.isfinite(standardised).all():
        raise LearningError("A classifier needs finite values.", remedy="Leave out columns with gaps.")
    with warnings.catch_warnings():
        # A classifier that stops early can be used all the same, and is judged by its scores.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_classifier(name, seed=seed, cases=len(outcome)).fit(standardised, outcome)


def scores_of_complete(estimator: Any, inputs: np.ndarray) -> np.ndarray:
    """Scores of rows by a fitted classifier (see `decision`), shape (cases,); NaN where an input is missing."""
    scores = np.full(len(inputs), np.nan)
    complete = np.isfinite(inputs).all(axis=1)
    if complete.any():
        scores[complete] = decision(estimator, inputs[complete])
    return scores
