"""What all figures share: a canvas without a screen, bytes that depend on the data only, colours, type and labels."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.errors import FeatureError, OutputError
from HabitatRadiomicsLib.reporting.figures.checks import Triple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
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


#: Curves, in this order (Okabe and Ito, without the yellow that vanishes on white; two of Tol's).
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#44AA99")
_LINES = ("-", "--", "-.", ":")

#: Cases with the outcome and without, bars that stand for them.
POSITIVE = UP_COLOUR
NEGATIVE = DOWN_COLOUR
#: What one looks at, what it is compared with, and what stays in the background.
MAIN = SERIES[0]
INK = "#222222"
NEUTRAL = "#777777"
FAINT = "#C8C8C8"
#: Z-scores around zero, and values from 0 to 1.
DIVERGING = "RdBu_r"
SEQUENTIAL = "cividis"


def series_style(index: int) -> dict[str, Any]:
    """Colour and line style of the curve with this 0-based index; neighbours differ in both, 32 differ in all."""
    turn = index // len(SERIES)
    return {"color": SERIES[index % len(SERIES)], "linestyle": _LINES[(index + turn) % len(_LINES)]}


def low_to_high() -> Colormap:
    """From a low feature value (blue) to a high one (red)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low-to-high", (NEGATIVE, "#B9A5C9", POSITIVE))


#: Inches; 1118 dots, the width of a report's page.
WIDE = 8.6
#: Points: ticks and legends, and the labels of axes.
SMALL, NORMAL = 9, 10


def wide_figure(height: float) -> Figure:
    """A figure as wide as a report's page; height in inches."""
    return new_figure(WIDE, height)


def label_axes(axis: Axes, *, x: str = "", y: str = "", title: str = "", **settings: Any) -> None:
    """Name both axes (with their units), without a frame around them; ``settings`` as of ``Axes.set``."""
    axis.set(**settings)
    axis.set_xlabel(x, fontsize=NORMAL)
    axis.set_ylabel(y, fontsize=NORMAL)
    axis.set_title(title, fontsize=NORMAL)
    axis.tick_params(labelsize=SMALL)
    axis.spines[["top", "right"]].set_visible(False)


def legend_beside(figure: Figure, **settings: Any) -> None:
    """The legend right of the axes, where it hides no curve."""
    figure.legend(loc="outside right upper", fontsize=SMALL, frameon=False, **settings)


def count_axis(axis: Axes, *, most: int = 9) -> None:
    """Whole numbers only along y."""
    from matplotlib.ticker import MaxNLocator

    axis.yaxis.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 5, 10]))


def percent_axis(axis: Axes, which: str) -> None:
    """Write fractions along an axis (``x`` or ``y``) as per cent."""
    from matplotlib.ticker import PercentFormatter

    getattr(axis, f"{which}axis").set_major_formatter(PercentFormatter(1.0, decimals=0))


_WIDTH = 40


def feature_label(name: str) -> str:
    """A feature's column name on two lines; any other covariate's name as it is, at most two lines of it."""
    try:
        return readable_feature(name)
    except FeatureError:
        return wrapped(name)


def wrapped(text: str, *, width: int = _WIDTH, lines: int = 2) -> str:
    """A caller's text, never longer than some lines, never taken for a formula or for a hidden label."""
    shown = wrap(text, width) or ["(no name)"]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], f"{shown[lines - 1][: width - 1].rstrip()}…"]
    plain = "\n".join(shown).replace("$", r"\$")
    # To matplotlib, labels that begin so are not for the legend.
    return f" {plain}" if plain.startswith("_") else plain


def estimate_text(values: Triple, *, digits: int = 2) -> str:
    """``0.81 (0.70 to 0.92)``."""
    value, low, high = (f"{number:.{digits}f}".replace("-", "−") for number in values)
    return f"{value} ({low} to {high})"


def p_text(p: float) -> str:
    """``p = 0.03``, ``p = 0.004`` or ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2f}" if p >= 0.0995 else f"p = {p:.3f}"
