"""Scores of classifiers that need not be kept, and forests grown with scikit-learn's internal tree builders.

A search fits thousands of classifiers to a few dozen cases each; for forests, scikit-learn's estimators then spend more
time around their trees than on growing them. With `RandomForestClassifier` and `ExtraTreesClassifier`, the search of
``brain-metastasis-dti`` takes 3.2 times as long; with one `DecisionTreeClassifier` per tree, 2.1 times
(``Testing/benchmarks/TRAINING.md``). The tree builders are not part of scikit-learn's public interface. Each process
therefore compares them with the public estimator at the first use, bit by bit; where they differ or cannot be called,
the public estimator is used instead. The numbers are the same either way.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from HabitatRadiomicsLib.learning.classifiers import CASES_OF_LEAF, TREES_OF_FOREST, fit_within_limits
from HabitatRadiomicsLib.model.classifier import decision, log_odds
from HabitatRadiomicsLib.protocol import ClassifierName

_log = logging.getLogger(__name__)


def fitted_scores(
    name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, test: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of training and of test cases by a classifier that need not be kept.

    They equal those of `decision` with an estimator of `fit_within_limits`, to the last bit.

    Args:
        standardised: z-scored features of the training cases, shape (cases, features); finite.
        test: features of the test cases, in the same units; finite.
    """
    usable = len(np.unique(outcome)) == 2 and np.isfinite(standardised).all()
    if name == "random-forest" and usable and _forests_hold():
        return _bare_forest(standardised, outcome, test, seed)
    return _by_estimator(name, standardised, outcome, test, seed)


def tree_importances(standardised: np.ndarray, outcome: np.ndarray, trees: int, *, seed: int) -> np.ndarray:
    """Impurity that splits remove, over so many extremely randomised trees of balanced outcomes, shape (features,)."""
    chosen = _bare_importances if _importances_hold() else _public_importances
    return chosen(standardised, outcome, trees, seed)


def _by_estimator(
    name: ClassifierName, standardised: np.ndarray, outcome: np.ndarray, test: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    estimator = fit_within_limits(name, standardised, outcome, seed=seed)
    # Sums of products depend on the order in memory; an estimator that is kept scores a table in this order.
    return decision(estimator, np.ascontiguousarray(standardised)), decision(estimator, np.ascontiguousarray(test))


def _bare_forest(
    standardised: np.ndarray, outcome: np.ndarray, test: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    trees = _grow(standardised, outcome, TREES_OF_FOREST, seed, leaf=CASES_OF_LEAF, bagged=True)
    rows = np.ascontiguousarray(np.vstack([standardised, test]), dtype=np.float32)
    total = np.zeros((len(rows), 2))
    for tree in trees:
        total += tree.predict(rows)[:, :2]
    total /= len(trees)
    return log_odds(total[: len(standardised), 1]), log_odds(total[len(standardised) :, 1])


def _bare_importances(standardised: np.ndarray, outcome: np.ndarray, trees: int, seed: int) -> np.ndarray:
    grown = _grow(standardised, outcome, trees, seed, leaf=1, bagged=False)
    split = [tree.compute_feature_importances() for tree in grown if tree.node_count > 1]
    if not split:
        return np.zeros(standardised.shape[1])
    mean = np.mean(split, axis=0, dtype=np.float64)
    return np.asarray(mean / mean.sum())


def _grow(
    standardised: np.ndarray, outcome: np.ndarray, trees: int, seed: int, *, leaf: int, bagged: bool
) -> list[Any]:
    """Trees of balanced outcomes: with the best splits of bootstrap samples, or with random splits of all cases."""
    from sklearn.tree._criterion import Gini
    from sklearn.tree._splitter import BestSplitter, RandomSplitter
    from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

    values = np.ascontiguousarray(standardised, dtype=np.float32)
    labels = outcome.astype(float)[:, None]
    cases, features = values.shape
    # Both outcomes get the same total weight.
    weights = (cases / (2 * np.bincount(outcome, minlength=2).astype(float)))[outcome]
    share = weights / weights.sum()
    tried, classes = max(1, int(np.sqrt(features))), np.array([2], dtype=np.intp)
    seeds = np.random.RandomState(seed)
    grown = []
    for _ in range(trees):
        seed_of_tree = seeds.randint(np.iinfo(np.int32).max)
        if bagged:
            drawn = np.random.RandomState(seed_of_tree).choice(cases, cases, replace=True, p=share)
            counts = np.bincount(drawn, minlength=cases).astype(float)
        splitter = (BestSplitter if bagged else RandomSplitter)(
            Gini(1, classes), tried, leaf, 0.0, np.random.RandomState(seed_of_tree), None
        )
        tree = Tree(features, classes, 1)
        builder = DepthFirstTreeBuilder(splitter, max(2, 2 * leaf), leaf, 0.0, np.iinfo(np.int32).max, 0.0)
        builder.build(tree, values, labels, counts if bagged else weights, None)
        grown.append(tree)
    return grown


def _public_importances(standardised: np.ndarray, outcome: np.ndarray, trees: int, seed: int) -> np.ndarray:
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(trees, class_weight="balanced", random_state=seed, n_jobs=1)
    return np.asarray(forest.fit(standardised, outcome).feature_importances_)


@cache
def _forests_hold() -> bool:
    standardised, outcome, test = _trial()
    return _same(
        "random-forest",
        lambda: _bare_forest(standardised, outcome, test, 3),
        lambda: _by_estimator("random-forest", standardised, outcome, test, 3),
    )


@cache
def _importances_hold() -> bool:
    standardised, outcome, _ = _trial()
    return _same(
        "tree_importances",
        lambda: _bare_importances(standardised, outcome, 20, 3),
        lambda: _public_importances(standardised, outcome, 20, 3),
    )


def _trial() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training and test cases for the comparison: unequal outcomes that overlap, and columns with ties."""
    generator = np.random.default_rng(1)
    outcome = (np.arange(31) % 3 == 0).astype(int)
    values = generator.normal(size=(48, 5))
    values[:31, :2] += 0.8 * outcome[:, None]
    values[:, 3] = values[:, 3].round()
    return values[:31], outcome, values[31:]


def _same(name: str, bare: Callable[[], Any], public: Callable[[], Any]) -> bool:
    expected = np.hstack(public())
    try:
        result = np.hstack(bare())
    except Exception as error:  # another version may have other arguments, or lack these classes
        _log.info("%s: scikit-learn's tree builders cannot be called: %s", name, type(error).__name__)
        return False
    if result.tobytes() != expected.tobytes():
        _log.info("%s: scikit-learn's tree builders give other numbers", name)
        return False
    return True
