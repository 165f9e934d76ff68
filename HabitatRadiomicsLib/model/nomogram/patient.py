"""One patient in a nomogram: which clinical values can be used, points of each factor, their sum, and the risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from HabitatRadiomicsLib.cases.cohort.cells import is_missing, number_in
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.features.catalogue import RAD_SCORE_TERM
from HabitatRadiomicsLib.model.nomogram.part import ClinicalInput, NomogramPart
from HabitatRadiomicsLib.statistics.intervals import Estimate


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
        worth, written = self.part.scale().points(self.effects), self.written
        return tuple(FactorPoints(name, written[axis], worth[axis]) for axis, name in self.names.items())

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
        return {RAD_SCORE_TERM: rounded, **{one.name: self._value(one) for one in self.part.inputs}}

    def _value(self, one: ClinicalInput) -> str:
        if one.kind == "numeric":
            return f"{self.values[one.terms[0]]:g}"
        indicators = [self.values[term] for term in one.terms]
        return one.labels[1 + indicators.index(1.0)] if 1.0 in indicators else one.labels[0]


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
        given: texts by the inputs' names, numbers with point or comma, levels or their labels; more do not matter.

    Raises:
        ModelError: missing values, values that are not numbers, or unknown levels; all reported at once, with the
        allowed values.
    """
    texts = {one: given.get(one.name, "").strip() for one in part.inputs}
    problems = [problem for one, text in texts.items() if (problem := problem_with(one, text))]
    if problems:
        raise ModelError(" ".join(problems), where="clinical values", remedy="Complete or correct them.")
    return {term: value for one, text in texts.items() for term, value in (one.read(text) or {}).items()}


def problem_with(one: ClinicalInput, text: str) -> str:
    """Why a text cannot be used for an input, as a sentence with the allowed values; empty if it can."""
    if is_missing(text):
        return f"'{one.name}' is missing; {one.allowed}."
    return "" if one.read(text) else f"'{text}' is not a valid value of '{one.name}'; {one.allowed}."


def extrapolation_of(one: ClinicalInput, text: str) -> str:
    """A sentence where a number lies outside the training cases' range; else empty."""
    value = number_in(text) if one.kind == "numeric" else None
    if value is None or one.minimum <= value <= one.maximum:
        return ""
    return (
        f"The {one.name} of {value:.4g} lies outside the training cases' range of {one.minimum:.4g} to "
        f"{one.maximum:.4g}."
    )
