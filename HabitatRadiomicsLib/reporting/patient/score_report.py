"""The score of one patient as files: JSON, maps, pictures and a report of one page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from HabitatRadiomicsLib.features.description import describe_column
from HabitatRadiomicsLib.model.nomogram import patient_nomogram
from HabitatRadiomicsLib.outputs import json_text, write_image, write_text
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes, write_png
from HabitatRadiomicsLib.reporting.figures.nomogram_figure import patient_nomogram_figure
from HabitatRadiomicsLib.reporting.figures.score_figures import contributions_figure, score_figure
from HabitatRadiomicsLib.reporting.figures.slice_figures import activation_figure
from HabitatRadiomicsLib.reporting.patient.map_files import write_maps, write_timeline
from HabitatRadiomicsLib.scoring.activation import Activation, activation_maps
from HabitatRadiomicsLib.scoring.result import ScoreResult, notice

_TEMPLATES = Path(__file__).parents[1] / "templates"


def write_score(folder: Path, result: ScoreResult) -> None:
    """``score.json``, the maps (of two time points, how habitats changed; of a network, its activation),
    ``contributions.png`` and ``report.html`` (self-contained) in a folder."""
    activations, missing = activation_maps(result)
    result = replace(result, warnings=(*result.warnings, *missing))
    document = result.document()
    write_text(folder / "score.json", json_text(document))
    maps = write_maps(folder, result.prepared, result.maps, result.model.protocol)
    contributions = write_png(contributions_figure(document), folder / "contributions.png")
    timelines = write_timeline(folder, "case", result.maps, result.model.protocol)
    heat = write_activations(folder, result, activations)
    write_text(folder / "report.html", score_html(result, maps, contributions, timelines, heat))


def write_activations(folder: Path, result: ScoreResult, maps: Mapping[str, Activation]) -> dict[str, bytes]:
    """``<key>_activation.nrrd`` on the input's grid, and a picture of it.

    Returns:
        The pictures (PNG) by key.
    """
    pictures = {}
    for key, found in maps.items():
        write_image(found.image, folder / f"{key}_activation.nrrd")
        figure = activation_figure(result.prepared[key], found.prepared, "what speaks for a higher score")
        pictures[key] = write_png(figure, folder / f"{key}_activation.png")
    return pictures


def score_html(
    result: ScoreResult,
    maps: dict[str, bytes],
    contributions: bytes,
    timelines: dict[str, bytes] | None = None,
    activations: dict[str, bytes] | None = None,
) -> str:
    """The report as one HTML file without any reference to another one, and without the patient."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    nomogram = patient_nomogram(result.document())
    environment.filters["number"] = lambda value: f"{value:.4g}"
    return environment.get_template("score.html").render(
        result=result,
        model=result.model,
        notice=notice(result.model),
        described={row.name: describe_column(row.name) for row in result.contributions},
        maps={name: _embedded(picture) for name, picture in maps.items()},
        timelines={name: _embedded(picture) for name, picture in (timelines or {}).items()},
        nomogram=nomogram,
        nomogram_picture=None if nomogram is None else _embedded(png_bytes(patient_nomogram_figure(nomogram))),
        activations={name: _embedded(picture) for name, picture in (activations or {}).items()},
        scale=_embedded(png_bytes(score_figure(result.document()))),
        contributions=_embedded(contributions),
    )


def _embedded(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")
