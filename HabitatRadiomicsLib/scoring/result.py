"""The result of scoring one patient, and the notice that must accompany it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from HabitatRadiomicsLib import RESEARCH_USE_ONLY
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.nomogram import EVIDENCE
from HabitatRadiomicsLib.model.prediction import training_scores
from HabitatRadiomicsLib.scoring.explanation import Contribution


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ScoreResult:
    """The score of one patient by one model, with its explanation.

    Attributes:
        score: the linear rad-score; ``base`` is the mean score of the training cases.
        interval: of the score, from the bootstrap covariance of the coefficients; None for a classifier or published
            coefficients, which have no covariance.
        probability: None if the model has no calibration; its interval combines the uncertainty of the score's
            coefficients and of the calibration.
        values: of the model's features, harmonised.
        maps, prepared: of each sequence that the model needs, at each time point.
        site: where the images were made, as it was given.
    """

    model: Model
    score: float
    interval: Interval | None
    probability: float | None
    probability_interval: Interval | None
    positive: bool
    base: float
    values: Mapping[str, float]
    contributions: tuple[Contribution, ...]
    warnings: tuple[str, ...]
    maps: Mapping[str, HabitatMap]
    prepared: Mapping[str, PreparedSequence]
    provenance: Mapping[str, Any]
    site: str | None = None

    @property
    def call(self) -> str:
        """Positive or negative, in the endpoint's words."""
        return self.model.endpoint.positive if self.positive else self.model.endpoint.negative

    def document(self) -> dict[str, Any]:
        """``score.json``: everything except the pixels, and no identifier."""
        model = self.model
        return {
            "notice": notice(model),
            "model": {
                "name": model.name,
                "title": model.title,
                "evidence": model.evidence.kind,
                "sha256": self.provenance["model_sha256"],
            },
            "endpoint": model.endpoint.model_dump(mode="json"),
            "score": self.score,
            "score_interval": None if self.interval is None else asdict(self.interval),
            "probability": self.probability,
            "probability_interval": None if self.probability_interval is None else asdict(self.probability_interval),
            "cutoff": model.cutoff.model_dump(mode="json"),
            "call": self.call,
            "positive": self.positive,
            "base": self.base,
            "values": dict(self.values),
            "nomogram": self._nomogram(),
            "training_scores": training_scores(model).tolist(),
            "contributions": [asdict(contribution) for contribution in self.contributions],
            "habitats": {
                name: [asdict(row) for row in habitat_map.statistics] for name, habitat_map in self.maps.items()
            },
            "habitat_scales": {name: asdict(habitat_map.scale) for name, habitat_map in self.maps.items()},
            "warnings": list(self.warnings),
            "provenance": dict(self.provenance),
        }

    def _nomogram(self) -> dict[str, Any] | None:
        """The nomogram and the patient's rad-score; with the clinical values, all that a figure needs."""
        part = self.model.nomogram
        if part is None or part.rad_score.coefficient == 0:
            return None
        return {
            "rad_score": part.rad_score_of(self.score, self.values),
            "part": part.model_dump(mode="json", exclude=set(EVIDENCE)),
        }


def notice(model: Model) -> str:
    """The notice that must accompany every score of this model."""
    if model.is_demonstration:
        what = "Demonstration model, trained on synthetic images: its score says nothing of a patient."
        return f"{what} {RESEARCH_USE_ONLY}"
    return RESEARCH_USE_ONLY
