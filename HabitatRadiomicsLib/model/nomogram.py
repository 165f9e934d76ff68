"""The nomogram in a model file, and one patient in it: clinical values, risk, and points of each factor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from HabitatRadiomicsLib.cases.cohort.clinical_columns import is_missing, level_of, number_in
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.features.catalogue import CLINICAL, RAD_SCORE_TERM
from HabitatRadiomicsLib.model.nomogram_axes import Axis, NomogramScale, nomogram_scale, numeric_axis
from HabitatRadiomicsLib.protocol.base import FROM_ARRAY, Finite, Part, Row, Share
from HabitatRadiomicsLib.statistics.intervals import Estimate
from HabitatRadiomicsLib.statistics.logistic import OddsRatio

_NORMAL_95 = NormalDist().inv_cdf(0.975)


class RadScoreTerm(Part):
    """The rad-score in the nomogram: its coefficient, and its range in training."""

    coefficient: Finite
    minimum: Finite
    maximum: Finite


class ClinicalInput(Part):
    """One clinical value that the nomogram asks for."""

    name: str = Field(min_length=1)
    kind: Literal["numeric", "categorical"]
    levels: tuple[str, ...] = ()
    """Of a categorical input; the first is the reference."""
    labels: tuple[str, ...] = ()
    """What a form calls the levels, in their order."""
    usual: str
    """Median or most frequent level in training, where it replaced missing values."""
    minimum: Finite = 0.0
    """Of a numeric input in training; a value outside the range causes a warning."""
    maximum: Finite = 0.0
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

    def problem_with(self, text: str) -> str:
        """Why a text cannot be used, as a sentence with the allowed values; empty if it can."""
        if is_missing(text):
            return f"'{self.name}' is missing; {self.allowed}."
        return "" if self.read(text) else f"'{text}' is not a valid value of '{self.name}'; {self.allowed}."

    def extrapolation_of(self, text: str) -> str:
        """A sentence if a number lies outside the training cases' range; else empty."""
        value = number_in(text) if self.kind == "numeric" else None
        if value is None or self.minimum <= value <= self.maximum:
            return ""
        return (
            f"The {self.name} of {value:.4g} lies outside the training cases' range of {self.minimum:.4g} to "
            f"{self.maximum:.4g}."
        )

    @model_validator(mode="after")
    def _complete(self) -> ClinicalInput:
        if self.kind == "numeric" and (self.levels or self.labels or self.minimum >= self.maximum):
            raise ValueError("a numeric input has a minimum below its maximum, and no levels")
        if self.kind == "categorical" and (len(self.levels) < 2 or len(set(self.levels)) != len(self.levels)):
            raise ValueError("a categorical input has two different levels at least")
        if len(self.labels) != len(self.levels):
            raise ValueError("every level needs a label")
        return self


class ClinicalTerm(Part):
    """Coefficient of one column, per unit of a number or for having a level."""

    term: str
    coefficient: Finite


class UnivariateLine(Part):
    """A clinical factor tested alone; the values of the cases without and with the outcome, in words."""

    factor: str
    kind: Literal["numeric", "categorical"]
    test: str | None
    statistic: Finite | None
    p: Share | None
    without: str
    with_outcome: str


class CalibrationCurve(Part):
    """Observed risk by predicted probability, apparent and corrected by bootstrap; all of one length."""

    predicted: Annotated[tuple[Share, ...], FROM_ARRAY] = Field(min_length=2)
    apparent: Row
    corrected: Row
    mean_absolute_error: Finite
    quantile_90: Finite
    samples: int = Field(ge=1)

    @model_validator(mode="after")
    def _one_length(self) -> CalibrationCurve:
        if not len(self.predicted) == len(self.apparent) == len(self.corrected):
            raise ValueError("the calibration curve needs as many apparent and corrected as predicted risks")
        return self


class HosmerLemeshow(Part):
    """The test on the training cases; a small p means that the probabilities do not fit."""

    statistic: Finite
    degrees: int = Field(ge=1)
    p: Share


class ClinicalModelPart(Part):
    """The clinical factors alone, to compare the nomogram with: ``log odds = intercept + the terms``."""

    intercept: Finite
    inputs: tuple[ClinicalInput, ...] = Field(min_length=1)
    terms: tuple[ClinicalTerm, ...]
    """In the order of the inputs and their levels."""

    @model_validator(mode="after")
    def _consistent(self) -> ClinicalModelPart:
        if [term.term for term in self.terms] != [term for variable in self.inputs for term in variable.terms]:
            raise ValueError("the terms must be those of the inputs, in their order")
        return self

    def linear(self, given: Mapping[str, str]) -> float:
        """The linear predictor of one patient; a missing or unreadable value is replaced by the usual one.

        Args:
            given: texts by the inputs' names; others are ignored.
        """
        values: dict[str, float] = {}
        for variable in self.inputs:
            text = given.get(variable.name, "").strip()
            known = None if is_missing(text) else variable.read(text)
            values |= known or variable.read(variable.usual) or {}
        return self.intercept + sum(term.coefficient * values[term.term] for term in self.terms)


#: Fields that a drawing of the nomogram does not need.
EVIDENCE = frozenset({"univariate", "multivariable", "left_out", "calibration", "hosmer_lemeshow", "clinical_model"})


class NomogramPart(Part):
    """``log odds = intercept + rad_score.coefficient * rad-score + the clinical terms``."""

    intercept: Finite
    rad_score: RadScoreTerm
    inputs: tuple[ClinicalInput, ...] = ()
    terms: tuple[ClinicalTerm, ...] = ()
    """In the order of the inputs and their levels."""
    covariance: tuple[tuple[Finite, ...], ...]
    """Of (intercept, rad-score, terms)."""
    linear_minimum: Finite
    """Range of the linear predictors of the training cases, which the axes of total points and risk cover."""
    linear_maximum: Finite
    univariate: tuple[UnivariateLine, ...] = ()
    multivariable: tuple[OddsRatio, ...] = ()
    """The model with every factor that entered; the final model has those that were kept."""
    left_out: dict[str, str] = Field(default_factory=dict)
    """Why a clinical variable is not in the nomogram."""
    calibration: CalibrationCurve | None = None
    hosmer_lemeshow: HosmerLemeshow | None = None
    clinical_model: ClinicalModelPart | None = None
    """For comparison in other cohorts; null: no clinical factor was kept without the rad-score, or an older file."""

    @model_validator(mode="after")
    def _consistent(self) -> NomogramPart:
        names = [RAD_SCORE_TERM, *(variable.name for variable in self.inputs)]
        if len(set(names)) != len(names):
            raise ValueError("each clinical input needs a name of its own")
        if [term.term for term in self.terms] != [term for variable in self.inputs for term in variable.terms]:
            raise ValueError("the terms must be those of the inputs, in their order")
        if np.shape(self.covariance) != (len(self.terms) + 2, len(self.terms) + 2):
            raise ValueError("'covariance' needs a row and a column for the intercept, the rad-score and each term")
        if self.rad_score.minimum >= self.rad_score.maximum or self.linear_minimum > self.linear_maximum:
            raise ValueError("a minimum lies above its maximum")
        return self

    @property
    def final(self) -> tuple[OddsRatio, ...]:
        """The odds ratios of the final model, the rad-score first; p is Wald's."""
        coefficients = [self.rad_score.coefficient, *(term.coefficient for term in self.terms)]
        errors = np.sqrt(np.diag(self.covariance))[1:].tolist()
        names = [RAD_SCORE_TERM, *(term.term for term in self.terms)]
        return tuple(
            OddsRatio(name, value, error, 2 * NormalDist().cdf(-abs(value / error)))
            for name, value, error in zip(names, coefficients, errors)
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

    def probability(self, rad_score: float, values: Mapping[str, float]) -> Estimate:
        """The risk of one patient with its 95% Wald interval; the rad-score's own uncertainty is not in it."""
        from scipy.special import expit

        row = np.array([1.0, rad_score, *(values[term.term] for term in self.terms)])
        reach = _NORMAL_95 * float(np.sqrt(row @ np.array(self.covariance) @ row))
        middle = self.linear(rad_score, values)
        return Estimate(*(float(expit(middle + step)) for step in (0.0, -reach, reach)))

    def effects(self, rad_score: float, values: Mapping[str, float]) -> dict[str, float]:
        """What each axis of `scale` adds to the linear predictor of one patient, by its name."""
        by_term = {term.term: term.coefficient * values[term.term] for term in self.terms}
        clinical = {variable.name: sum(by_term[term] for term in variable.terms) for variable in self.inputs}
        return {RAD_SCORE_TERM: self.rad_score.coefficient * rad_score, **clinical}

    @property
    def axis_names(self) -> dict[str, str]:
        """Display names of the axes of `scale`, with their units."""
        units = {variable.name: f" ({variable.unit})" if variable.unit else "" for variable in self.inputs}
        return {RAD_SCORE_TERM: "Rad-score", **{name: name + unit for name, unit in units.items()}}

    def scale(self) -> NomogramScale:
        """The axes: first that of the rad-score, then one for each input.

        Raises:
            EvaluationError: no term has an effect.
        """
        coefficients = {term.term: term.coefficient for term in self.terms}
        axes = [
            numeric_axis(RAD_SCORE_TERM, self.rad_score.coefficient, self.rad_score.minimum, self.rad_score.maximum)
        ]
        for variable in self.inputs:
            effects = [coefficients[term] for term in variable.terms]
            if variable.kind == "numeric":
                axes.append(numeric_axis(variable.name, effects[0], variable.minimum, variable.maximum))
            else:
                axes.append(Axis(variable.name, variable.labels, np.array([0.0, *effects]), numeric=False))
        return nomogram_scale(axes, self.intercept, (self.linear_minimum, self.linear_maximum))


@dataclass(frozen=True)
class FactorPoints:
    """One axis of the nomogram: the patient's value, in words, and its points."""

    factor: str
    value: str
    points: float


@dataclass(frozen=True)
class PatientNomogram:
    """A nomogram and one patient's values; ``outcome`` names the outcome that the risk refers to."""

    part: NomogramPart
    rad_score: float
    values: Mapping[str, float]
    outcome: str

    @property
    def rows(self) -> tuple[FactorPoints, ...]:
        """The axes, the rad-score's first."""
        points, written = self.part.scale().points(self.effects), self.written
        return tuple(FactorPoints(name, written[axis], points[axis]) for axis, name in self.names.items())

    @property
    def total(self) -> float:
        """The sum of the points."""
        return sum(row.points for row in self.rows)

    @property
    def risk(self) -> Estimate:
        """The probability of the outcome with its 95% interval, of the nomogram as it was fitted."""
        return self.part.probability(self.rad_score, self.values)

    @property
    def effects(self) -> dict[str, float]:
        """What each axis adds to the linear predictor."""
        return self.part.effects(self.rad_score, self.values)

    @property
    def names(self) -> dict[str, str]:
        """Display names of the axes, with their units."""
        return {**self.part.axis_names, RAD_SCORE_TERM: RAD_SCORE_TERM}

    @property
    def written(self) -> dict[str, str]:
        """The patient's values by axis, in words."""
        rounded = f"{round(self.rad_score, 2) + 0.0:.2f}".replace("-", "−")
        return {RAD_SCORE_TERM: rounded, **{variable.name: self._value(variable) for variable in self.part.inputs}}

    def _value(self, variable: ClinicalInput) -> str:
        if variable.kind == "numeric":
            return f"{self.values[variable.terms[0]]:g}"
        indicators = [self.values[term] for term in variable.terms]
        return variable.labels[1 + indicators.index(1.0)] if 1.0 in indicators else variable.labels[0]


def patient_nomogram(score: Mapping[str, Any]) -> PatientNomogram | None:
    """The nomogram of a model with the patient's values; None if the model has no nomogram.

    Args:
        score: the document of ``score.json``, also of an earlier version.
    """
    nomogram = score.get("nomogram")
    if nomogram is None:
        return None
    part = NomogramPart.model_validate(nomogram["part"])
    return PatientNomogram(part, nomogram["rad_score"], score["values"], score["endpoint"]["name"])


def clinical_values(part: NomogramPart, given: Mapping[str, str]) -> dict[str, float]:
    """The value of each clinical term of one patient.

    Missing values are not imputed: whoever requests one patient's risk can obtain the patient's values.

    Args:
        given: texts by the inputs' names: numbers with point or comma, levels or their labels; others are ignored.

    Raises:
        ModelError: missing values, values that are not numbers, or unknown levels; all reported at once, with the
            allowed values.
    """
    texts = {variable: given.get(variable.name, "").strip() for variable in part.inputs}
    problems = [problem for variable, text in texts.items() if (problem := variable.problem_with(text))]
    if problems:
        raise ModelError(" ".join(problems), where="clinical values", remedy="Complete or correct them.")
    return {term: value for variable, text in texts.items() for term, value in (variable.read(text) or {}).items()}
