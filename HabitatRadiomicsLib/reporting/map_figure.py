"""Image, entropy and habitats of one lesion, side by side."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.protocol.base import readable_key
from HabitatRadiomicsLib.reporting.figures import new_figure
from HabitatRadiomicsLib.reporting.slice_view import SliceView, largest_slice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50, 100)


def map_figure(prepared: PreparedSequence, habitat_map: HabitatMap) -> Figure:
    """The slice of largest lesion area: the image with the lesion's outline, local entropy, and the habitats."""
    from matplotlib.patches import Patch

    source = prepared.source
    view = largest_slice(source.mask)
    image, mask = view.of(source.image), view.of(source.mask) == 1
    entropy = np.where(mask, view.of(habitat_map.entropy), np.nan)
    labels = view.of(habitat_map.labels)
    panel = 3.6
    figure = new_figure(3 * panel + 1.2, panel * min(1.6, max(0.6, view.height_mm / view.width_mm)) + 1.15)
    axes = figure.subplots(1, 3)
    extent = (0.0, view.width_mm, view.height_mm, 0.0)
    for axis in axes:
        low, high = np.percentile(image, (1, 99.5))
        axis.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=extent, interpolation="nearest")
        axis.set(xticks=[], yticks=[])
    _outline(axes[0], mask, extent)
    _orientation(axes[0], view)
    _scale_bar(axes[0], view)
    axes[0].set_title(fill(f"{readable_key(prepared.name)}, slice {view.index + 1} of {view.slices}", 40), fontsize=10)
    top = float(sitk.GetArrayViewFromImage(habitat_map.entropy).max())
    shown = axes[1].imshow(entropy, cmap="inferno", vmin=0, vmax=max(top, 1e-6), extent=extent, interpolation="nearest")
    figure.colorbar(shown, ax=axes[1], shrink=0.85, label="local entropy (bits)")
    axes[1].set_title("local entropy", fontsize=10)
    axes[2].imshow(_coloured(labels), extent=extent, interpolation="nearest")
    _outline(axes[2], mask, extent)
    handles = [
        Patch(color=habitat_colour(int(row.name[1:]) - 1), label=f"{row.name}: {_millilitres(row.volume_ml)}")
        for row in habitat_map.statistics
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=min(5, len(handles)), fontsize=9, frameon=False)
    kind = "this patient's own clusters" if habitat_map.model.of_one_patient else "habitats of the population"
    axes[2].set_title(kind, fontsize=10)
    return figure


def _coloured(labels: np.ndarray) -> np.ndarray:
    from matplotlib.colors import to_rgba

    picture = np.zeros((*labels.shape, 4))
    for value in np.unique(labels[labels > 0]):
        picture[labels == value] = to_rgba(habitat_colour(int(value) - 1), 0.65)
    return picture


def _outline(axis: Any, mask: np.ndarray, extent: tuple[float, float, float, float]) -> None:
    """The lesion's rim along the voxels' edges."""
    from matplotlib.collections import LineCollection

    step_x, step_y = extent[1] / mask.shape[1], extent[2] / mask.shape[0]
    padded = np.pad(mask, 1)
    below = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    beside = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines = [[(c * step_x, r * step_y), ((c + 1) * step_x, r * step_y)] for r, c in below]
    lines += [[(c * step_x, r * step_y), (c * step_x, (r + 1) * step_y)] for r, c in beside]
    axis.add_collection(LineCollection(lines, colors="#7CFC00", linewidths=0.9))


def _orientation(axis: Any, view: SliceView) -> None:
    style = {"fontsize": 10, "fontweight": "bold", "transform": axis.transAxes, **_on_any_background()}
    axis.text(0.02, 0.5, view.left, ha="left", va="center", **style)
    axis.text(0.98, 0.5, view.right, ha="right", va="center", **style)
    axis.text(0.5, 0.98, view.top, ha="center", va="top", **style)
    axis.text(0.5, 0.02, view.bottom, ha="center", va="bottom", **style)


def _scale_bar(axis: Any, view: SliceView) -> None:
    length = max(step for step in _SCALE_BARS_MM if step <= max(1.0, view.width_mm / 3))
    x, y = 0.05 * view.width_mm, 0.95 * view.height_mm
    axis.plot([x, x + length], [y, y], linewidth=3, solid_capstyle="butt", **_on_any_background())
    axis.text(x, y - 0.02 * view.height_mm, f"{length} mm", fontsize=9, va="bottom", **_on_any_background())
    axis.set(xlim=(0, view.width_mm), ylim=(view.height_mm, 0))


def _on_any_background() -> dict[str, Any]:
    """White letters with a dark rim."""
    from matplotlib.patheffects import withStroke

    return {"color": "white", "path_effects": [withStroke(linewidth=2, foreground="black")]}


def _millilitres(volume: float) -> str:
    return f"{volume:.1f} ml" if volume >= 1 else f"{volume:.2g} ml"
