"""Grids of axial slices, and where their voxels lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import canonical_grid


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


def places(image: sitk.Image) -> np.ndarray:
    """Physical positions of all voxel centres in mm, shape (k, j, i, 3)."""
    axes = [np.arange(size) * spacing for size, spacing in zip(image.GetSize(), image.GetSpacing())]
    k, j, i = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    direction = np.array(image.GetDirection()).reshape(3, 3)
    return np.stack([i, j, k], axis=-1) @ direction.T + np.array(image.GetOrigin())


def on_grid(voxels: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """An image of these voxels, shape (k, j, i), on a grid."""
    image = sitk.GetImageFromArray(voxels)
    image.CopyInformation(grid)
    return image
