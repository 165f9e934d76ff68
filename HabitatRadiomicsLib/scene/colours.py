"""Colours of the maps in the scene: those of the figures and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from HabitatRadiomicsLib.colours import DOWN_COLOUR, HABITAT_COLOURS, UP_COLOUR, habitat_colour, red_green_blue

UP_RGB = red_green_blue(UP_COLOUR)
DOWN_RGB = red_green_blue(DOWN_COLOUR)
#: Volumes at the earlier and the later time point.
BEFORE_RGB, AFTER_RGB = red_green_blue("#9AA5B1"), red_green_blue("#2F4B7C")

#: Initial opacities: entropy close to the colours of its legend, habitats as outlines with a faint filling. If both
#: were filled, they would mix to colours that neither legend has.
ENTROPY_OPACITY = 0.7
HABITAT_OPACITY = 0.1
ACTIVATION_OPACITY = 0.6

#: Dark to bright with even steps (matplotlib's inferno, a few points of it).
_ENTROPY_COLOURS = {
    0.00: "#000004", 0.14: "#280B54", 0.29: "#65156E", 0.43: "#9F2A63",
    0.57: "#D44842", 0.71: "#F57D15", 0.86: "#FAC127", 1.00: "#FCFFA4",
}  # fmt: skip
#: Heat: dark red, red, orange, yellow.
_ACTIVATION_COLOURS = {0.00: "#4A0006", 0.35: "#D7301F", 0.70: "#FC8D59", 1.00: "#FFF7A8"}


def habitat_rgb(name: str) -> tuple[float, float, float]:
    """The colour of a habitat, ``S1`` first."""
    return red_green_blue(habitat_colour(int(name[1:]) - 1))


def entropy_colours(scene: Any) -> Any:
    """The colour node of entropy maps; one serves all maps of a scene and is saved with it."""
    description = "Local entropy in bits: dark is orderly, bright is heterogeneous."
    return _colours(scene, "Habitat Radiomics local entropy", description, _ramp(_ENTROPY_COLOURS))


def activation_colours(scene: Any) -> Any:
    """The colour node of activation maps; one serves all maps of a scene and is saved with it."""
    description = "Activation: bright is what moves the score most."
    return _colours(scene, "Habitat Radiomics activation", description, _ramp(_ACTIVATION_COLOURS))


def habitat_colours(scene: Any, most: int) -> Any:
    """The colour node of label maps of habitats, at least ``most`` of them: 1 is S1, 2 is S2, ..."""
    count = max(most, len(HABITAT_COLOURS))
    rows = [(f"S{number}", *habitat_rgb(f"S{number}"), 1.0) for number in range(1, count + 1)]
    name = f"Habitat Radiomics habitats S1 to S{count}"
    return _colours(scene, name, "Habitats.", [("outside", 0.0, 0.0, 0.0, 0.0), *rows])


def _colours(scene: Any, name: str, description: str, rows: Sequence[tuple[Any, ...]]) -> Any:
    existing = scene.GetFirstNodeByName(name)
    if existing is not None and existing.IsA("vtkMRMLColorTableNode"):
        return existing
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetNumberOfColors(len(rows))
    for index, row in enumerate(rows):
        node.SetColor(index, *row)
    node.SetDescription(description)
    return node


def _ramp(points: Mapping[float, str]) -> list[tuple[Any, ...]]:
    """256 named colours, interpolated between those at positions from 0 to 1."""
    positions = np.linspace(0, 1, 256)
    channels = zip(*map(red_green_blue, points.values()))
    colours = zip(*(np.interp(positions, list(points), channel) for channel in channels))
    return [(f"{position:.2f}", *colour, 1.0) for position, colour in zip(positions, colours)]
