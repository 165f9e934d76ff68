"""What pictures of a slice share: grey levels, the lesion's rim, letters of orientation, a scale bar."""

from __future__ import annotations

from typing import Any

import numpy as np

from HabitatRadiomicsLib.reporting.figures.slice_view import SliceView

_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50, 100)

#: Left, right, bottom and top of a picture, mm.
Extent = tuple[float, float, float, float]


def grey_slice(axis: Any, image: np.ndarray, extent: Extent) -> None:
    """The slice, from its 1st to its 99.5th percentile."""
    low, high = np.percentile(image, (1, 99.5))
    axis.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=extent, interpolation="nearest")
    axis.set(xticks=[], yticks=[])


def outline(axis: Any, mask: np.ndarray, extent: Extent) -> None:
    """The lesion's rim along the voxels' edges."""
    from matplotlib.collections import LineCollection

    step_x, step_y = extent[1] / mask.shape[1], extent[2] / mask.shape[0]
    padded = np.pad(mask, 1)
    below = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    beside = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines = [[(c * step_x, r * step_y), ((c + 1) * step_x, r * step_y)] for r, c in below]
    lines += [[(c * step_x, r * step_y), (c * step_x, (r + 1) * step_y)] for r, c in beside]
    axis.add_collection(LineCollection(lines, colors="#7CFC00", linewidths=0.9))


def orientation(axis: Any, view: SliceView) -> None:
    """Letters at the edges: where the patient's right, front and head are."""
    style = {"fontsize": 10, "fontweight": "bold", "transform": axis.transAxes, **_on_any_background()}
    axis.text(0.02, 0.5, view.left, ha="left", va="center", **style)
    axis.text(0.98, 0.5, view.right, ha="right", va="center", **style)
    axis.text(0.5, 0.98, view.top, ha="center", va="top", **style)
    axis.text(0.5, 0.02, view.bottom, ha="center", va="bottom", **style)


def scale_bar(axis: Any, view: SliceView) -> None:
    """A bar of a round length at the lower left; sets the limits of the picture."""
    length = max(step for step in _SCALE_BARS_MM if step <= max(1.0, view.width_mm / 3))
    x, y = 0.05 * view.width_mm, 0.95 * view.height_mm
    axis.plot([x, x + length], [y, y], linewidth=3, solid_capstyle="butt", **_on_any_background())
    axis.text(x, y - 0.02 * view.height_mm, f"{length} mm", fontsize=9, va="bottom", **_on_any_background())
    axis.set(xlim=(0, view.width_mm), ylim=(view.height_mm, 0))


def _on_any_background() -> dict[str, Any]:
    """White letters with a dark rim."""
    from matplotlib.patheffects import withStroke

    return {"color": "white", "path_effects": [withStroke(linewidth=2, foreground="black")]}
