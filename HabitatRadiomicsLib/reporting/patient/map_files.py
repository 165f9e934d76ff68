"""The maps of a case as files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.outputs import MAPS_FILE, json_text, write_image, write_text
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.reporting.figures.map_figure import largest_entropy, map_figure
from HabitatRadiomicsLib.reporting.figures.writing import write_png
from HabitatRadiomicsLib.reporting.patient.segmentation_file import write_segmentation
from HabitatRadiomicsLib.system.provenance import image_digest, versions


def write_maps(
    folder: Path, prepared: Mapping[str, PreparedSequence], maps: Mapping[str, HabitatMap], protocol: Protocol
) -> dict[str, bytes]:
    """Entropy map, label map, segmentation and picture of each sequence, and ``habitats.json``.

    Returns:
        The pictures (PNG) by sequence.
    """
    pictures = {}
    # Two time points on one scale have one scale of colours, too.
    most_bits: dict[str, float] = {}
    for habitat_map in maps.values():
        scale = habitat_map.scale.lesion
        most_bits[scale] = max(largest_entropy(habitat_map), most_bits.get(scale, 0.0))
    for name, habitat_map in maps.items():
        write_image(habitat_map.entropy, folder / f"{name}_entropy.nrrd")
        write_image(habitat_map.labels, folder / f"{name}_habitats.nrrd")
        write_segmentation(habitat_map, folder / f"{name}_habitats.seg.nrrd")
        figure = map_figure(prepared[name], habitat_map, most_bits=most_bits[habitat_map.scale.lesion])
        pictures[name] = write_png(figure, folder / f"{name}_maps.png")
    document = {
        "sequences": {name: _document(prepared[name], habitat_map) for name, habitat_map in maps.items()},
        "timepoints": None if protocol.timepoints is None else list(protocol.timepoints.names),
        "warnings": [
            warning
            for name in maps
            for warning in (
                *(f"{prepared[name].title}: {text}" for text in prepared[name].warnings),
                *maps[name].warnings,
            )
        ],
        "provenance": {
            "protocol": protocol.name,
            "protocol_sha256": protocol.sha256,
            "versions": versions(),
        },
    }
    write_text(folder / MAPS_FILE, json_text(document))
    return pictures


def _document(prepared: PreparedSequence, habitat_map: HabitatMap) -> dict[str, Any]:
    return {
        "habitats_of": "this patient alone" if habitat_map.model.of_one_patient else "a population",
        "scale": asdict(habitat_map.scale),
        "superpixels": habitat_map.superpixels,
        "superpixels_asked": habitat_map.superpixels_asked,
        "habitats": [asdict(row) for row in habitat_map.statistics],
        "model": habitat_map.model.model_dump(mode="json"),
        "inputs": {
            "image_sha256": image_digest(prepared.source.image),
            "mask_sha256": image_digest(prepared.source.mask),
        },
    }
