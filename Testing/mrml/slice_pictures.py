"""What the pixels of slice views show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import slicer
from mrml_nodes import matrix_of

from HabitatRadiomicsLib.scene.result_nodes import ResultNodes

if TYPE_CHECKING:
    from standin.headless import StandIn
    from standin.slice_view import SliceView

SEQUENCES = ("T1W", "T2FS")
VIEWS = ("Red", "Yellow", "Green")
#: Okabe and Ito's sky blue and vermilion.
COLOURS = {"S1": (0x56, 0xB4, 0xE9), "S2": (0xD5, 0x5E, 0x00)}
#: Of 255; pictures are rounded at each step of blending.
LEVELS = 4


@dataclass(frozen=True)
class Seen:
    """Which voxel each pixel of a view shows.

    Attributes:
        index: i, j, k, rounded; shape (rows, columns, 3).
        sure: pixels whose voxel is beyond doubt, inside the volume and away from its voxels' borders.
    """

    index: np.ndarray
    sure: np.ndarray

    @classmethod
    def of(cls, view: SliceView, volume: object) -> Seen:
        rows, columns, _ = view.pixels().shape
        row, column = np.mgrid[:rows, :columns]
        xy = np.stack([column, rows - 1 - row, np.zeros_like(row), np.ones_like(row)], axis=-1)
        to_ras = slicer.util.arrayFromVTKMatrix(view.node.GetXYToRAS())
        place = (xy @ (np.linalg.inv(matrix_of(volume)) @ to_ras).T)[..., :3]
        index = np.rint(place).astype(int)
        size = np.array(slicer.util.arrayFromVolume(volume).shape[::-1])
        inside = ((index >= 0) & (index < size)).all(axis=-1)
        sure = inside & (np.abs(place - index) < 0.35).all(axis=-1)
        return cls(np.clip(index, 0, size - 1), sure)

    def values(self, array: np.ndarray) -> np.ndarray:
        """An array's values (k, j, i) at the pixels."""
        i, j, k = np.moveaxis(self.index, -1, 0)
        return array[k, j, i]


def calm(labels: np.ndarray, reach: int = 3) -> np.ndarray:
    """Pixels around which, this far, there is no other label: no outline, no rim."""
    padded = np.pad(labels, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    return windows.min(axis=(2, 3)) == windows.max(axis=(2, 3))


def without_legend(results: ResultNodes) -> None:
    for volume in results.entropy.values():
        slicer.modules.colors.logic().GetColorLegendDisplayNode(volume).SetVisibility(False)


def pictures(application: StandIn) -> dict[str, np.ndarray]:
    return {name: application.slice_views[name].pixels().astype(int) for name in VIEWS}
