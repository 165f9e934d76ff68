"""The bundled checklists, from ``Resources/Checklists``."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import Field, TypeAdapter, model_validator

from HabitatRadiomicsLib.protocol.base import Part
from HabitatRadiomicsLib.system.resources import resources_folder

#: In the order of the report.
_FILES = ("metrics.yaml", "clear.yaml", "tripod-ai.yaml")


class Question(Part):
    """A question to the user: yes, no or, if offered, not applicable."""

    text: str
    not_applicable: bool = False


class _Decided(Part):
    text: str
    evidence: str | None = None
    """Name of a rule that decides from the study."""
    answer: str | None = None
    """Name of a question that decides."""

    @model_validator(mode="after")
    def _decidable(self) -> _Decided:
        if self.evidence is None and self.answer is None:
            raise ValueError("give 'evidence', 'answer' or both")
        return self


class Condition(_Decided):
    """Items that depend on a condition apply only if it is met."""


class Item(_Decided):
    """One line of a checklist."""

    id: str
    section: str
    weight: float | None = Field(None, gt=0)
    """Of METRICS, as published; the weights of all items sum to 1."""
    either: bool = False
    """Evidence or answer is enough; otherwise both are needed if both are given."""
    essential: bool = True
    applies_if: tuple[str, ...] = ()
    """Conditions that must all be met."""


class Checklist(Part):
    """A published checklist, with its items in shorter words."""

    name: str
    title: str
    citation: str
    doi: str
    licence: str
    conditions: dict[str, Condition] = Field(default_factory=dict)
    items: tuple[Item, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Checklist:
        ids = [item.id for item in self.items]
        if len(set(ids)) != len(ids):
            raise ValueError("each item may be listed only once")
        if unknown := {name for item in self.items for name in item.applies_if} - set(self.conditions):
            raise ValueError(f"unknown conditions: {', '.join(sorted(unknown))}")
        return self


def load_checklists() -> tuple[Checklist, ...]:
    """METRICS, CLEAR and TRIPOD+AI."""
    return tuple(Checklist.model_validate(_document(name)) for name in _FILES)


def load_questions() -> dict[str, Question]:
    """Every question of the checklists, by its name in ``answers.yaml``."""
    return TypeAdapter(dict[str, Question]).validate_python(_document("questions.yaml"))


def _document(name: str) -> Any:
    return yaml.safe_load((resources_folder() / "Checklists" / name).read_text(encoding="utf-8"))
