"""The local gradient of a score with respect to a model's features."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import scores_of

#: Step of the central difference for a classifier, in standard deviations of the training cases.
_STEP = 0.1


def score_gradient(model: Model, values: np.ndarray) -> np.ndarray:
    """The derivative of the score with respect to each feature, shape (features,), per unit of the feature.

    Exact for a linear score, and the same for all patients. For a classifier, the central difference over a tenth of
    a standard deviation to either side; the score of a random forest, which changes in steps, may not change at all.

    Args:
        values: of the model's features, shape (features,).

    Raises:
        ModelError: means and SD are not known yet.
    """
    model.check_scorable()
    deviations = np.array([feature.sd for feature in model.features], dtype=float)
    if model.classifier is None:
        return model.coefficients / deviations
    steps = np.diag(_STEP * deviations)
    above, below = scores_of(model, values + steps), scores_of(model, values - steps)
    return (above - below) / (2 * _STEP * deviations)
