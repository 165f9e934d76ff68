"""Explains a score by the contributions of its features: SHAP values, exact for linear scores and for classifiers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial

import numpy as np

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import classifier_inputs, classifier_scores
from HabitatRadiomicsLib.scoring.shap_bridge import import_shap
from HabitatRadiomicsLib.system.tasks import one_thread

#: Rows scored at a time: enough to make the overhead of a call negligible, few enough to stay in the cache.
_ROWS = 1 << 14


@dataclass(frozen=True)
class Spread:
    """Distribution of the values of the training cases."""

    mean: float
    sd: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Contribution:
    """What one feature, or one input of a classifier, adds to the score, relative to the mean of the training cases.

    Attributes:
        name: the feature's column; of a classifier's input that is a rad-score, its name.
        columns: the features behind it.
        value: of this case; ``z`` is the same in training standard deviations.
        percentile: share of the training cases whose value is not above it, 0 to 100.
        coefficient: of a linear score; None: a classifier has none.
        shap: contribution to the score; of a linear one ``coefficient * (z - mean z of the background)``.
    """

    name: str
    columns: tuple[str, ...]
    value: float
    z: float
    percentile: float
    coefficient: float | None
    shap: float
    training: Spread


def explain(model: Model, values: np.ndarray) -> tuple[float, tuple[Contribution, ...]]:
    """The base value of the score and the contribution of each feature; their sum is the score.

    Args:
        values: of the model's features, in their order, shape (features,).

    Returns:
        The mean score of the background, and the contributions, the largest first.
    """
    background = np.array(model.background)
    base, shap_values = shap_of(model, values[None, :])
    describe = _features if model.classifier is None else _inputs
    contributions = describe(model, values, background, shap_values[0])
    contributions.sort(key=lambda contribution: (-abs(contribution.shap), contribution.name))
    return base, tuple(contributions)


def shap_of(model: Model, values: np.ndarray) -> tuple[float, np.ndarray]:
    """SHAP values of cases, in the order of the model's features or of its classifier's inputs.

    Args:
        values: shape (cases, features).

    Returns:
        The base value, and the contributions, shape (cases, features or inputs).
    """
    background = np.array(model.background)
    if model.classifier is not None:
        inputs, reference = classifier_inputs(model, values), classifier_inputs(model, background)
        explained = [exact_shapley(lambda rows: classifier_scores(model, rows), row, reference) for row in inputs]
        return float(explained[0][0]), np.array([contributions for _, contributions in explained])
    shap = import_shap()
    standardised = model.standardised(background)
    # By default shap uses only 100 rows of the background, and the values would not be exact.
    masker = shap.maskers.Independent(standardised, max_samples=len(standardised))
    explainer = shap.LinearExplainer((model.coefficients, model.intercept), masker)
    contributions = np.asarray(explainer.shap_values(model.standardised(values)))
    return float(np.asarray(explainer.expected_value)), contributions


def explained_names(model: Model) -> tuple[str, ...]:
    """Names of the columns of :func:`shap_of`."""
    if model.classifier is None:
        return tuple(feature.name for feature in model.features)
    return tuple(row.name for row in model.classifier.inputs)


def _features(model: Model, values: np.ndarray, background: np.ndarray, shap_values: np.ndarray) -> list[Contribution]:
    rows = []
    for feature, value, seen, shap in zip(model.features, values, background.T, shap_values):
        training = Spread(**feature.model_dump(include={"mean", "sd", "minimum", "maximum"}))
        rows.append(_contribution(feature.name, (feature.name,), value, seen, training, feature.coefficient, shap))
    return rows


def _inputs(model: Model, values: np.ndarray, background: np.ndarray, shap_values: np.ndarray) -> list[Contribution]:
    assert model.classifier is not None
    names = [feature.name for feature in model.features]
    inputs, seen_inputs = classifier_inputs(model, values[None, :])[0], classifier_inputs(model, background)
    rows = []
    for row, value, seen, shap in zip(model.classifier.inputs, inputs, seen_inputs.T, shap_values):
        if tuple(row.weights) == (row.name,):  # a single feature: in its own unit
            value, seen = values[names.index(row.name)], background[:, names.index(row.name)]
        training = Spread(float(seen.mean()), float(seen.std(ddof=1)), float(seen.min()), float(seen.max()))
        rows.append(_contribution(row.name, tuple(row.weights), value, seen, training, None, shap))
    return rows


def _contribution(
    name: str, columns: tuple[str, ...], value: float, seen: np.ndarray, training: Spread, coefficient: float | None,
    shap: float,
) -> Contribution:  # fmt: skip
    """A contribution, from the values seen in training, shape (cases,)."""
    z = (float(value) - training.mean) / (training.sd or 1.0)
    percentile = float((seen <= value).mean() * 100)
    return Contribution(name, columns, float(value), z, percentile, coefficient, float(shap), training)


def exact_shapley(
    score: Callable[[np.ndarray], np.ndarray], values: np.ndarray, background: np.ndarray
) -> tuple[float, np.ndarray]:
    """Interventional Shapley values over all subsets of the features.

    The value of a subset is the mean score of the background with its features replaced by those of the case
    (Lundberg 2017, arXiv 1705.07874; Janzing 2020, arXiv 1910.13413). A feature's value is the mean of what it adds
    over all orders in which the features can be added.

    Args:
        score: of rows of features, shape (rows, features) to (rows,); no row may influence another row's score.
        values: of the case, shape (features,); few, because 2 to the power of their number subsets are scored.
        background: shape (cases, features).

    Returns:
        The mean score of the background, and the contribution of each feature, shape (features,). Their sum is the
        score of the case.

    Raises:
        ModelError: a score is not finite.
    """
    with one_thread():
        worth = _worths(score, values, background)
    count = len(values)
    subsets = np.arange(1 << count)
    sizes = np.array([int(subset).bit_count() for subset in subsets])
    # The fraction of all orders in which exactly this subset precedes a feature outside it.
    shares = np.array([factorial(size) * factorial(count - size - 1) / factorial(count) for size in range(count)])
    contributions = np.empty(count)
    for feature in range(count):
        without = subsets[(subsets >> feature) & 1 == 0]
        contributions[feature] = shares[sizes[without]] @ (worth[without | 1 << feature] - worth[without])
    return float(worth[0]), contributions


def _worths(score: Callable[[np.ndarray], np.ndarray], values: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The value of each subset; bit f of its number is 1 if feature f is taken from the case."""
    cases, count = background.shape
    together = max(1, _ROWS // cases)
    worth = np.empty(1 << count)
    for start in range(0, len(worth), together):
        subsets = np.arange(start, min(start + together, len(worth)))
        chosen = (subsets[:, None] >> np.arange(count) & 1).astype(bool)
        rows = np.where(chosen[:, None, :], values, background[None])
        scores = np.asarray(score(rows.reshape(-1, count)), dtype=float)
        if not np.isfinite(scores).all():
            raise ModelError("The model gives a score that is not a finite number, which cannot be explained.")
        worth[subsets] = scores.reshape(len(subsets), cases).mean(axis=1)
    return worth
