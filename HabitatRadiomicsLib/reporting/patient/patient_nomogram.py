"""A patient's place in a nomogram: points of each factor, their sum, and the risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.features.catalogue import RAD_SCORE_TERM
from HabitatRadiomicsLib.model.nomogram_part import ClinicalInput, NomogramPart
from HabitatRadiomicsLib.reporting.figures.nomogram_figure import nomogram_figure
from HabitatRadiomicsLib.reporting.text.wording import decimals
from HabitatRadiomicsLib.statistics.intervals import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class FactorPoints:
    """One axis of the nomogram: what the patient has, in words, and what it is worth."""

    factor: str
    value: str
    points: float


@dataclass(frozen=True)
class PatientNomogram:
    """A nomogram and one patient's values; ``outcome`` is what the risk is of."""

    part: NomogramPart
    rad_score: float
    values: Mapping[str, float]
    outcome: str

    @property
    def rows(self) -> tuple[FactorPoints, ...]:
        """The axes, the rad-score's first."""
        worth = self.part.scale().points(self._effects)
        return tuple(FactorPoints(name, self._written[axis], worth[axis]) for axis, name in self._names.items())

    @property
    def total(self) -> float:
        """The sum of the points."""
        return sum(row.points for row in self.rows)

    @property
    def risk(self) -> Estimate:
        """The probability of the outcome with its 95% interval, of the nomogram as it was fitted."""
        return self.part.probability(self.rad_score, self.values)

    def figure(self) -> Figure:
        """The nomogram with the patient's place on every axis."""
        return nomogram_figure(
            self.part.scale(), outcome=self.outcome, names=self._names, patient=self._effects, written=self._written
        )

    @property
    def _effects(self) -> dict[str, float]:
        return self.part.effects(self.rad_score, self.values)

    @property
    def _names(self) -> dict[str, str]:
        units = {one.name: f" ({one.unit})" if one.unit else "" for one in self.part.inputs}
        return {RAD_SCORE_TERM: RAD_SCORE_TERM, **{name: name + unit for name, unit in units.items()}}

    @property
    def _written(self) -> dict[str, str]:
        return {RAD_SCORE_TERM: decimals(self.rad_score), **{one.name: self._value(one) for one in self.part.inputs}}

    def _value(self, one: ClinicalInput) -> str:
        if one.kind == "numeric":
            return f"{self.values[one.terms[0]]:g}"
        indicators = [self.values[term] for term in one.terms]
        return one.labels[1 + indicators.index(1.0)] if 1.0 in indicators else one.labels[0]


def patient_nomogram(score: Mapping[str, Any]) -> PatientNomogram | None:
    """The patient's place in the nomogram of a model that has one.

    Args:
        score: the document of ``score.json``, also of an earlier version.
    """
    found = score.get("nomogram")
    if found is None:
        return None
    part = NomogramPart.model_validate(found["part"])
    return PatientNomogram(part, found["rad_score"], score["values"], score["endpoint"]["name"])
