"""The colours of habitats and contributions, the same in figures, files and the scene."""

from __future__ import annotations

#: Distinguishable with any colour vision (Okabe and Ito), S1 first.
HABITAT_COLOURS = (
    "#56B4E9", "#D55E00", "#F0E442", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#999999", "#882255", "#44AA99",
)  # fmt: skip
UP_COLOUR = "#D62728"
DOWN_COLOUR = "#1F77B4"


def habitat_colour(index: int) -> str:
    """The colour of the habitat with this 0-based index; ten differ, then they repeat."""
    return HABITAT_COLOURS[index % len(HABITAT_COLOURS)]


def red_green_blue(colour: str) -> tuple[float, float, float]:
    """``#RRGGBB`` as three numbers, 0 to 1."""
    red, green, blue = (channel / 255 for channel in bytes.fromhex(colour[1:]))
    return red, green, blue
