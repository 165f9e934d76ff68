"""What synthetic patients are made of: grids, bumpy lesions, grainy tissue, and a cohort's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, write_case
from HabitatRadiomicsLib.cases.geometry import canonical_grid
from HabitatRadiomicsLib.outputs import write_csv


@dataclass(frozen=True)
class Blob:
    """An ellipsoid with a bumpy surface.

    Attributes:
        centre, semi_axes: in mm, LPS, shape (3,).
        waves, phases: of the bumps, shape (n, 3) and (n,).
        height: of the bumps, as a fraction of the radius.
    """

    centre: np.ndarray
    semi_axes: np.ndarray
    waves: np.ndarray
    phases: np.ndarray
    height: float = 0.07

    @classmethod
    def random(cls, generator: np.random.Generator, centre: Sequence[float], smallest: float, largest: float) -> Blob:
        """A random blob with semi-axes between two lengths in mm."""
        return cls(
            centre=np.array(centre, dtype=float),
            semi_axes=generator.uniform(smallest, largest, 3),
            waves=generator.normal(0, 0.12, (6, 3)),
            phases=generator.uniform(0, 2 * np.pi, 6),
        )

    def bumps(self, points: np.ndarray) -> np.ndarray:
        """Distance of the surface from the centre in the direction of points, relative to the ellipsoid's."""
        waves = np.sin((points - self.centre) @ self.waves.T + self.phases).sum(axis=-1)
        return 1 + self.height * waves / np.sqrt(len(self.phases))

    def radius(self, points: np.ndarray) -> np.ndarray:
        """The relative radius of points, shape (..., 3) to (...): 0 at the centre, 1 on the surface."""
        return np.linalg.norm((points - self.centre) / self.semi_axes, axis=-1) / self.bumps(points)


def axial_grid(
    size: Sequence[int],
    spacing: Sequence[float],
    *,
    tilt_degrees: float = 0.0,
    centre: Sequence[float] = (0.0, 0.0, 0.0),
) -> sitk.Image:
    """An empty image of axial slices, tilted about the left-right axis; size along i, j, k, lengths in mm, LPS."""
    angle = np.deg2rad(tilt_degrees)
    direction = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    image = sitk.Image(list(size), sitk.sitkUInt8)
    image.SetSpacing(list(spacing))
    image.SetDirection(direction.ravel().tolist())
    half = (np.array(size) - 1) * np.array(spacing) / 2
    image.SetOrigin((np.array(centre) - direction @ half).tolist())
    return canonical_grid(image)


def positions(grid: sitk.Image) -> np.ndarray:
    """Physical positions of all voxel centres in mm, shape (k, j, i, 3)."""
    axes = [np.arange(size) * spacing for size, spacing in zip(grid.GetSize(), grid.GetSpacing())]
    k, j, i = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    direction = np.array(grid.GetDirection()).reshape(3, 3)
    return np.stack([i, j, k], axis=-1) @ direction.T + np.array(grid.GetOrigin())


def on_grid(voxels: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """An image of voxels, shape (k, j, i), on a grid."""
    image = sitk.GetImageFromArray(voxels)
    image.CopyInformation(grid)
    return image


def texture(
    generator: np.random.Generator, shape: Sequence[int], spacing: Sequence[float], grain_mm: float
) -> np.ndarray:
    """Gaussian noise with a grain of the given size in mm, mean 0, SD 1; spacing in mm along the array's axes."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(generator.normal(size=shape), [grain_mm / 2 / step for step in spacing], mode="wrap")
    return (smooth - smooth.mean()) / smooth.std()


def write_images(
    folder: Path, case: Case, *, timepoint: str = "baseline", below: str = "images"
) -> list[dict[str, object]]:
    """Write a case's images as NRRD below a cohort's folder; returns their rows of ``images.csv``."""
    return [
        {
            "case_id": case.case_id,
            "timepoint": timepoint,
            "sequence": name,
            "image": image.relative_to(folder).as_posix(),
            "mask": mask.relative_to(folder).as_posix(),
            "label": 1,
        }
        for name, (image, mask) in write_case(folder / below, case).items()
    ]


def write_tables(
    folder: Path, images: Iterable[Mapping[str, object]], clinical: Iterable[Mapping[str, object]]
) -> tuple[Path, Path]:
    """Write a cohort's ``images.csv`` and ``clinical.csv``; returns their paths."""
    import pandas as pd

    tables = folder / "images.csv", folder / "clinical.csv"
    for path, rows in zip(tables, (images, clinical)):
        write_csv(pd.DataFrame(rows), path)
    return tables
