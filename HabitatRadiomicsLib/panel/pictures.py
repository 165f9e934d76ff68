"""Figures in labels of the panel, clicks on them, and charts in Slicer's plot view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer

#: Inches and dots per inch; together a little less than the width of Slicer's module panel.
PICTURE_WIDTH = 4.4
PICTURE_DPI = 88


def show_figure(label: Any, figure: Any) -> bytes:
    """Show a figure of matplotlib, scaled down if it is too wide for the panel; returns it as PNG, in full size."""
    from HabitatRadiomicsLib.reporting import png_bytes

    data = png_bytes(figure)
    picture = qt.QPixmap()
    picture.loadFromData(qt.QByteArray(data))
    widest = round(PICTURE_WIDTH * PICTURE_DPI)
    if picture.width() > widest:
        picture = picture.scaledToWidth(widest, qt.Qt.SmoothTransformation)
    label.setStyleSheet("background: white;")
    label.setPixmap(picture)
    label.setFixedHeight(picture.height())
    return data


def show_chart(chart: Any) -> None:
    """Show a plot chart node, in a layout that has a plot view if there is a window."""
    manager, plots = slicer.app.layoutManager(), slicer.modules.plots.logic()
    if manager is not None:
        manager.setLayout(plots.GetLayoutWithPlot(manager.layout))
    plots.ShowChartInLayout(chart)


class Clicks(qt.QObject):  # type: ignore[misc]
    """Calls ``on_click`` when a label is clicked, with the height of the click: a fraction of the picture, from its
    top."""

    def __init__(self, label: Any, on_click: Callable[[float], None]) -> None:
        qt.QObject.__init__(self)
        self._on_click = on_click
        label.installEventFilter(self)
        label.setCursor(qt.QCursor(qt.Qt.PointingHandCursor))

    def eventFilter(self, label: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Called by Qt before the label gets an event; False: the label gets it too."""
        if event.type() == qt.QEvent.MouseButtonRelease and label.pixmap is not None:
            height = label.pixmap.height() / label.pixmap.devicePixelRatio()
            self._on_click(event.pos().y() / height)
        return False
