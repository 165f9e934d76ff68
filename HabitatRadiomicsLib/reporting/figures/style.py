"""The common look of the study's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.reporting.figures.writing import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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
