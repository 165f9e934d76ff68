"""What all figures share: a canvas without a screen, bytes that depend on the data only, colours, type and labels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR
from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.outputs import write_bytes
from HabitatRadiomicsLib.reporting.figures.checks import Triple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

#: Dots per inch of files and reports.
DPI = 130
#: Width of a report's page in inches: 1118 dots.
WIDE = 8.6
#: Type sizes in points: names of features; ticks and legends; labels of axes.
TINY, SMALL, NORMAL = 8, 9, 10
#: The ids inside an SVG are digests; without a fixed salt they would differ from one run to the next.
_SVG_SALT = "habitat-radiomics"

#: Curves, in this order (Okabe and Ito, without the yellow that vanishes on white; two of Tol's).
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#44AA99")
_LINES = ("-", "--", "-.", ":")
#: Cases with the outcome and without it.
POSITIVE = UP_COLOUR
NEGATIVE = DOWN_COLOUR
#: The main series, the lines and letters around it, reference lines, and the background.
MAIN = SERIES[0]
INK = "#222222"
NEUTRAL = "#777777"
FAINT = "#C8C8C8"
#: Z-scores around zero, and values from 0 to 1.
DIVERGING = "RdBu_r"
SEQUENTIAL = "cividis"
#: A reference line: chance, no effect, perfect calibration.
REFERENCE: dict[str, Any] = {"color": NEUTRAL, "linewidth": 1, "linestyle": (0, (2, 3))}


def new_figure(width: float, height: float, *, dpi: float = DPI) -> Figure:
    """A figure in inches, on the Agg canvas, apart from any global state of matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def wide_figure(height: float) -> Figure:
    """A figure as wide as a report's page; height in inches."""
    return new_figure(WIDE, height)


def wide_axes(height: float) -> tuple[Figure, Axes]:
    """A figure as wide as a report's page with one pair of axes; height in inches."""
    figure = wide_figure(height)
    return figure, figure.subplots()


def png_bytes(figure: Figure) -> bytes:
    """The figure as PNG, without a software stamp."""
    return _saved(figure, "png", {"Software": None})


def svg_bytes(figure: Figure) -> bytes:
    """The figure as SVG, without date and software stamp.

    Letters are outlines, so that the picture needs none of the reader's fonts and no label moves; editors and searches
    do not see them as text.
    """
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": _SVG_SALT, "svg.fonttype": "path"}):
        return _saved(figure, "svg", {"Date": None, "Creator": None})


def _saved(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    # The constrained layout starts from where the last drawing left the axes: drawn again, they would move a little.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, metadata=metadata)
    return stream.getvalue()


def write_png(figure: Figure, path: Path) -> bytes:
    """Write the figure; returns the same bytes.

    Raises:
        OutputError: it cannot be written.
    """
    png = png_bytes(figure)
    write_bytes(path, png)
    return png


def write_figure(figure: Figure, folder: Path, name: str) -> tuple[bytes, bytes]:
    """Write ``name.png`` and ``name.svg``, and make the folder if needed; both are drawn before either is written.

    Returns:
        The same bytes: PNG, SVG.

    Raises:
        OutputError: the folder cannot be made or written.
    """
    png, svg = png_bytes(figure), svg_bytes(figure)
    write_bytes(folder / f"{name}.png", png)
    write_bytes(folder / f"{name}.svg", svg)
    return png, svg


def series_style(index: int) -> dict[str, Any]:
    """Colour and line style of a curve by its 0-based index; neighbours differ in both, and 32 styles are distinct."""
    turn = index // len(SERIES)
    return {"color": SERIES[index % len(SERIES)], "linestyle": _LINES[(index + turn) % len(_LINES)]}


def low_to_high() -> Colormap:
    """From a low feature value (blue) to a high one (red)."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low-to-high", (NEGATIVE, "#B9A5C9", POSITIVE))


def label_axes(axis: Axes, *, x: str = "", y: str = "", title: str = "", **settings: Any) -> None:
    """Name both axes (with their units), without a frame around them; ``settings`` as of ``Axes.set``."""
    axis.set(**settings)
    axis.set_xlabel(x, fontsize=NORMAL)
    axis.set_ylabel(y, fontsize=NORMAL)
    axis.set_title(title, fontsize=NORMAL)
    axis.tick_params(labelsize=SMALL)
    axis.spines[["top", "right"]].set_visible(False)


def name_rows(axis: Axes, names: Sequence[str], *, size: float = TINY) -> None:
    """Names left of horizontal bars at 0, 1, 2, ...; the first is on top."""
    axis.set_yticks(range(len(names)), names, fontsize=size)
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(names) - 0.4, -0.6)


def text_beside(axis: Axes, row: int, text: str, **settings: Any) -> None:
    """A text right of the axes, level with a row."""
    axis.text(1.02, row, text, transform=axis.get_yaxis_transform(), va="center", fontsize=SMALL, **settings)


def legend_beside(figure: Figure, **settings: Any) -> None:
    """The legend right of the axes, where it hides no curve."""
    figure.legend(loc="outside right upper", fontsize=SMALL, frameon=False, **settings)


def legend_above(figure: Figure, **settings: Any) -> None:
    """The legend above the axes, in two columns."""
    figure.legend(loc="outside upper center", ncols=2, fontsize=SMALL, frameon=False, **settings)


def count_axis(axis: Axes, *, most: int = 9) -> None:
    """Whole numbers only along y."""
    from matplotlib.ticker import MaxNLocator

    axis.yaxis.set_major_locator(MaxNLocator(most, integer=True, steps=[1, 2, 5, 10]))


def percent_axis(axis: Axes) -> None:
    """Write fractions along x as per cent."""
    from matplotlib.ticker import PercentFormatter

    axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def readable_feature(name: str) -> str:
    """A column name on two lines: where it was measured, and what."""
    from HabitatRadiomicsLib.features.description import describe_column

    column = describe_column(name)
    return f"{column.where}\n{column.what}" if column.where else column.what


def feature_label(name: str) -> str:
    """A feature's column name on two lines; the name of any other covariate as it is, on at most two lines."""
    try:
        return readable_feature(name)
    except FeatureError:
        return wrapped(name)


def wrapped(text: str, *, width: int = 40, lines: int = 2) -> str:
    """A caller's text on a limited number of lines, never taken for a formula or for a hidden label."""
    shown = wrap(text, width) or ["(no name)"]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], f"{shown[lines - 1][: width - 1].rstrip()}…"]
    plain = "\n".join(shown).replace("$", r"\$")
    # Matplotlib leaves labels that begin with an underscore out of the legend.
    return f" {plain}" if plain.startswith("_") else plain


def estimate_text(values: Triple) -> str:
    """``0.81 (0.70 to 0.92)``."""
    value, low, high = (f"{number:.2f}".replace("-", "−") for number in values)
    return f"{value} ({low} to {high})"


def p_text(p: float) -> str:
    """``p = 0.03``, ``p = 0.004`` or ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2f}" if p >= 0.0995 else f"p = {p:.3f}"
