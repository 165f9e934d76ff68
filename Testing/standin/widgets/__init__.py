"""Python widgets that play those of CTK and Slicer."""

from __future__ import annotations

import sys
from importlib import import_module


def install() -> None:
    """Put Slicer's widgets into ``slicer``, and make ``ctk`` importable."""
    for name in ("qmrml_base", "node_selectors", "data_views", "layout_manager"):
        import_module(f"{__name__}.{name}")
    sys.modules["ctk"] = import_module(f"{__name__}.ctk_widgets").ctk
