"""Pictures of the slice of largest lesion area: image, entropy and habitats, and the activation of a network."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.colours import habitat_colour
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.reporting.figures.drawing import NORMAL, SMALL, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS = {0: ("R", "L"), 1: ("A", "P"), 2: ("I", "S")}
_MARGIN_MM = 15.0
_SCALE_BARS_MM = (1, 2, 5, 10, 20, 50, 100)
#: Opacity of an activation where it is strongest; a weaker one lets more of the image through.
_OPACITY = 0.65


@dataclass(frozen=True)
class SliceView:
    """How to cut, turn and label the slice of largest lesion area.

    Axial slices show the patient's right on the left and anterior up; coronal and sagittal ones show superior up, and
    sagittal ones anterior on the left. Oblique slices go by their nearest axis.

    Attributes:
        index: of the slice, 0-based; ``slices``: how many there are.
        width_mm, height_mm: extents of the cut.
        left, right, top, bottom: anatomical letters of the picture's edges.
    """

    index: int
    slices: int
    rows: slice
    columns: slice
    transpose: bool
    flip_vertical: bool
    flip_horizontal: bool
    width_mm: float
    height_mm: float
    left: str
    right: str
    top: str
    bottom: str

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the picture, mm; the first row is at the top."""
        return (0.0, self.width_mm, self.height_mm, 0.0)

    @property
    def aspect(self) -> float:
        """Height of a panel as a fraction of its width."""
        return min(1.6, max(0.6, self.height_mm / self.width_mm))

    def of(self, image: sitk.Image) -> np.ndarray:
        """The slice of an image on the same grid, cut and turned; shape (rows, columns), top row first."""
        cut = sitk.GetArrayViewFromImage(image)[self.index, self.rows, self.columns]
        if self.transpose:
            cut = cut.T
        if self.flip_vertical:
            cut = cut[::-1, :]
        return cut[:, ::-1] if self.flip_horizontal else cut


def largest_slice(mask: sitk.Image) -> SliceView:
    """The view of the slice with the largest lesion area, cut to the lesion and some surroundings."""
    array = sitk.GetArrayViewFromImage(mask) == 1
    index = int(array.sum(axis=(1, 2)).argmax())
    spacing = mask.GetSpacing()
    rows, columns = (
        _around(np.flatnonzero(array[index].any(axis=other)), array.shape[axis], step)
        for axis, other, step in ((1, 1, spacing[1]), (2, 0, spacing[0]))
    )
    # Columns of the direction matrix: where i and j point, LPS.
    direction = np.array(mask.GetDirection()).reshape(3, 3)
    along_i, along_j = direction[:, 0], direction[:, 1]
    axis_i = int(np.abs(along_i).argmax())
    others = np.abs(along_j)
    others[axis_i] = -1
    axis_j = int(others.argmax())
    # Left-right lies horizontally; without it (sagittal), anterior-posterior does.
    transpose = axis_i > axis_j
    horizontal, vertical = (along_j[axis_j], along_i[axis_i]) if transpose else (along_i[axis_i], along_j[axis_j])
    horizontal_axis, vertical_axis = sorted((axis_i, axis_j))
    # Towards the picture's bottom: posterior, or inferior.
    flip_vertical = bool(vertical < 0) if vertical_axis == 1 else bool(vertical > 0)
    top, bottom = _LETTERS[1] if vertical_axis == 1 else _LETTERS[2][::-1]
    left, right = _LETTERS[horizontal_axis]
    extents = (columns.stop - columns.start) * spacing[0], (rows.stop - rows.start) * spacing[1]
    width, height = extents[::-1] if transpose else extents
    return SliceView(
        index=index, slices=array.shape[0], rows=rows, columns=columns, transpose=transpose,
        flip_vertical=flip_vertical, flip_horizontal=bool(horizontal < 0), width_mm=width, height_mm=height,
        left=left, right=right, top=top, bottom=bottom,
    )  # fmt: skip


def _around(hit: np.ndarray, size: int, step: float) -> slice:
    margin = int(np.ceil(max(_MARGIN_MM / step, 0.25 * (hit[-1] - hit[0] + 1))))
    return slice(max(0, int(hit[0]) - margin), min(size, int(hit[-1]) + 1 + margin))


def map_figure(prepared: PreparedSequence, habitat_map: HabitatMap, *, most_bits: float | None = None) -> Figure:
    """The slice of largest lesion area: the image with the lesion's outline, local entropy, and the habitats.

    Args:
        prepared: the sequence.
        habitat_map: its habitats.
        most_bits: the upper end of the entropy's colours, for maps that are to be compared; None: the map's maximum.
    """
    from matplotlib.patches import Patch

    source = prepared.source
    view = largest_slice(source.mask)
    image, mask = view.of(source.image), view.of(source.mask) == 1
    figure = new_figure(3 * 3.6 + 1.2, 3.6 * view.aspect + 1.15)
    plain, entropies, habitats = figure.subplots(1, 3)
    for axis in (plain, entropies, habitats):
        _draw_grey(axis, view, image)
    _annotate(plain, view, mask, prepared.title)
    bits = np.where(mask, view.of(habitat_map.entropy), np.nan)
    top = max(largest_entropy(habitat_map) if most_bits is None else most_bits, 1e-6)
    shown = entropies.imshow(bits, cmap="inferno", vmin=0, vmax=top, extent=view.extent, interpolation="nearest")
    figure.colorbar(shown, ax=entropies, shrink=0.85, label="local entropy (bits)")
    entropies.set_title("local entropy", fontsize=NORMAL)
    habitats.imshow(_coloured(view.of(habitat_map.labels)), extent=view.extent, interpolation="nearest")
    _outline(habitats, view, mask)
    handles = [
        Patch(color=habitat_colour(int(row.name[1:]) - 1), label=f"{row.name}: {_millilitres(row.volume_ml)}")
        for row in habitat_map.statistics
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=min(5, len(handles)), fontsize=SMALL, frameon=False)
    kind = "this patient's own clusters" if habitat_map.model.of_one_patient else "habitats of the population"
    scale = habitat_map.scale.lesion
    if scale != prepared.name:
        kind = f"{kind}, on the scale of {title_of(scale)}"
    habitats.set_title(fill(kind, 40), fontsize=NORMAL)
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


def activation_figure(prepared: PreparedSequence, activation: sitk.Image, title: str) -> Figure:
    """The prepared slice of largest lesion area with the lesion's outline: alone, and under the activation.

    Args:
        prepared: the sequence.
        activation: 0 to 1, on the prepared image's grid (``features.deep.activation.activation_image``).
        title: whose activation it is, e.g. ``CT_patch_original_deep_E003``.
    """
    view = largest_slice(prepared.mask)
    image, mask, heat = view.of(prepared.image), view.of(prepared.mask) == 1, view.of(activation)
    figure = new_figure(2 * 3.9 + 0.9, 3.9 * view.aspect + 0.7)
    plain, heated = figure.subplots(1, 2)
    for axis in (plain, heated):
        _draw_grey(axis, view, image)
    _annotate(plain, view, mask, prepared.title)
    opacity = _OPACITY * np.sqrt(np.clip(heat, 0, 1))
    shown = heated.imshow(
        heat, cmap="inferno", vmin=0, vmax=1, alpha=opacity, extent=view.extent, interpolation="nearest"
    )
    _outline(heated, view, mask)
    figure.colorbar(shown, ax=heated, shrink=0.85, label="activation (of its maximum)")
    heated.set_title(fill(title, 45), fontsize=NORMAL)
    return figure


def _draw_grey(axis: Axes, view: SliceView, image: np.ndarray) -> None:
    """The slice, from its 1st to its 99.5th percentile."""
    low, high = np.percentile(image, (1, 99.5))
    axis.imshow(image, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=view.extent, interpolation="nearest")
    axis.set(xticks=[], yticks=[])
    axis.autoscale(False)


def _outline(axis: Axes, view: SliceView, mask: np.ndarray) -> None:
    """The lesion's outline along the voxels' edges."""
    from matplotlib.collections import LineCollection

    step_x, step_y = view.width_mm / mask.shape[1], view.height_mm / mask.shape[0]
    padded = np.pad(mask, 1)
    below = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    beside = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines = [[(c * step_x, r * step_y), ((c + 1) * step_x, r * step_y)] for r, c in below]
    lines += [[(c * step_x, r * step_y), (c * step_x, (r + 1) * step_y)] for r, c in beside]
    axis.add_collection(LineCollection(lines, colors="#7CFC00", linewidths=0.9))


def _annotate(axis: Axes, view: SliceView, mask: np.ndarray, title: str) -> None:
    """Outline, title, anatomical letters at the edges, and a scale bar of a round length at the lower left."""
    from matplotlib.patheffects import withStroke

    _outline(axis, view, mask)
    axis.set_title(fill(f"{title}, slice {view.index + 1} of {view.slices}", 40), fontsize=NORMAL)
    # White with a dark rim is seen on any background.
    visible: dict[str, Any] = {"color": "white", "path_effects": [withStroke(linewidth=2, foreground="black")]}
    letters = {"fontsize": NORMAL, "fontweight": "bold", "transform": axis.transAxes, **visible}
    axis.text(0.02, 0.5, view.left, ha="left", va="center", **letters)
    axis.text(0.98, 0.5, view.right, ha="right", va="center", **letters)
    axis.text(0.5, 0.98, view.top, ha="center", va="top", **letters)
    axis.text(0.5, 0.02, view.bottom, ha="center", va="bottom", **letters)
    length = max(step for step in _SCALE_BARS_MM if step <= max(1.0, view.width_mm / 3))
    x, y = 0.05 * view.width_mm, 0.95 * view.height_mm
    axis.plot([x, x + length], [y, y], linewidth=3, solid_capstyle="butt", **visible)
    axis.text(x, y - 0.02 * view.height_mm, f"{length} mm", fontsize=SMALL, va="bottom", **visible)
