"""The frozen habitats of a population, which a protocol or a model carries from the cohort to the next patient."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Finite = Annotated[float, Field(allow_inf_nan=False)]


class HabitatCount(BaseModel):
    """How well K habitats describe the superpixels, and whether K was acceptable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    k: int = Field(ge=2)
    calinski_harabasz: _Finite
    silhouette: _Finite
    rejected: str | None = None
    """Why this K cannot be used, as a sentence; null when it can."""


class ChoiceOfK(BaseModel):
    """The criteria for each K, and the K that was chosen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chosen: int = Field(ge=2)
    rule: str
    candidates: tuple[HabitatCount, ...]


class HabitatModel(BaseModel):
    """Habitat centroids in the plane of (z intensity, z local entropy), S1 first.

    S1..SK are ordered by mean local entropy, then intensity, ascending: S1 is the orderly margin, SK the most
    heterogeneous core. A superpixel belongs to the nearest centroid (Euclidean; of equally near ones the first).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence: str
    centroids: tuple[tuple[_Finite, _Finite], ...] = Field(min_length=2)
    patients: int = Field(ge=1)
    superpixels: int = Field(ge=2)
    choice: ChoiceOfK

    @model_validator(mode="after")
    def _ordered(self) -> HabitatModel:
        keys = [(entropy, intensity) for intensity, entropy in self.centroids]
        if keys != sorted(keys):
            raise ValueError("the centroids must be ordered by entropy, then intensity, ascending")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """``("S1", ..., "SK")``."""
        return tuple(f"S{index + 1}" for index in range(len(self.centroids)))

    @property
    def of_one_patient(self) -> bool:
        """True when the habitats come from a single patient and cannot be transferred to another."""
        return self.patients == 1
