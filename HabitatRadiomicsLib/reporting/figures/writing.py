"""What all figures share: a canvas without a screen, and bytes that depend on nothing but the data."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Dots per inch of files and reports.
DPI = 130
#: The ids inside an SVG are digests; without a fixed salt they would differ from one run to the next.
_SVG_SALT = "habitat-radiomics"


def new_figure(width: float, height: float, *, dpi: float = DPI) -> Figure:
    """A figure in inches, on the Agg canvas, apart from any global state of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, without a software stamp."""
    _settle(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def write_png(figure: Figure, path: Path) -> bytes:
    """Write the figure; returns the same bytes."""
    data = png_bytes(figure)
    path.write_bytes(data)
    return data


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, without date and software stamp.

    Letters are outlines, so that the picture needs no font of the reader's and no label moves; editors and searches
    do not see them as text.
    """
    from matplotlib import rc_context

    _settle(figure)
    stream = io.BytesIO()
    with rc_context({"svg.hashsalt": _SVG_SALT, "svg.fonttype": "path"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def write_figure(figure: Figure, folder: Path, name: str) -> tuple[bytes, bytes]:
    """Write ``name.png`` and ``name.svg``; both are drawn before either is written, and each appears whole.

    Args:
        folder: made when it is not there.
        name: without an ending.

    Returns:
        The same bytes: PNG, SVG.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    png, svg = png_bytes(figure), svg_bytes(figure)
    for path, data in ((folder / f"{name}.png", png), (folder / f"{name}.svg", svg)):
        beside = path.with_name(f".{path.name}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(data)
            os.replace(beside, path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise OutputError(
                f"The figure cannot be written ({error.strerror or error}).",
                where=str(path),
                remedy="Choose a place with room that you may write to.",
            ) from error
    return png, svg


def _settle(figure: Figure) -> None:
    """Lay the figure out once and for all.

    The constrained layout starts from where the last drawing left the axes: drawn again, they would move a little.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def readable_feature(name: str) -> str:
    """A column name on two lines: where it was measured, and what."""
    from HabitatRadiomicsLib.features.description import describe_column

    found = describe_column(name)
    return f"{found.where}\n{found.what}" if found.where else found.what
