"""Finds the results in the scene that belong together: scores of one patient at several time points, by a model for a
single time point."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any

import slicer

from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE, VOLUME_ROLE, ResultNodes
from HabitatRadiomicsLib.scene.subject_hierarchy import study_of

#: Attribute of a result's document: results of one series belong to one patient, as the user stated.
_SERIES = "HabitatRadiomics.Series"
_LONGEST_LABEL = 18


@dataclass(frozen=True)
class ScoredMoment:
    """A score at one time point.

    Attributes:
        label: date of the study, or name of the volume.
        content: as :attr:`ResultNodes.content`.
        volumes: the measured volumes.
    """

    label: str
    content: dict[str, Any]
    volumes: tuple[Any, ...]


def series_of(results: ResultNodes) -> str:
    """The series of a result; a new one if it belongs to none."""
    node = results.document
    if not node.GetAttribute(_SERIES):
        node.SetAttribute(_SERIES, uuid.uuid4().hex)
    return str(node.GetAttribute(_SERIES))


def join_series(results: ResultNodes, series: str) -> None:
    """Add a result to a series, whose results all belong to the same patient."""
    results.document.SetAttribute(_SERIES, series)


def scored_moments(scene: Any, results: ResultNodes) -> tuple[ScoredMoment, ...]:
    """A result and the same model's results for the same patient's other images.

    These are the results of the same series, and those under the same patient in the subject hierarchy. For images
    scored twice the last result counts; results whose volumes were deleted are left out.

    Returns:
        Ordered by the dates of their studies if all are known, else in the order of scoring.
    """
    if results.score is None:
        return ()
    model, series = results.score["model"]["sha256"], results.document.GetAttribute(_SERIES)
    patient = _patient_of(results.document)
    scored: dict[tuple[str, ...], Any] = {}
    for document in slicer.util.getNodesByClass("vtkMRMLTextNode", scene):
        volumes = _volumes_of(document)
        if document.GetAttribute(RESULT_ATTRIBUTE) is None or not volumes:
            continue
        content = json.loads(document.GetText())
        if content.get("score") is None or content["score"]["model"]["sha256"] != model:
            continue
        same_series = document is results.document or (series and document.GetAttribute(_SERIES) == series)
        if same_series or (patient and _patient_of(document) == patient):
            images = tuple(volume.GetID() for volume in volumes)
            scored.pop(images, None)  # the last score of the same images also comes last
            scored[images] = (study_of(volumes[0]), content, volumes)
    rows = list(scored.values())
    if all(study.date for study, _, _ in rows):
        rows.sort(key=lambda row: row[0].date)
    labels = _unique([study.readable_date or _short(volumes[0].GetName()) for study, _, volumes in rows])
    return tuple(ScoredMoment(label, content, volumes) for label, (_, content, volumes) in zip(labels, rows))


def _volumes_of(document: Any) -> tuple[Any, ...]:
    """The volumes of a result; empty if one of them was deleted."""
    count = document.GetNumberOfNodeReferences(VOLUME_ROLE)
    volumes = [document.GetNthNodeReference(VOLUME_ROLE, index) for index in range(count)]
    return () if None in volumes else tuple(volumes)


def _patient_of(document: Any) -> int:
    volumes = _volumes_of(document)
    return study_of(volumes[0]).patient if volumes else 0


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…"


def _unique(labels: list[str]) -> list[str]:
    """The labels; equal ones are numbered."""
    total, seen = Counter(labels), Counter[str]()
    unique = []
    for label in labels:
        seen[label] += 1
        unique.append(f"{label} ({seen[label]})" if total[label] > 1 else label)
    return unique
