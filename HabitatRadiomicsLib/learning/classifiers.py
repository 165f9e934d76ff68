"""Classifiers with fixed hyper-parameters, for cohorts of a few dozen to a few hundred cases.

Hyper-parameters are not tuned: a cohort of this size has no cases to spare for tuning, and each trial would be one
more choice in which the cross-validation could mistake luck for merit.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.folds import check_two_outcomes
from HabitatRadiomicsLib.protocol import ClassifierName
from HabitatRadiomicsLib.system.tasks import one_thread

TREES_OF_FOREST = 100
#: Leaves of single cases would make the scores of the training cases themselves meaningless.
CASES_OF_LEAF = 3
_NEIGHBOURS = 5


def make_classifier(name: ClassifierName, *, seed: int, cases: int | None = None) -> Any:
    """An unfitted scikit-learn classifier for z-scored features.

    - ``logistic-regression``: ridge penalty, C = 1. ``lda``: covariance shrunk as Ledoit and Wolf do.
    - ``svm``: radial basis functions, C = 1, gamma = 1 / (features x variance), outcomes balanced.
    - ``random-forest``: 100 trees, leaves of at least 3 cases, outcomes balanced.
    - ``naive-bayes``: Gaussian. ``knn``: 5 neighbours, of fewer than 20 cases a quarter of the cases.
    - ``mlp``: one hidden layer of 8, L-BFGS, L2 penalty alpha = 1.

    Args:
        seed: of ``random-forest`` and ``mlp``; the others are deterministic.
        cases: number of cases it will be fitted on; None: enough.
    """
    return _MAKERS[name](seed, cases)


def fit_classifier(name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, *, seed: int) -> Any:
    """The same classifier, fitted in one thread, so that floating-point sums are reproducible.

    Args:
        standardised: z-scored features, shape (cases, features).
        outcome: 0 or 1, shape (cases,).

    Raises:
        LearningError: all cases have the same outcome, or a value is not a finite number.
    """
    with one_thread():
        return fit_within_limits(name, standardised, outcome, seed=seed)


def fit_within_limits(name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, *, seed: int) -> Any:
    """The same for a caller that fits many classifiers and has already limited the threads, which takes longer than
    most fits."""
    from sklearn.exceptions import ConvergenceWarning

    check_two_outcomes(outcome)
    if not np.isfinite(standardised).all():
        raise LearningError("A classifier needs finite values.", remedy="Leave out columns with gaps.")
    with warnings.catch_warnings():
        # What stops early is a classifier all the same, and judged by its scores.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_classifier(name, seed=seed, cases=len(outcome)).fit(standardised, outcome)


def _logistic_regression(seed: int, cases: int | None) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, tol=1e-8, max_iter=1000)


def _svm(seed: int, cases: int | None) -> Any:
    from sklearn.svm import SVC

    return SVC(kernel="rbf", C=1.0, gamma="scale", class_weight="balanced")


def _knn(seed: int, cases: int | None) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = _NEIGHBOURS if cases is None else min(_NEIGHBOURS, max(1, cases // 4))
    # By brute force: so few cases need no search tree, and none has to be kept in a file.
    return KNeighborsClassifier(neighbours, algorithm="brute")


def _random_forest(seed: int, cases: int | None) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(
        TREES_OF_FOREST, min_samples_leaf=CASES_OF_LEAF, class_weight="balanced", random_state=seed, n_jobs=1
    )


def _naive_bayes(seed: int, cases: int | None) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def _mlp(seed: int, cases: int | None) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((8,), solver="lbfgs", alpha=1.0, max_iter=1000, random_state=seed)


def _lda(seed: int, cases: int | None) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


_MAKERS: dict[ClassifierName, Callable[[int, int | None], Any]] = {
    "logistic-regression": _logistic_regression,
    "svm": _svm,
    "knn": _knn,
    "random-forest": _random_forest,
    "naive-bayes": _naive_bayes,
    "mlp": _mlp,
    "lda": _lda,
}
