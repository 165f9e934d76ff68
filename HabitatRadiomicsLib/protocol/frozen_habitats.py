"""The frozen habitats of a population, which a protocol or a model applies to the next patient."""

from __future__ import annotations

from pydantic import Field, model_validator

from HabitatRadiomicsLib.protocol.base import Finite, Part


class HabitatCount(Part):
    """How well K habitats describe the superpixels, and whether K is acceptable."""

    k: int = Field(ge=2)
    calinski_harabasz: Finite
    silhouette: Finite
    rejected: str | None = None
    """Why this K cannot be used, as a sentence; null if it can."""


class ChoiceOfK(Part):
    """The criteria for each K, and the K that was chosen."""

    chosen: int = Field(ge=2)
    rule: str
    candidates: tuple[HabitatCount, ...]


class HabitatModel(Part):
    """Habitat centroids in the plane of (z intensity, z local entropy), S1 first.

    S1..SK are ordered by mean local entropy, then intensity, ascending: S1 is the most homogeneous habitat, SK the most
    heterogeneous one. A superpixel belongs to the nearest centroid (Euclidean distance; in a tie, the first).
    """

    sequence: str
    centroids: tuple[tuple[Finite, Finite], ...] = Field(min_length=2)
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
        """Whether the habitats come from a single patient and cannot be applied to another."""
        return self.patients == 1
