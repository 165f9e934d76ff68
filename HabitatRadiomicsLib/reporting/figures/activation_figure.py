"""What in a patch speaks for a deep feature, over the slice that the network saw."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.reporting.figures.slice_drawing import grey_slice, orientation, outline, scale_bar
from HabitatRadiomicsLib.reporting.figures.slice_view import largest_slice
from HabitatRadiomicsLib.reporting.figures.writing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Of the heat where it is strongest; fainter heat lets more of the image through.
_OPACITY = 0.65


def activation_figure(prepared: PreparedSequence, activation: sitk.Image, title: str) -> Figure:
    """The slice of largest lesion area with the lesion's outline, as it was measured, and with the heat over it.

    Args:
        prepared: the sequence.
        activation: 0 to 1, on the prepared image's grid (:func:`HabitatRadiomicsLib.features.deep.activation_image`).
        title: whose activation it is, e.g. ``CT_patch_original_deep_E003``.
    """
    view = largest_slice(prepared.mask)
    image, mask, heat = view.of(prepared.image), view.of(prepared.mask) == 1, view.of(activation)
    panel = 3.9
    figure = new_figure(2 * panel + 0.9, panel * min(1.6, max(0.6, view.height_mm / view.width_mm)) + 0.7)
    plain, heated = figure.subplots(1, 2)
    for axis in (plain, heated):
        grey_slice(axis, image, view.extent)
    shown = heated.imshow(
        heat,
        cmap="inferno",
        vmin=0,
        vmax=1,
        alpha=_OPACITY * np.sqrt(np.clip(heat, 0, 1)),
        extent=view.extent,
        interpolation="nearest",
    )
    for axis in (plain, heated):
        outline(axis, mask, view.extent)
        axis.set(xlim=(0, view.width_mm), ylim=(view.height_mm, 0))
    orientation(plain, view)
    scale_bar(plain, view)
    shown.set_rasterized(True)
    figure.colorbar(shown, ax=heated, shrink=0.85, label="activation (of its maximum)")
    plain.set_title(fill(f"{prepared.title}, slice {view.index + 1} of {view.slices}", 40), fontsize=10)
    heated.set_title(fill(title, 45), fontsize=10)
    return figure
