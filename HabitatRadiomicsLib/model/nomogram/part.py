"""The nomogram in a model file: everything needed to ask for clinical values, compute a risk and draw the axes."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from HabitatRadiomicsLib.cases.cohort.cells import is_missing, level_of, number_in
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.features.catalogue import CLINICAL, RAD_SCORE_TERM
from HabitatRadiomicsLib.model.nomogram.points import CategoricalFactor, NomogramScale, NumericFactor, nomogram_scale
from HabitatRadiomicsLib.statistics.intervals import Estimate
from HabitatRadiomicsLib.statistics.logistic import OddsRatio

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RadScoreTerm(_Part):
    """The rad-score in the nomogram: its coefficient, and its range in training."""

    coefficient: _Finite
    minimum: _Finite
    maximum: _Finite


class ClinicalInput(_Part):
    """One clinical value that the nomogram asks for."""

    name: str = Field(min_length=1)
    kind: Literal["numeric", "categorical"]
    levels: tuple[str, ...] = ()
    """Of a categorical one; the others are compared with the first."""
    labels: tuple[str, ...] = ()
    """What a form calls the levels, in their order."""
    usual: str
    """Median or most frequent level of training: what stood in for missing values there."""
    minimum: _Finite = 0.0
    """Of a numeric one in training; a value outside draws a warning."""
    maximum: _Finite = 0.0
    unit: str = ""

    @property
    def terms(self) -> tuple[str, ...]:
        """``clinical:age``, or ``clinical:stage=II`` for each level but the first."""
        if self.kind == "numeric":
            return (f"{CLINICAL}{self.name}",)
        return tuple(f"{CLINICAL}{self.name}={level}" for level in self.levels[1:])

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.kind == "categorical":
            return f"allowed are {', '.join(self.levels)}"
        unit = f" {self.unit}" if self.unit else ""
        return f"a number is needed, {self.minimum:g} to {self.maximum:g}{unit} in training"

    def read(self, text: str) -> dict[str, float] | None:
        """The values of the terms; None where the text is neither a number, a level nor a level's label."""
        if self.kind == "numeric":
            number = number_in(text)
            return None if number is None else {self.terms[0]: number}
        level, label = level_of(text, self.levels), level_of(text, self.labels)
        if level is None and label is not None:
            level = self.levels[self.labels.index(label)]
        if level is None:
            return None
        return {term: float(level == other) for term, other in zip(self.terms, self.levels[1:])}

    @model_validator(mode="after")
    def _complete(self) -> ClinicalInput:
        if self.kind == "numeric" and (self.levels or self.labels or self.minimum >= self.maximum):
            raise ValueError("a numeric input has a minimum below its maximum, and no levels")
        if self.kind == "categorical" and (len(self.levels) < 2 or len(set(self.levels)) != len(self.levels)):
            raise ValueError("a categorical input has two different levels at least")
        if len(self.labels) != len(self.levels):
            raise ValueError("every level needs a label")
        return self


class ClinicalTerm(_Part):
    """Coefficient of one column: per unit of a number, or of having a level."""

    term: str
    coefficient: _Finite


class UnivariateLine(_Part):
    """A clinical factor tested alone; the cases of either outcome in words."""

    factor: str
    kind: Literal["numeric", "categorical"]
    test: str | None
    statistic: _Finite | None
    p: _Share | None
    without: str
    with_outcome: str


class OddsRatioLine(_Part):
    """One term of a multivariable model, as log odds ratio; p is Wald's."""

    term: str
    coefficient: _Finite
    standard_error: _Positive
    p: _Share

    def ratio(self, *, level: float = 0.95) -> tuple[float, float, float]:
        """Odds ratio and its Wald interval."""
        return OddsRatio(self.term, self.coefficient, self.standard_error, self.p).ratio(level=level)


class CalibrationCurve(_Part):
    """Observed risk by predicted probability, apparent and corrected by bootstrap; all of one length."""

    predicted: tuple[_Share, ...] = Field(min_length=2)
    apparent: tuple[_Finite, ...]
    corrected: tuple[_Finite, ...]
    mean_absolute_error: _Finite
    quantile_90: _Finite
    samples: int = Field(ge=1)

    @model_validator(mode="after")
    def _one_length(self) -> CalibrationCurve:
        if not len(self.predicted) == len(self.apparent) == len(self.corrected):
            raise ValueError("the calibration curve needs as many apparent and corrected as predicted risks")
        return self


class HosmerLemeshow(_Part):
    """On the training cases; small p: the probabilities do not fit."""

    statistic: _Finite
    degrees: int = Field(ge=1)
    p: _Share


class ClinicalModelPart(_Part):
    """What the nomogram is compared with: ``log odds = intercept + the terms`` of clinical factors alone."""

    intercept: _Finite
    inputs: tuple[ClinicalInput, ...] = Field(min_length=1)
    terms: tuple[ClinicalTerm, ...]
    """In the order of the inputs and their levels."""

    @model_validator(mode="after")
    def _consistent(self) -> ClinicalModelPart:
        if [term.term for term in self.terms] != [term for one in self.inputs for term in one.terms]:
            raise ValueError("the terms must be those of the inputs, in their order")
        return self

    def linear(self, given: Mapping[str, str]) -> float:
        """The linear predictor of one patient, with training's usual value for one that is missing or cannot be read.

        Args:
            given: texts by the inputs' names; more do not matter.
        """
        values: dict[str, float] = {}
        for one in self.inputs:
            text = given.get(one.name, "").strip()
            known = None if is_missing(text) else one.read(text)
            values |= known or one.read(one.usual) or {}
        return self.intercept + sum(term.coefficient * values[term.term] for term in self.terms)


#: Fields that a drawing of the nomogram does not need.
EVIDENCE = frozenset({"univariate", "multivariable", "left_out", "calibration", "hosmer_lemeshow", "clinical_model"})


class NomogramPart(_Part):
    """``log odds = intercept + rad_score.coefficient * rad-score + the clinical terms``."""

    intercept: _Finite
    rad_score: RadScoreTerm
    inputs: tuple[ClinicalInput, ...] = ()
    terms: tuple[ClinicalTerm, ...] = ()
    """In the order of the inputs and their levels."""
    covariance: tuple[tuple[_Finite, ...], ...]
    """Of (intercept, rad-score, terms)."""
    linear_minimum: _Finite
    """Linear predictors of the training cases: how far the axes of total points and risk reach."""
    linear_maximum: _Finite
    univariate: tuple[UnivariateLine, ...] = ()
    multivariable: tuple[OddsRatioLine, ...] = ()
    """With every factor that entered; the final model has those that stayed."""
    left_out: dict[str, str] = Field(default_factory=dict)
    """Clinical variables that are not in the nomogram, and why."""
    calibration: CalibrationCurve | None = None
    hosmer_lemeshow: HosmerLemeshow | None = None
    clinical_model: ClinicalModelPart | None = None
    """To compare with in other cohorts; null: no clinical factor stays without the rad-score, or an older file."""

    @model_validator(mode="after")
    def _consistent(self) -> NomogramPart:
        names = [RAD_SCORE_TERM, *(one.name for one in self.inputs)]
        if len(set(names)) != len(names):
            raise ValueError("each clinical input needs a name of its own")
        if [term.term for term in self.terms] != [term for one in self.inputs for term in one.terms]:
            raise ValueError("the terms must be those of the inputs, in their order")
        if np.shape(self.covariance) != (len(self.terms) + 2, len(self.terms) + 2):
            raise ValueError("'covariance' needs a row and a column for the intercept, the rad-score and each term")
        if self.rad_score.minimum >= self.rad_score.maximum or self.linear_minimum > self.linear_maximum:
            raise ValueError("a minimum lies above its maximum")
        return self

    @property
    def final(self) -> tuple[OddsRatioLine, ...]:
        """The odds ratios of the final model, the rad-score first."""
        coefficients = [self.rad_score.coefficient, *(term.coefficient for term in self.terms)]
        errors = np.sqrt(np.diag(self.covariance))[1:]
        names = [RAD_SCORE_TERM, *(term.term for term in self.terms)]
        return tuple(
            OddsRatioLine(
                term=name, coefficient=value, standard_error=error, p=2 * NormalDist().cdf(-abs(value / error))
            )
            for name, value, error in zip(names, coefficients, errors.tolist())
        )

    def linear(self, rad_score: float, values: Mapping[str, float]) -> float:
        """The linear predictor of one patient.

        Args:
            values: by term, as :func:`clinical_values` gives them.
        """
        clinical = sum(term.coefficient * values[term.term] for term in self.terms)
        return self.intercept + self.rad_score.coefficient * rad_score + clinical

    def rad_score_of(self, linear: float, values: Mapping[str, float]) -> float:
        """The rad-score behind one patient's linear predictor: the inverse of :meth:`linear`.

        Raises:
            ModelError: the rad-score has no effect in this nomogram.
        """
        if self.rad_score.coefficient == 0:
            raise ModelError("The rad-score has no effect in this nomogram.", where="nomogram")
        return (linear - self.linear(0.0, values)) / self.rad_score.coefficient

    def probability(self, rad_score: float, values: Mapping[str, float], *, level: float = 0.95) -> Estimate:
        """The risk of one patient with its Wald interval; the rad-score is taken as it is."""
        from scipy.special import expit

        row = np.array([1.0, rad_score, *(values[term.term] for term in self.terms)])
        reach = NormalDist().inv_cdf(0.5 + level / 2) * float(np.sqrt(row @ np.array(self.covariance) @ row))
        middle = self.linear(rad_score, values)
        return Estimate(*(float(expit(middle + step)) for step in (0.0, -reach, reach)))

    def effects(self, rad_score: float, values: Mapping[str, float]) -> dict[str, float]:
        """What each axis of `scale` adds to the linear predictor of one patient, by its name."""
        by_term = {term.term: term.coefficient * values[term.term] for term in self.terms}
        clinical = {one.name: sum(by_term[term] for term in one.terms) for one in self.inputs}
        return {RAD_SCORE_TERM: self.rad_score.coefficient * rad_score, **clinical}

    @property
    def axis_names(self) -> dict[str, str]:
        """Display names of the axes of `scale`, with their units."""
        clinical = {one.name: f"{one.name} ({one.unit})" if one.unit else one.name for one in self.inputs}
        return {RAD_SCORE_TERM: "Rad-score", **clinical}

    def scale(self) -> NomogramScale:
        """The axes: first that of the rad-score, then one for each input."""
        coefficients = {term.term: term.coefficient for term in self.terms}
        factors: list[NumericFactor | CategoricalFactor] = [
            NumericFactor(RAD_SCORE_TERM, self.rad_score.coefficient, self.rad_score.minimum, self.rad_score.maximum)
        ]
        for one in self.inputs:
            effects = [coefficients[term] for term in one.terms]
            if one.kind == "numeric":
                factors.append(NumericFactor(one.name, effects[0], one.minimum, one.maximum))
            else:
                factors.append(CategoricalFactor(one.name, one.labels, (0.0, *effects)))
        return nomogram_scale(factors, self.intercept, (self.linear_minimum, self.linear_maximum))
