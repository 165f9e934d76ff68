"""Draws the module's icon: a lesion split into three habitats.

Run it where the package is installed; it takes the place of the old one:

    python Testing/drawings/icon.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from HabitatRadiomicsLib.colours import HABITAT_COLOURS

ICON = Path(__file__).resolve().parents[2] / "HabitatRadiomics" / "Resources" / "Icons" / "HabitatRadiomics.png"
_PIXELS = 128
_SEPARATOR = "white"


def draw(path: Path) -> None:
    """Write the icon; the same bytes each time."""
    figure = Figure(figsize=(1.0, 1.0), dpi=_PIXELS)
    FigureCanvasAgg(figure)
    axis = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axis.set(xlim=(-1, 1), ylim=(-1, 1))
    axis.axis("off")
    margin, middle, core = HABITAT_COLOURS[:3]
    axis.add_patch(Polygon(_blob((-0.02, -0.01), 0.88, (0.05, -0.05, 0.02)), color=margin, linewidth=0))
    for centre, radius, waves, colour in (
        ((0.14, -0.1), 0.54, (0.03, -0.06, 0.03), middle),
        ((0.22, -0.16), 0.26, (-0.02, 0.02, 0.02), core),
    ):
        habitat = Polygon(
            _blob(centre, radius, waves), facecolor=colour, edgecolor=_SEPARATOR, linewidth=2.6, joinstyle="round"
        )
        axis.add_patch(habitat)
    figure.savefig(path, transparent=True, metadata={"Software": None})


def _blob(centre: tuple[float, float], radius: float, waves: tuple[float, float, float]) -> np.ndarray:
    """A closed, smooth outline: a circle with a few waves along it."""
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    distance = radius + sum(size * np.cos(count * angle + count) for count, size in enumerate(waves, start=2))
    return np.column_stack([centre[0] + distance * np.cos(angle), centre[1] + distance * np.sin(angle)])


if __name__ == "__main__":
    draw(ICON)
