"""Colours of the maps in the scene: those of the figures and files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

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

_ENTROPY_NODE = "Habitat Radiomics local entropy"
#: Dark to bright with even steps (matplotlib's inferno, a few points of it).
_ENTROPY_COLOURS = (
    (0.00, "#000004"), (0.14, "#280B54"), (0.29, "#65156E"), (0.43, "#9F2A63"),
    (0.57, "#D44842"), (0.71, "#F57D15"), (0.86, "#FAC127"), (1.00, "#FCFFA4"),
)  # fmt: skip
_STEPS = 256
_ACTIVATION_NODE = "Habitat Radiomics activation"
#: Heat: dark red, red, orange, yellow.
_ACTIVATION_COLOURS = ((0.00, "#4A0006"), (0.35, "#D7301F"), (0.70, "#FC8D59"), (1.00, "#FFF7A8"))


def habitat_rgb(name: str) -> tuple[float, float, float]:
    """The colour of a habitat, ``S1`` first."""
    return red_green_blue(habitat_colour(int(name[1:]) - 1))


def entropy_colours(scene: Any) -> Any:
    """The colour node of entropy maps; one serves all maps of a scene and is saved with it."""
    return _colours(
        scene,
        _ENTROPY_NODE,
        "Local entropy in bits: dark is orderly, bright is heterogeneous.",
        _ramp(_ENTROPY_COLOURS),
    )


def activation_colours(scene: Any) -> Any:
    """The colour node of activation maps; one serves all maps of a scene and is saved with it."""
    description = "Activation: bright is what moves the score most."
    return _colours(scene, _ACTIVATION_NODE, description, _ramp(_ACTIVATION_COLOURS))


def habitat_colours(scene: Any, most: int) -> Any:
    """The colour node of label maps of habitats, at least ``most`` of them: 1 is S1, 2 is S2, ..."""
    count = max(most, len(HABITAT_COLOURS))
    rows = [(f"S{number}", *habitat_rgb(f"S{number}"), 1.0) for number in range(1, count + 1)]
    return _colours(
        scene, f"Habitat Radiomics habitats S1 to S{count}", "Habitats.", [("outside", 0.0, 0.0, 0.0, 0.0), *rows]
    )


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


def _ramp(points: Sequence[tuple[float, str]]) -> list[tuple[Any, ...]]:
    positions = [index / (_STEPS - 1) for index in range(_STEPS)]
    return [(f"{position:.2f}", *_between(points, position), 1.0) for position in positions]


def _between(points: Sequence[tuple[float, str]], position: float) -> tuple[float, ...]:
    for (low, dark), (high, bright) in pairwise(points):
        if position <= high:
            part = (position - low) / (high - low)
            return tuple(a + part * (b - a) for a, b in zip(red_green_blue(dark), red_green_blue(bright)))
    return red_green_blue(points[-1][1])
