"""Scores feature values with a frozen model, linear or a classifier."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from HabitatRadiomicsLib.model.classifier import decision, load_classifier
from HabitatRadiomicsLib.model.document import Model

_loaded = lru_cache(maxsize=8)(load_classifier)


def scores_of(model: Model, values: np.ndarray) -> np.ndarray:
    """The score of each row of feature values, shape (cases,).

    Args:
        values: of the model's features, in their order, shape (cases, features).

    Raises:
        ModelError: means and SD are not known yet, or the classifier may not be loaded.
    """
    if model.classifier is not None:
        return classifier_scores(model, classifier_inputs(model, values))
    assert model.intercept is not None
    return model.intercept + model.standardised(values) @ model.coefficients


def training_scores(model: Model) -> np.ndarray:
    """The score of each training case."""
    return scores_of(model, np.array(model.background))


def classifier_inputs(model: Model, values: np.ndarray) -> np.ndarray:
    """The inputs of a model's classifier, shape (cases, inputs)."""
    assert model.classifier is not None
    z = model.standardised(values)
    z_of = {feature.name: z[:, place] for place, feature in enumerate(model.features)}
    inputs = np.tile([row.intercept for row in model.classifier.inputs], (len(z), 1))
    for place, row in enumerate(model.classifier.inputs):
        for name, weight in row.weights.items():
            inputs[:, place] += weight * z_of[name]
    return inputs


def classifier_scores(model: Model, inputs: np.ndarray) -> np.ndarray:
    """Scores of a model's classifier for its inputs, shape (cases,)."""
    assert model.classifier is not None
    return decision(_loaded(model.classifier.estimator), inputs)
