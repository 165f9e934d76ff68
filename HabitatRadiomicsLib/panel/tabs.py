"""Tabs with the height of the current page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from HabitatRadiomicsLib.panel.signals import connect


def fit_to_current(tabs: Any, contents: Sequence[Any]) -> None:
    """Fit the height to the current tab alone; a short tab would otherwise end in empty space.

    Args:
        tabs: QTabWidget.
        contents: the widget that fills each page; Qt counts a hidden page's height, but not that of what it hides.
    """

    def fit(current: int) -> None:
        for index, content in enumerate(contents):
            content.visible = index == current

    connect(tabs, "currentChanged(int)", fit)
    fit(tabs.currentIndex)
