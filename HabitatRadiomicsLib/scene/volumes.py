"""Volume nodes to SimpleITK images and back, exactly: parent transforms are applied, RAS becomes SimpleITK's LPS."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from HabitatRadiomicsLib.cases import check_proper_grid
from HabitatRadiomicsLib.errors import GeometryError, ImageError

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def image_of(node: Any, *, where: str) -> sitk.Image:
    """A scalar or label map volume node as an image in world coordinates.

    Raises:
        ImageError: it holds no voxels, or several values in each.
        GeometryError: a parent transform is not linear, or shears the grid.
    """
    data = node.GetImageData()
    if data is None or data.GetNumberOfPoints() == 0 or data.GetPointData().GetScalars() is None:
        raise ImageError("The volume holds no voxels.", where=where, remedy="Load it again.")
    components = data.GetNumberOfScalarComponents()
    if components != 1:
        raise ImageError(
            f"The volume has {components} values per voxel (colour or vectors); one is needed.",
            where=where,
            remedy="Convert it to a scalar volume (Vector to Scalar Volume module).",
        )
    if data.GetDimensions()[2] < 2:
        raise ImageError("The image is 2D; a volume is needed.", where=where)
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    ijk_to_world = world_matrix(node, where=where) @ slicer.util.arrayFromVTKMatrix(ijk_to_ras)
    image = placed_image(data, ijk_to_world, where=where)
    check_proper_grid(image, where=where)
    return image


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
    return slicer.util.arrayFromVTKMatrix(matrix)


def ijk_to_ras_of(image: sitk.Image) -> np.ndarray:
    """The matrix from an image's voxel index to RAS in mm, shape (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return _RAS_TO_LPS @ matrix


def placed_image(data: Any, ijk_to_ras: np.ndarray, *, where: str) -> sitk.Image:
    """A vtkImageData's voxels as an image; its first voxel is index 0.

    Args:
        ijk_to_ras: from that index to RAS in mm, shape (4, 4).

    Raises:
        GeometryError: a spacing of 0, or axes that lie in one plane.
    """
    ijk_to_lps = _RAS_TO_LPS @ ijk_to_ras
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # SimpleITK refuses a spacing of 0
        direction = ijk_to_lps[:3, :3] / spacing
    voxels = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars())
    image = sitk.GetImageFromArray(voxels.reshape(data.GetDimensions()[::-1]))
    try:
        image.SetSpacing(spacing)
        image.SetOrigin(ijk_to_lps[:3, 3])
        image.SetDirection(direction.ravel())
    except RuntimeError as error:
        raise GeometryError(
            "The axes and the spacing do not form a grid.",
            where=where,
            remedy="Check its spacing in the Volumes module, and the transform it lies under.",
        ) from error
    return image


def add_volume(scene: Any, image: sitk.Image, name: str, *, labels: bool = False) -> Any:
    """A new volume node with an image's voxels and grid, and a display node; the caller chooses its colours."""
    node_class = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(node_class, scene.GenerateUniqueName(name))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras_of(image)))
    array = sitk.GetArrayFromImage(image)
    data = vtk.vtkImageData()
    data.SetDimensions(array.shape[::-1])
    voxel_type = numpy_support.get_vtk_array_type(array.dtype)
    data.GetPointData().SetScalars(numpy_support.numpy_to_vtk(np.ravel(array), deep=True, array_type=voxel_type))
    node.SetAndObserveImageData(data)
    node.CreateDefaultDisplayNodes()
    return node
