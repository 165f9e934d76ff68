"""Receiver operating characteristic curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from HabitatRadiomicsLib.reporting.figures.checks import Numbers, Triple, estimate, numbers, ordered, refused
from HabitatRadiomicsLib.reporting.figures.labels import estimate_text, wrapped
from HabitatRadiomicsLib.reporting.figures.palette import INK, MAIN, NEUTRAL, series_style
from HabitatRadiomicsLib.reporting.figures.style import label_axes, legend_beside, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


#: Means of curves may fall by as much.
_ROUNDING = 1e-9


class RocLine(TypedDict):
    """Corners of a curve in the order of their cut-offs, either way, and its area with the interval."""

    specificity: Numbers
    sensitivity: Numbers
    auc: Triple


def roc_figure(
    curves: Mapping[str, RocLine],
    *,
    band: tuple[Numbers, Numbers, Numbers] | None = None,
    operating_point: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Figure:
    """Sensitivity against 1 - specificity, areas with intervals in the legend, and the line of chance.

    Args:
        curves: by name, in the order of the legend; the first is drawn on top.
        band: the first curve's confidence band: specificities, and the lowest and highest sensitivity there.
        operating_point: the first curve's specificity and sensitivity at the cut-off.
        level: of the intervals and of the band.

    Raises:
        EvaluationError: no curve, values missing, outside 0..1 or not in order, or intervals that are none.
    """
    if not curves:
        raise refused("There is no ROC curve to draw.")
    figure = wide_figure(max(5.0, 1.6 + 0.52 * len(curves)))
    axis = figure.subplots()
    for index, (name, curve) in enumerate(curves.items()):
        x = 1 - numbers(curve["specificity"], f"specificity of {name}", within=(0, 1))
        y = numbers(curve["sensitivity"], f"sensitivity of {name}", length=len(x), within=(0, 1))
        if x[0] > x[-1]:
            x, y = x[::-1], y[::-1]
        if min(np.diff(x).min(initial=0), np.diff(y).min(initial=0)) < -_ROUNDING:
            raise refused(
                "Along a ROC curve, sensitivity rises as specificity falls.",
                where=name,
                remedy="Sort the points by their cut-offs.",
            )
        area = estimate(curve["auc"], f"AUC of {name}", within=(0, 1))
        axis.plot(
            x, y, label=f"{wrapped(name, width=34)}\nAUC {estimate_text(area)}", linewidth=2.2 if index == 0 else 1.4,
            zorder=4 if index == 0 else 3, **series_style(index),
        )  # fmt: skip
    if band is not None:
        x = 1 - numbers(band[0], "specificities of the band", within=(0, 1))
        low, high = (numbers(edge, "band", length=len(x), within=(0, 1)) for edge in band[1:])
        ordered(low, high, "band")
        axis.fill_between(x, low, high, color=MAIN, alpha=0.18, linewidth=0, label=f"{level:.0%} confidence band")
    if operating_point is not None:
        specificity, sensitivity = numbers(operating_point, "operating point", length=2, within=(0, 1))
        axis.plot(
            [1 - specificity], [sensitivity], "o", markersize=8, color=MAIN, markeredgecolor=INK, zorder=5,
            label=f"cut-off: sensitivity {sensitivity:.2f},\nspecificity {specificity:.2f}",
        )  # fmt: skip
    axis.plot([0, 1], [0, 1], color=NEUTRAL, linewidth=1, linestyle=(0, (2, 3)), label="chance")
    label_axes(
        axis, x="1 − specificity (false positive rate)", y="Sensitivity (true positive rate)",
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal",
    )  # fmt: skip
    legend_beside(figure, title=f"AUC with {level:.0%} interval", title_fontsize=9, alignment="left")
    return figure
