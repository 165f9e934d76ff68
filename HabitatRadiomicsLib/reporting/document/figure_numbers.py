"""The numbers that only figures show: curves, bands, and a point for each case without its name."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from HabitatRadiomicsLib.model.nomogram import NomogramPart
from HabitatRadiomicsLib.protocol.base import FROM_ARRAY, Finite, Part, Row


def _null_if_undefined(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


#: Null where a number is undefined: too few cases, or an interval without an end.
Known = Annotated[Finite | None, BeforeValidator(_null_if_undefined)]
Count = Annotated[int, Field(ge=0)]
KnownRow = Annotated[tuple[Known, ...], FROM_ARRAY]
#: A row for each case.
Matrix = Annotated[tuple[tuple[Finite, ...], ...], FROM_ARRAY]
#: A value and the ends of its interval.
Interval = tuple[Known, Known, Known]
Outcomes = Annotated[tuple[Annotated[int, Field(ge=0, le=1)], ...], FROM_ARRAY]


class RocCurve(Part):
    """A mean curve over the repeats, and its area with an interval."""

    specificity: Row
    sensitivity: Row
    auc: Interval


class Band(Part):
    """The bootstrap band of the first curve."""

    specificity: Row
    low: Row
    high: Row


class Roc(Part):
    """ROC curves by score; the first has a band and an operating point (specificity, sensitivity)."""

    curves: dict[str, RocCurve] = Field(min_length=1)
    band: Band
    operating_point: tuple[Known, Known]


class PrecisionRecallCurve(Part):
    """The curve of one repeat, and the average precision over all repeats."""

    recall: Row
    precision: Row
    average_precision: Finite


class PrecisionRecall(Part):
    """Precision-recall curves by score."""

    curves: dict[str, PrecisionRecallCurve] = Field(min_length=1)
    prevalence: Finite


class CalibrationGroups(Part):
    """Groups of cases with similar probabilities."""

    predicted: Row
    observed: Row
    low: Row
    high: Row
    cases: tuple[int, ...]


class SmoothCurve(Part):
    """Observed frequency by predicted probability."""

    predicted: Row
    observed: Row


class CalibrationPoints(Part):
    """Probabilities of one repeat and the outcomes; null instead of a smooth curve where the cases are few."""

    probability: Row
    outcome: Outcomes
    groups: CalibrationGroups
    curve: SmoothCurve | None
    slope: Interval
    intercept: Interval
    brier: Finite


class Waterfall(Part):
    """The scores of one repeat with the outcomes."""

    scores: Row
    outcome: Outcomes
    cut_off: Finite


class Explanation(Part):
    """SHAP values and values of the model's inputs, and its features z-scored; a row for each case."""

    unit: str
    inputs: tuple[str, ...]
    shap: Matrix
    values: Matrix
    features: tuple[str, ...]
    standardised: Matrix
    outcome: Outcomes

    @model_validator(mode="after")
    def _one_shape(self) -> Explanation:
        for name, names in (("shap", self.inputs), ("values", self.inputs), ("standardised", self.features)):
            if np.shape(getattr(self, name)) != (len(self.outcome), len(names)):
                raise ValueError(f"'{name}' needs a row for each case and a column for each name")
        return self


class Lasso(Part):
    """Coefficients of the final LASSO over its penalties (steps, columns), and the deviance that chose one."""

    names: tuple[str, ...]
    penalties: Row
    coefficients: Matrix
    validated_penalties: Row
    deviance: Row
    deviance_se: Row
    minimum: Finite
    one_standard_error: Finite

    @model_validator(mode="after")
    def _one_shape(self) -> Lasso:
        if np.shape(self.coefficients) != (len(self.penalties), len(self.names)):
            raise ValueError("'coefficients' needs a row for each penalty and a column for each name")
        return self


class HabitatMeans(Part):
    """Mean entropy and intensity of the habitats, a row for each case that has all of them."""

    entropy: Matrix
    intensity: Matrix


class CurvePoint(Part):
    """AUC of each repeat of a training on fewer cases: on these cases, and on held-out ones."""

    cases: int
    training: Row
    held_out: Row


class FigureNumbers(Part):
    """The numbers by figure; null or empty: the study has no such figure, or ``figures_not_drawn`` gives the reason."""

    roc: Roc | None = None
    precision_recall: PrecisionRecall | None = None
    calibration: CalibrationPoints | None = None
    waterfall: Waterfall | None = None
    explanation: Explanation
    nomogram: NomogramPart | None = None
    """What its drawing needs."""
    nomogram_risks: Row = ()
    """Of the training cases, for the corrected calibration."""
    lasso: Lasso | None = None
    habitats: dict[str, HabitatMeans] = Field(default_factory=dict)
    permuted: Row = ()
    optimism: Row = ()
    """Of each bootstrap sample."""
    learning_curve: tuple[CurvePoint, ...] = ()
