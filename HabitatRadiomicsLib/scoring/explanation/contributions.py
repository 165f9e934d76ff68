"""SHAP values of a score, exact for linear scores and for classifiers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import classifier_inputs, classifier_scores
from HabitatRadiomicsLib.scoring.explanation.shap_bridge import import_shap
from HabitatRadiomicsLib.scoring.explanation.shapley import exact_shapley


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
    explained = _features(model, values, background) if model.classifier is None else _inputs(model, values, background)
    contributions = [
        Contribution(
            name=row.name,
            columns=row.columns,
            value=float(row.value),
            z=(float(row.value) - row.training.mean) / (row.training.sd or 1.0),
            percentile=float((row.seen <= row.value).mean() * 100),
            coefficient=row.coefficient,
            shap=float(shap),
            training=row.training,
        )
        for row, shap in zip(explained, shap_values[0])
    ]
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


@dataclass(frozen=True)
class _Explained:
    """A feature or an input of a classifier: its value in the case, and those seen in training, shape (cases,)."""

    name: str
    columns: tuple[str, ...]
    value: float
    seen: np.ndarray
    training: Spread
    coefficient: float | None = None


def _features(model: Model, values: np.ndarray, background: np.ndarray) -> list[_Explained]:
    return [
        _Explained(
            feature.name, (feature.name,), value, seen,
            Spread(**feature.model_dump(include={"mean", "sd", "minimum", "maximum"})), feature.coefficient,
        )
        for feature, value, seen in zip(model.features, values, background.T)
    ]  # fmt: skip


def _inputs(model: Model, values: np.ndarray, background: np.ndarray) -> list[_Explained]:
    assert model.classifier is not None
    names = [feature.name for feature in model.features]
    inputs, seen_inputs = classifier_inputs(model, values[None, :])[0], classifier_inputs(model, background)
    rows = []
    for place, row in enumerate(model.classifier.inputs):
        value, seen, columns = inputs[place], seen_inputs[:, place], tuple(row.weights)
        if columns == (row.name,):  # a single feature: in its own unit
            value, seen = values[names.index(row.name)], background[:, names.index(row.name)]
        spread = Spread(float(seen.mean()), float(seen.std(ddof=1)), float(seen.min()), float(seen.max()))
        rows.append(_Explained(row.name, columns, value, seen, spread))
    return rows
