"""The methods text of a study, to be looked into."""

from __future__ import annotations

from typing import Any

from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs


def texts_of(study: dict[str, Any]) -> dict[str, str]:
    """Paragraphs by their anchor."""
    return {paragraph.anchor.removeprefix("methods-"): paragraph.text for paragraph in methods_paragraphs(study)}


def all_of(study: dict[str, Any]) -> str:
    """The whole text."""
    return " ".join(texts_of(study).values())


def bare(**protocol: Any) -> dict[str, Any]:
    """A study of which nothing but the settings is known."""
    return {"protocol": {"name": "bare", "title": "Bare", **protocol}}
