"""The numbers that only a figure shows: curves, bands, and points of cases without their names."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from HabitatRadiomicsLib.model.nomogram import NomogramPart

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Row = tuple[_Finite, ...]
#: A row for each case.
_Matrix = tuple[_Row, ...]
#: Null where an interval has no end.
_Estimate = tuple[_Finite | None, _Finite | None, _Finite | None]
_Outcomes = tuple[Annotated[int, Field(ge=0, le=1)], ...]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RocCurve(_Part):
    """A mean curve over the repeats, and its area with an interval."""

    specificity: _Row
    sensitivity: _Row
    auc: _Estimate


class Band(_Part):
    """The bootstrap band of the first curve."""

    specificity: _Row
    low: _Row
    high: _Row


class Roc(_Part):
    """By score, the first with its band and its operating point (specificity, sensitivity)."""

    curves: dict[str, RocCurve] = Field(min_length=1)
    band: Band
    operating_point: tuple[_Finite | None, _Finite | None]


class PrecisionRecallCurve(_Part):
    """The curve of one repeat, and the average precision over all."""

    recall: _Row
    precision: _Row
    average_precision: _Finite


class PrecisionRecall(_Part):
    """By score."""

    curves: dict[str, PrecisionRecallCurve] = Field(min_length=1)
    prevalence: _Finite


class CalibrationGroups(_Part):
    """Groups of similar probability."""

    predicted: _Row
    observed: _Row
    low: _Row
    high: _Row
    cases: tuple[int, ...]


class SmoothCurve(_Part):
    """Observed frequency by probability."""

    predicted: _Row
    observed: _Row


class CalibrationPoints(_Part):
    """Probabilities of one repeat against what came of the cases; no smooth curve of few cases."""

    probability: _Row
    outcome: _Outcomes
    groups: CalibrationGroups
    curve: SmoothCurve | None
    slope: _Estimate
    intercept: _Estimate
    brier: _Finite


class Waterfall(_Part):
    """The scores of one repeat with the outcomes."""

    scores: _Row
    outcome: _Outcomes
    cut_off: _Finite


class Explanation(_Part):
    """SHAP values and values of the model's inputs, and its features z-scored; a row for each case."""

    unit: str
    inputs: tuple[str, ...]
    shap: _Matrix
    values: _Matrix
    features: tuple[str, ...]
    standardised: _Matrix
    outcome: _Outcomes

    @model_validator(mode="after")
    def _one_shape(self) -> Explanation:
        cases = len(self.outcome)
        for name, matrix, columns in (
            ("shap", self.shap, self.inputs),
            ("values", self.values, self.inputs),
            ("standardised", self.standardised, self.features),
        ):
            if np.shape(matrix) != (cases, len(columns)):
                raise ValueError(f"'{name}' needs a row for each case and a column for each name")
        return self


class Lasso(_Part):
    """Coefficients of the final LASSO over its penalties (steps, columns), and the deviance that chose one."""

    names: tuple[str, ...]
    penalties: _Row
    coefficients: _Matrix
    validated_penalties: _Row
    deviance: _Row
    deviance_se: _Row
    minimum: _Finite
    one_standard_error: _Finite

    @model_validator(mode="after")
    def _one_shape(self) -> Lasso:
        if np.shape(self.coefficients) != (len(self.penalties), len(self.names)):
            raise ValueError("'coefficients' needs a row for each penalty and a column for each name")
        return self


class HabitatMeans(_Part):
    """Mean entropy and intensity of the habitats, a row for each case that has them all."""

    entropy: _Matrix
    intensity: _Matrix


class CurvePoint(_Part):
    """AUC of each repeat of a training on fewer cases: on these, and on held-out ones."""

    cases: int
    training: _Row
    held_out: _Row


class FigureNumbers(_Part):
    """By figure; null, or empty: the study has no such figure, or ``figures_not_drawn`` says why."""

    roc: Roc | None = None
    precision_recall: PrecisionRecall | None = None
    calibration: CalibrationPoints | None = None
    waterfall: Waterfall | None = None
    explanation: Explanation
    nomogram: NomogramPart | None = None
    """What a drawing of it needs."""
    nomogram_risks: _Row = ()
    """Of the training cases, for the corrected calibration."""
    lasso: Lasso | None = None
    habitats: dict[str, HabitatMeans] = Field(default_factory=dict)
    permuted: _Row = ()
    optimism: _Row = ()
    """Of each bootstrap sample."""
    learning_curve: tuple[CurvePoint, ...] = ()
