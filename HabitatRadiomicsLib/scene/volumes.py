"""Volume nodes to SimpleITK images and back, exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from HabitatRadiomicsLib.cases import check_proper_grid
from HabitatRadiomicsLib.errors import GeometryError, ImageError
from HabitatRadiomicsLib.scene.geometry import GridPlace, ijk_to_ras_of, matrix_array, place_of, world_matrix


def image_of(node: Any, *, where: str) -> sitk.Image:
    """A scalar or label map volume node as an image in world coordinates, parent transforms applied.

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
    grid = place_of(world_matrix(node, where=where) @ matrix_array(ijk_to_ras))
    image = placed_image(data, grid, where=where)
    check_proper_grid(image, where=where)
    return image


def placed_image(data: Any, place: GridPlace, *, where: str) -> sitk.Image:
    """A vtkImageData's voxels as an image at a place; its first voxel is index 0.

    Raises:
        GeometryError: a spacing of 0, or axes that lie in one plane.
    """
    voxels = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars())
    image = sitk.GetImageFromArray(voxels.reshape(data.GetDimensions()[::-1]))
    try:
        image.SetSpacing(place.spacing)
        image.SetOrigin(place.origin)
        image.SetDirection(place.direction)
    except RuntimeError as error:
        raise GeometryError(
            "The axes or the spacing make no grid.",
            where=where,
            remedy="Check its spacing in the Volumes module, and the transform it lies under.",
        ) from error
    return image


def add_volume(scene: Any, image: sitk.Image, name: str, *, labels: bool = False) -> Any:
    """A new volume node with an image's voxels and grid, and a display node; the caller chooses its colours."""
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(kind, scene.GenerateUniqueName(name))
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras_of(image)))
    array = sitk.GetArrayFromImage(image)
    data = vtk.vtkImageData()
    data.SetDimensions(array.shape[::-1])
    kind_of_voxel = numpy_support.get_vtk_array_type(array.dtype)
    data.GetPointData().SetScalars(numpy_support.numpy_to_vtk(np.ravel(array), deep=True, array_type=kind_of_voxel))
    node.SetAndObserveImageData(data)
    node.CreateDefaultDisplayNodes()
    return node
