"""Checks the consistency of a classifier that was read from a file.

scikit-learn's compiled code trusts these numbers, and wrong ones would make it access memory out of bounds. A
manipulated file is therefore refused before the classifier scores anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.model.decision import decision


def check_content(estimator: Any) -> None:
    """Check a loaded classifier, and score one case with it.

    Raises:
        ModelError: something does not fit, or the score is no number. Other errors are scikit-learn's, of content
            that it cannot use.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    features = int(estimator.n_features_in_)
    fits = np.array_equal(estimator.classes_, [0, 1])
    if isinstance(estimator, RandomForestClassifier):
        fits = fits and all(_tree_fits(tree, features) for tree in estimator.estimators_)
    elif isinstance(estimator, SVC):
        fits = fits and _vectors_fit(estimator, features)
    elif isinstance(estimator, KNeighborsClassifier):
        fits = fits and _neighbours_fit(estimator, features)
    if not fits or not np.isfinite(decision(estimator, np.zeros((1, features)))).all():
        raise ModelError(
            "The model's classifier has content that does not fit together.",
            remedy="Use the original file, from a source that you trust.",
        )


def _tree_fits(estimator: Any, features: int) -> bool:
    """Each node's children come after it and exist, and each split is at a feature that there is."""
    tree = estimator.tree_
    count = tree.node_count
    if not 0 < count <= tree.capacity or tree.n_outputs != 1 or tree.max_n_classes != 2:
        return False
    left, right, split = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    places = np.arange(count)[inner]
    children = np.array([left[inner], right[inner]])
    return bool(
        estimator.n_features_in_ == tree.n_features == features
        and (children > places).all()
        and (children < count).all()
        and (split[inner] >= 0).all()
        and (split[inner] < features).all()
    )


def _vectors_fit(estimator: Any, features: int) -> bool:
    count = len(estimator.support_vectors_)
    return bool(
        estimator.kernel == "rbf"
        and estimator.support_vectors_.shape == (count, features)
        and estimator._dual_coef_.shape == (1, count)
        and estimator.support_.shape == (count,)
        and estimator._n_support.shape == (2,)
        and (estimator._n_support >= 0).all()
        and estimator._n_support.sum() == count
        and estimator._intercept_.shape == (1,)
        and estimator._probA.size == estimator._probB.size == 0
    )


def _neighbours_fit(estimator: Any, features: int) -> bool:
    count = len(estimator._fit_X)
    return bool(
        (estimator._fit_method, estimator.effective_metric_) == ("brute", "euclidean")
        and estimator._fit_X.shape == (count, features)
        and np.isfinite(estimator._fit_X).all()
        and estimator._y.shape == (count,)
        and np.isin(estimator._y, (0, 1)).all()
        and 0 < estimator.n_neighbors <= count
    )
