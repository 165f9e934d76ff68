"""Colours of the maps in the scene: those of the figures and files."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR, habitat_colour, red_green_blue

UP_RGB = red_green_blue(UP_COLOUR)
DOWN_RGB = red_green_blue(DOWN_COLOUR)

_ENTROPY_NODE = "Habitat Radiomics local entropy"
#: Dark to bright with even steps (matplotlib's inferno, a few points of it).
_ENTROPY_COLOURS = (
    (0.00, "#000004"), (0.14, "#280B54"), (0.29, "#65156E"), (0.43, "#9F2A63"),
    (0.57, "#D44842"), (0.71, "#F57D15"), (0.86, "#FAC127"), (1.00, "#FCFFA4"),
)  # fmt: skip
_STEPS = 256


def habitat_rgb(name: str) -> tuple[float, float, float]:
    """The colour of a habitat, ``S1`` first."""
    return red_green_blue(habitat_colour(int(name[1:]) - 1))


def entropy_colours(scene: Any) -> Any:
    """The colour node of entropy maps; one serves all maps of a scene and is saved with it."""
    found = scene.GetFirstNodeByName(_ENTROPY_NODE)
    if found is not None and found.IsA("vtkMRMLColorTableNode"):
        return found
    node = scene.AddNewNodeByClass("vtkMRMLColorTableNode", _ENTROPY_NODE)
    node.SetTypeToUser()
    node.SetNumberOfColors(_STEPS)
    for index in range(_STEPS):
        node.SetColor(index, f"{index / (_STEPS - 1):.2f}", *_between(index / (_STEPS - 1)), 1.0)
    node.SetDescription("Local entropy in bits: dark is orderly, bright is heterogeneous.")
    return node


def _between(place: float) -> tuple[float, ...]:
    for (low, dark), (high, bright) in pairwise(_ENTROPY_COLOURS):
        if place <= high:
            part = (place - low) / (high - low)
            return tuple(a + part * (b - a) for a, b in zip(red_green_blue(dark), red_green_blue(bright)))
    return red_green_blue(_ENTROPY_COLOURS[-1][1])
