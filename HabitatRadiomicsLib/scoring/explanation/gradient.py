"""How a score moves with each of a model's features, near one patient."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import scores_of

#: Of a classifier: how far to either side its score is compared, in standard deviations of the training cases.
_STEP = 0.1


def score_gradient(model: Model, values: np.ndarray) -> np.ndarray:
    """The derivative of the score by each feature, shape (features,), per unit of the feature.

    Of a linear score exact, and the same for all patients. Of a classifier the central difference over a tenth of a
    standard deviation to either side; a forest of trees, whose score moves in steps, may not move at all.

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
