"""One slice of a volume as a radiologist expects to see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

_LETTERS = {0: ("R", "L"), 1: ("A", "P"), 2: ("I", "S")}
_MARGIN_MM = 15.0


@dataclass(frozen=True)
class SliceView:
    """How to cut, turn and label the slice of largest lesion area.

    Axial slices show the patient's right on the left and anterior up; coronal and sagittal ones show superior up, and
    sagittal ones anterior on the left. Oblique slices go by their nearest axis.

    Attributes:
        index: of the slice, 0-based; ``slices`` there are.
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
    along_j_without = np.abs(along_j).copy()
    along_j_without[axis_i] = -1
    axis_j = int(along_j_without.argmax())
    # Left-right lies horizontally; without it (sagittal), anterior-posterior does.
    transpose = axis_i > axis_j
    horizontal, vertical = (along_j[axis_j], along_i[axis_i]) if transpose else (along_i[axis_i], along_j[axis_j])
    horizontal_axis, vertical_axis = sorted((axis_i, axis_j))
    flip_horizontal = bool(horizontal < 0)
    # Towards the picture's bottom: posterior, or inferior.
    flip_vertical = bool(vertical < 0) if vertical_axis == 1 else bool(vertical > 0)
    top, bottom = _LETTERS[1] if vertical_axis == 1 else _LETTERS[2][::-1]
    left, right = _LETTERS[horizontal_axis]
    extent_i, extent_j = (columns.stop - columns.start) * spacing[0], (rows.stop - rows.start) * spacing[1]
    width, height = (extent_j, extent_i) if transpose else (extent_i, extent_j)
    return SliceView(
        index=index,
        slices=array.shape[0],
        rows=rows,
        columns=columns,
        transpose=transpose,
        flip_vertical=flip_vertical,
        flip_horizontal=flip_horizontal,
        width_mm=width,
        height_mm=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
    )


def _around(hit: np.ndarray, size: int, step: float) -> slice:
    margin = int(np.ceil(max(_MARGIN_MM / step, 0.25 * (hit[-1] - hit[0] + 1))))
    return slice(max(0, int(hit[0]) - margin), min(size, int(hit[-1]) + 1 + margin))
