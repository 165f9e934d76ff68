"""SHAP values of a rad-score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.explanation.shap_bridge import import_shap
from HabitatRadiomicsLib.model import Model


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to the score, against the mean of the training cases.

    Attributes:
        name: the feature's column.
        value: of this case; ``z`` is the same in training standard deviations.
        percentile: share of the training cases whose value is not above it, 0 to 100.
        shap: contribution to the linear score, ``coefficient * (z - mean z of the background)``.
    """

    name: str
    value: float
    z: float
    percentile: float
    coefficient: float
    shap: float


def explain(model: Model, values: np.ndarray) -> tuple[float, tuple[Contribution, ...]]:
    """The score's base value and the contribution of each feature; together they are the score.

    Args:
        values: of the model's features, in their order, shape (features,).

    Returns:
        The mean score of the background, and the contributions, the largest first.
    """
    shap = import_shap()
    background = model.standardised(np.array(model.background))
    z = model.standardised(values[None, :])
    # By default shap looks at 100 rows of the background only, and the values would not be exact.
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.LinearExplainer((model.coefficients, model.intercept), masker)
    shap_values = np.asarray(explainer.shap_values(z))[0]
    raw_background = np.array(model.background)
    contributions = [
        Contribution(
            name=feature.name,
            value=float(values[index]),
            z=float(z[0, index]),
            percentile=float((raw_background[:, index] <= values[index]).mean() * 100),
            coefficient=feature.coefficient,
            shap=float(shap_values[index]),
        )
        for index, feature in enumerate(model.features)
    ]
    contributions.sort(key=lambda contribution: (-abs(contribution.shap), contribution.name))
    return float(np.asarray(explainer.expected_value)), tuple(contributions)
