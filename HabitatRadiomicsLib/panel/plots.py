"""Charts in Slicer's plot view."""

from __future__ import annotations

from typing import Any

import slicer


def show_chart(chart: Any) -> None:
    """Show a plot chart node, in a layout that has a plot view where there is a window."""
    manager, plots = slicer.app.layoutManager(), slicer.modules.plots.logic()
    if manager is not None:
        manager.setLayout(plots.GetLayoutWithPlot(manager.layout))
    plots.ShowChartInLayout(chart)
