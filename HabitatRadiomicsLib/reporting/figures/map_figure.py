"""Image, entropy and habitats of one lesion, side by side."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.reporting.figures.slice_drawing import grey_slice, orientation, outline, scale_bar
from HabitatRadiomicsLib.reporting.figures.slice_view import largest_slice
from HabitatRadiomicsLib.reporting.figures.writing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def map_figure(prepared: PreparedSequence, habitat_map: HabitatMap, *, most_bits: float | None = None) -> Figure:
    """The slice of largest lesion area: the image with the lesion's outline, local entropy, and the habitats.

    Args:
        most_bits: the upper end of the entropy's colours, for maps that are to be compared; None: the map's maximum.
    """
    from matplotlib.patches import Patch

    source = prepared.source
    view = largest_slice(source.mask)
    image, mask = view.of(source.image), view.of(source.mask) == 1
    entropy = np.where(mask, view.of(habitat_map.entropy), np.nan)
    labels = view.of(habitat_map.labels)
    panel = 3.6
    figure = new_figure(3 * panel + 1.2, panel * min(1.6, max(0.6, view.height_mm / view.width_mm)) + 1.15)
    axes = figure.subplots(1, 3)
    extent = view.extent
    for axis in axes:
        grey_slice(axis, image, extent)
    outline(axes[0], mask, extent)
    orientation(axes[0], view)
    scale_bar(axes[0], view)
    axes[0].set_title(fill(f"{prepared.title}, slice {view.index + 1} of {view.slices}", 40), fontsize=10)
    top = largest_entropy(habitat_map) if most_bits is None else most_bits
    shown = axes[1].imshow(entropy, cmap="inferno", vmin=0, vmax=max(top, 1e-6), extent=extent, interpolation="nearest")
    figure.colorbar(shown, ax=axes[1], shrink=0.85, label="local entropy (bits)")
    axes[1].set_title("local entropy", fontsize=10)
    axes[2].imshow(_coloured(labels), extent=extent, interpolation="nearest")
    outline(axes[2], mask, extent)
    handles = [
        Patch(color=habitat_colour(int(row.name[1:]) - 1), label=f"{row.name}: {_millilitres(row.volume_ml)}")
        for row in habitat_map.statistics
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=min(5, len(handles)), fontsize=9, frameon=False)
    kind = "this patient's own clusters" if habitat_map.model.of_one_patient else "habitats of the population"
    scale = habitat_map.scale.lesion
    if scale != prepared.name:
        kind = f"{kind}, on the scale of {title_of(scale)}"
    axes[2].set_title(fill(kind, 40), fontsize=10)
    return figure


def largest_entropy(habitat_map: HabitatMap) -> float:
    """In bits, over the lesion."""
    return float(sitk.GetArrayViewFromImage(habitat_map.entropy).max())


def _coloured(labels: np.ndarray) -> np.ndarray:
    from matplotlib.colors import to_rgba

    picture = np.zeros((*labels.shape, 4))
    for value in np.unique(labels[labels > 0]):
        picture[labels == value] = to_rgba(habitat_colour(int(value) - 1), 0.65)
    return picture


def _millilitres(volume: float) -> str:
    return f"{volume:.1f} ml" if volume >= 1 else f"{volume:.2g} ml"
