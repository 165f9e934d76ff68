"""The colours of the study's figures: distinguishable with any colour vision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

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
