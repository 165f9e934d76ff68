"""Which images were worth their features: the AUC of a scout model of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.reporting.figures.checks import numbers, refused
from HabitatRadiomicsLib.reporting.figures.labels import wrapped
from HabitatRadiomicsLib.reporting.figures.palette import FAINT, INK, MAIN
from HabitatRadiomicsLib.reporting.figures.style import NORMAL, SMALL, label_axes, wide_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scout_figure(scouts: Mapping[str, tuple[float, float, str]], *, minimum: float) -> Figure:
    """A bar per image with the SD over the folds, and the line that an image had to reach.

    Args:
        scouts: (mean AUC, its SD, what made it: ``anova + svm``) by image.
        minimum: AUC from which an image's features went on.

    Raises:
        EvaluationError: no scout, an AUC or a minimum outside 0..1, or an SD that is missing or negative.
    """
    if not scouts:
        raise refused("There is no scout model to draw.")
    areas = numbers([area for area, _, _ in scouts.values()], "AUC", within=(0, 1))
    deviations = numbers([sd for _, sd, _ in scouts.values()], "SD of the AUC", within=(0, 1))
    line = float(numbers([minimum], "least AUC", within=(0, 1))[0])
    places = list(range(len(scouts)))
    figure = wide_figure(1.1 + 0.42 * len(scouts))
    axis = figure.subplots()
    for passed, colour, label in ((True, MAIN, "features went on"), (False, FAINT, "left out")):
        own = [place for place in places if (areas[place] >= line) == passed]
        if own:
            axis.barh(own, areas[own], xerr=deviations[own], height=0.6, color=colour, label=label,
                      error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 3})  # fmt: skip
    axis.axvline(line, color=INK, linewidth=1.2, linestyle=(0, (5, 2)), label=f"AUC {line:g}")
    for place, (area, _, way) in enumerate(scouts.values()):
        axis.text(
            1.02, place, f"{area:.2f}, {way}", transform=axis.get_yaxis_transform(), va="center", fontsize=SMALL
        )  # fmt: skip
    label_axes(
        axis, x="AUC within the training cases, mean and SD over the folds", xlim=(0, 1), ylim=(len(scouts) - 0.4, -0.6)
    )
    axis.set_yticks(places, [wrapped(image, lines=1) for image in scouts], fontsize=NORMAL)
    axis.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper left", fontsize=SMALL, frameon=False, ncols=3)
    return figure
