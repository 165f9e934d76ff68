"""Files that the application brings and ``slicer-core`` does not: terminologies and colour tables."""

from __future__ import annotations

import json
from colorsys import hsv_to_rgb
from pathlib import Path

_SCHEMAS = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc"
_CATEGORY = {
    "CodeMeaning": "Morphologically Altered Structure",
    "CodingSchemeDesignator": "SCT",
    "CodeValue": "49755003",
    "showAnatomy": "true",
    "Type": [
        {
            "CodeMeaning": "Neoplasm",
            "CodingSchemeDesignator": "SCT",
            "CodeValue": "108369006",
            "recommendedDisplayRGBValue": [144, 238, 144],
        }
    ],
}


def write_terminologies(folder: Path) -> None:
    """Write the files that the Terminologies module reads when it starts."""
    for name, title in (
        ("SlicerGeneralAnatomy", "Segmentation category and type - 3D Slicer General Anatomy list"),
        ("DICOM-Master", "Segmentation category and type - DICOM master list"),
    ):
        context = {
            "SegmentationCategoryTypeContextName": title,
            "@schema": f"{_SCHEMAS}/segment-context-schema.json#",
            "SegmentationCodes": {"Category": [_CATEGORY]},
        }
        (folder / f"SegmentationCategoryTypeModifier-{name}.term.json").write_text(
            json.dumps(context), encoding="utf-8"
        )
    regions = {
        "AnatomicContextName": "Anatomic codes - DICOM master list",
        "@schema": f"{_SCHEMAS}/anatomic-context-schema.json#",
        "AnatomicCodes": {"AnatomicRegion": []},
    }
    (folder / "AnatomicRegionAndModifier-DICOM-Master.term.json").write_text(json.dumps(regions), encoding="utf-8")


def write_color_files(folder: Path) -> None:
    """Write the colour tables that Slicer takes for labels and charts by default."""
    folder.mkdir(parents=True)
    lines = ["0 background 0 0 0 0"]
    for number in range(1, 33):
        red, green, blue = (round(255 * part) for part in hsv_to_rgb(number * 0.618 % 1, 0.7, 0.9))
        lines.append(f"{number} color-{number} {red} {green} {blue} 255")
    for name in ("GenericColors", "GenericAnatomyColors", "DarkBrightChartColors"):
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
