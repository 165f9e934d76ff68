"""Small images for tests, in memory and written by hand where no library would write them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib.figure import Figure

from HabitatRadiomicsLib.reporting.figures.drawing import write_figure
from HabitatRadiomicsLib.reporting.study import figures as study_figures

#: A 3 x 4 matrix, row by row: voxel index to mm, RAS.
Rows = Sequence[Sequence[float]]


@pytest.fixture
def tiny_image() -> sitk.Image:
    """24 x 24 x 6 voxels of 1 x 1 x 3 mm, Int16, no two neighbours alike."""
    voxels = np.random.default_rng(20240607).normal(500, 100, (6, 24, 24))
    return _placed(np.rint(voxels).astype(np.int16))


@pytest.fixture
def tiny_mask() -> sitk.Image:
    """A lesion of 12 x 12 x 4 voxels in :func:`tiny_image`, UInt8."""
    voxels = np.zeros((6, 24, 24), dtype=np.uint8)
    voxels[1:5, 6:18, 6:18] = 1
    return _placed(voxels)


@contextmanager
def _sketching() -> Iterator[None]:
    """Reports with small empty pictures: drawing the true ones, of which other tests tell, takes most of their time."""

    def sketch(figure: Figure, folder: Path, name: str) -> tuple[bytes, bytes]:
        return write_figure(Figure((0.1, 0.1)), folder, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_figures, "write_figure", sketch)
        yield


@pytest.fixture
def sketches() -> Iterator[None]:
    """The test's reports have empty pictures."""
    with _sketching():
        yield


@pytest.fixture(scope="module")
def sketches_in_module() -> Iterator[None]:
    """The reports of a module's fixtures and tests have empty pictures."""
    with _sketching():
        yield


@pytest.fixture(scope="session")
def nrrd_by_hand() -> Callable[..., Path]:
    """Writes an NRRD file whose header says whatever it is told."""

    def write(path: Path, voxels: np.ndarray, *geometry: str) -> Path:
        kind = {"i2": "short", "u1": "uchar", "f4": "float"}[voxels.dtype.str[1:]]
        lines = ["NRRD0004", f"type: {kind}", "dimension: 3", f"sizes: {' '.join(map(str, voxels.shape[::-1]))}"]
        header = "\n".join([*lines, *geometry, "endian: little", "encoding: raw", "", ""])
        path.write_bytes(header.encode() + voxels.astype(voxels.dtype.newbyteorder("<")).tobytes())
        return path

    return write


@pytest.fixture(scope="session")
def nifti_by_hand() -> Callable[..., Path]:
    """Writes a NIfTI-1 file whose header says whatever it is told."""

    def write(
        path: Path,
        voxels: np.ndarray,
        *,
        spacing: tuple[float, float, float] = (1.0, 1.0, 3.0),
        rows: Rows | None = None,
        offset: int = 352,
        order: Literal["<", ">"] = "<",
    ) -> Path:
        kind = {"u1": 2, "i2": 4, "f4": 16, "f8": 64}[voxels.dtype.str[1:]]
        # RAS, so that the LPS axes are those of the tiny image.
        rows = rows or [(-spacing[0], 0, 0, 0), (0, -spacing[1], 0, 0), (0, 0, spacing[2], 0)]
        header = bytearray(offset)
        struct.pack_into(f"{order}i", header, 0, 348)
        struct.pack_into(f"{order}8h", header, 40, 3, *voxels.shape[::-1], 1, 1, 1, 1)
        struct.pack_into(f"{order}2h", header, 70, kind, voxels.dtype.itemsize * 8)
        struct.pack_into(f"{order}4f", header, 76, 1.0, *spacing)
        struct.pack_into(f"{order}2f", header, 108, float(offset), 1.0)
        struct.pack_into(f"{order}2h", header, 252, 0, 1)
        for number, row in enumerate(rows):
            struct.pack_into(f"{order}4f", header, 280 + 16 * number, *row)
        header[123] = 2  # mm
        header[344:348] = b"n+1\0"
        path.write_bytes(bytes(header) + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes())
        return path

    return write


def _placed(voxels: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.0, 1.0, 3.0))
    return image
