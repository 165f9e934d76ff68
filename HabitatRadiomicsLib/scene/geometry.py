"""Where nodes lie in the world: parent transforms applied, RAS to SimpleITK's LPS and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from HabitatRadiomicsLib.errors import GeometryError

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class GridPlace(NamedTuple):
    """Where a grid lies: spacing in mm, origin in mm LPS, direction cosines row by row."""

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def matrix_array(matrix: Any) -> np.ndarray:
    """A vtkMatrix4x4 as an array, shape (4, 4)."""
    return slicer.util.arrayFromVTKMatrix(matrix)


def world_matrix(node: Any, *, where: str) -> np.ndarray:
    """The linear transform from a transformable node's own space to the world, RAS, shape (4, 4).

    Raises:
        GeometryError: a parent transform is not linear.
    """
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise GeometryError(
            "It lies under a transform that is not linear (a deformation), which would change what is measured.",
            where=where,
            remedy="Harden the transform on a copy (Transforms module), or take the image out of it.",
        )
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return matrix_array(matrix)


def place_of(ijk_to_ras: np.ndarray) -> GridPlace:
    """Spacing, origin and direction, LPS, of a grid's matrix from voxel index to RAS in mm."""
    ijk_to_lps = _RAS_TO_LPS @ ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a spacing of zero is refused by the case's checks
        direction = ijk_to_lps[:3, :3] / spacing
    return GridPlace(tuple(spacing), tuple(ijk_to_lps[:3, 3]), tuple(direction.ravel()))


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """The matrix from an image's voxel index to RAS in mm, shape (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return _RAS_TO_LPS @ matrix


def ras_of_voxel(image: sitk.Image, index: tuple[int, int, int]) -> tuple[float, float, float]:
    """The place of a voxel's centre, RAS in mm; ``index`` is (i, j, k)."""
    right, anterior, superior, _ = ijk_to_ras_of(image) @ [*index, 1]
    return float(right), float(anterior), float(superior)
