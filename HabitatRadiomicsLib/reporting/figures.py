"""What all figures share: a canvas without a screen, and bytes that depend on nothing but the data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Distinguishable with any colour vision (Okabe and Ito), S1 first; as in the segmentation files.
HABITAT_COLOURS = (
    "#56B4E9", "#D55E00", "#F0E442", "#009E73", "#CC79A7", "#E69F00", "#0072B2", "#999999", "#882255", "#44AA99",
)  # fmt: skip
UP_COLOUR = "#D62728"
DOWN_COLOUR = "#1F77B4"

_DPI = 130


def habitat_colour(index: int) -> str:
    """The colour of the habitat with this 0-based index; ten differ, then they repeat."""
    return HABITAT_COLOURS[index % len(HABITAT_COLOURS)]


def new_figure(width: float, height: float) -> Figure:
    """A figure in inches, on the Agg canvas, apart from any global state of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, without a software stamp."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def write_png(figure: Figure, path: Path) -> bytes:
    """Write the figure; returns the same bytes."""
    data = png_bytes(figure)
    path.write_bytes(data)
    return data


def readable_feature(name: str) -> str:
    """A column name on two lines: where it was measured, and what."""
    from HabitatRadiomicsLib.features import parse

    parsed = parse(name)
    return f"{parsed.sequence} {parsed.region}, {parsed.image}\n{parsed.feature_class} {parsed.feature}"
