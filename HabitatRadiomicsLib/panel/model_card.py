"""The summary of a model, read from its file with only the standard library.

A window can show it before the packages are installed that the whole model needs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib import EVIDENCE_IN_WORDS
from HabitatRadiomicsLib.errors import ModelError


@dataclass(frozen=True)
class ClinicalQuestion:
    """A clinical value that the nomogram needs, as a form asks for it.

    Attributes:
        choices: labels of a categorical value by level; empty for a number.
        minimum, maximum: range of a number in the training cases, in ``unit``.
    """

    name: str
    choices: Mapping[str, str]
    minimum: float
    maximum: float
    unit: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class ModelCard:
    """A model in a few lines of text.

    Attributes:
        lines: intended use, evidence and performance; a sentence or two each.
        sequences: images that a patient must have; with two time points ``baseline_CT`` and the like.
        timepoints: the earlier and the later time point; empty for models of one time point.
        clinical: clinical values that a patient must have.
        sites: where the training cases were acquired, if the file states it.
        needs_site: the model harmonises sites; a patient from another or an unknown site cannot be scored.
        document: the file's content.
    """

    name: str
    title: str
    sequences: tuple[str, ...]
    timepoints: tuple[str, ...]
    clinical: tuple[ClinicalQuestion, ...]
    lines: tuple[str, str, str]
    sites: tuple[str, ...]
    needs_site: bool
    document: Mapping[str, Any]

    def html(self) -> str:
        """The card as an HTML page, with every feature and its coefficient."""
        document = self.document
        evidence = document["evidence"]
        facts = {
            "Intended use": document["intended_use"],
            "Endpoint": f"{document['endpoint']['name']}: {document['endpoint']['positive']} at or above the cut-off, "
            f"{document['endpoint']['negative']} below",
            "Evidence": self.lines[1],
            "Performance": self.lines[2],
            "Method": (evidence.get("performance") or {}).get("method", "not stated"),
            "Sites": ", ".join(evidence.get("sites", ())) or "not stated",
            "Cut-off": f"{document['cutoff']['value']:.3f} ({document['cutoff']['rule']})",
            "Protocol": document["protocol"]["name"],
            "Licence": " ".join(filter(None, (evidence["licence"], evidence.get("attribution", "")))),
            "SHA-256": str(document.get("sha256", "")),
        }
        rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts.items())
        terms = "".join(
            f"<tr><td>{_number(row['coefficient'], '+.4f')}</td><td>{escape(row['name'])}</td>"
            f"<td>{_number(row['mean'], '.4g')}</td><td>{_number(row['sd'], '.4g')}</td></tr>"
            for row in document["features"]
        )
        classifier = document.get("classifier")
        formula = (
            f"Intercept {document['intercept']:+.4f}, plus coefficient x (value - mean) / SD of each feature."
            if classifier is None
            else f"The score of the classifier {escape(classifier['name'])}, given "
            f"{escape(', '.join(row['name'] for row in classifier['inputs']))}."
        )
        return (
            f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{escape(self.title)}</title><style>"
            "body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:24px auto;padding:0 16px}"
            "th,td{text-align:left;vertical-align:top;padding:4px 12px 4px 0;border-bottom:1px solid #ddd}"
            f"</style></head><body><h1>{escape(self.title)}</h1><table>{rows}</table><h2>Score</h2><p>"
            f"{formula}</p><table><tr>"
            f"<th>coefficient</th><th>feature</th><th>mean</th><th>SD</th></tr>{terms}</table></body></html>\n"
        )


def _number(value: float | None, pattern: str) -> str:
    """The formatted value; empty where a classifier has no coefficient or a publication reports no mean."""
    return "" if value is None else format(value, pattern)


def read_card(path: Path) -> ModelCard:
    """The card of a model file; what the file says is verified only when the model is loaded.

    Raises:
        ModelError: the file is not a model file.
    """
    try:
        return _card(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(
            "This is not a model file, or it is damaged.",
            where=path.name,
            remedy="Choose a file that 'train' wrote, or a bundled model.",
        ) from error


def _card(document: Mapping[str, Any]) -> ModelCard:
    evidence, endpoint, combat = document["evidence"], document["endpoint"], document.get("combat")
    kind, events = EVIDENCE_IN_WORDS[evidence["kind"]].capitalize(), evidence["events"]
    outcome = f"{events} with the outcome." if events else "the number with the outcome is not stated."
    return ModelCard(
        name=document["name"],
        title=document["title"],
        sequences=_sequences(document),
        timepoints=_timepoints(document),
        clinical=tuple(_question(row) for row in (document.get("nomogram") or {}).get("inputs", ())),
        lines=(
            f"{endpoint['name']}: {endpoint['positive']} or {endpoint['negative']}. {document['intended_use']}",
            f"{kind}: {evidence['cohort']}; {evidence['cases']} cases, {outcome}",
            _performance(document),
        ),
        sites=tuple(evidence.get("sites", ()) if combat is None else combat["sites"]),
        needs_site=combat is not None,
        document=document,
    )


def _performance(document: Mapping[str, Any]) -> str:
    area, held_out = document["evidence"].get("performance"), document["cutoff"].get("held_out")
    if any(row["mean"] is None for row in document["features"]):
        return (
            "It cannot score patients until 'habitat-radiomics take-reference' has computed, from a cohort of yours, "
            "the means and standard deviations that the publication does not report."
        )
    if area is None:
        return "Its performance is not stated."
    text = f"AUC {area['auc']:.2f} (95% interval {area['auc_low']:.2f} to {area['auc_high']:.2f})."
    if held_out is not None:
        sensitivity, specificity = held_out["sensitivity"], held_out["specificity"]
        text += f" At the cut-off, on held-out cases: sensitivity {sensitivity:.0%}, specificity {specificity:.0%}."
    return text


def _timepoints(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The earlier and the later time point; empty for models of one time point."""
    settings = document["protocol"].get("timepoints")
    return (settings["baseline"], settings["followup"]) if settings else ()


def _sequences(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The images that the features are measured in; a change needs both time points, and so does a habitat at the later
    one unless it has a scale of its own."""
    timepoints = _timepoints(document)
    # Models from before this setting existed have a scale per time point.
    shared_scale = bool(timepoints) and document["protocol"]["timepoints"].get("habitat_scale", "own") != "own"
    keys = []
    for row in document["features"]:
        if row["name"].startswith("clinical:"):
            continue
        first, second, *rest = row["name"].split("_")
        if not timepoints:
            keys.append(first)
        elif first == "delta":
            keys += [f"{moment}_{second}" for moment in timepoints]
        elif shared_scale and rest[0].startswith("S"):
            keys += [f"{timepoints[0]}_{second}", f"{first}_{second}"]
        else:
            keys.append(f"{first}_{second}")
    return tuple(dict.fromkeys(keys))


def _question(row: Mapping[str, Any]) -> ClinicalQuestion:
    return ClinicalQuestion(
        name=row["name"],
        choices=dict(zip(row["levels"], row["labels"])) if row["kind"] == "categorical" else {},
        minimum=row["minimum"],
        maximum=row["maximum"],
        unit=row["unit"],
        document=row,
    )
