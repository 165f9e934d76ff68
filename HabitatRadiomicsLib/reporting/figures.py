"""What all figures share: a canvas without a screen, and bytes that depend on nothing but the data."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Dots per inch of files and reports.
DPI = 130


def new_figure(width: float, height: float, *, dpi: float = DPI) -> Figure:
    """A figure in inches, on the Agg canvas, apart from any global state of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
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
