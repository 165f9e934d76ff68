"""A slice view of the application, rendered off screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .scene import Scene

_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLTransformsDisplayableManager2D",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceView:
    """A slice view: its logic, its nodes, and what it shows as numbers."""

    def __init__(self, scene: Scene, name: str, orientation: str, color: tuple[float, float, float]) -> None:
        self.name = name
        self._window, renderer = _off_screen_window()
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(scene.application_logic)
        scene.application_logic.GetSliceLogics().AddItem(self.logic)
        self.logic.SetMRMLScene(scene.node)
        self.logic.AddSliceNode(name)
        self.node.SetOrientation(orientation)
        self.node.SetLayoutColor(color)
        self.node.SetMappedInLayout(1)
        self._managers = _displayable_managers(scene, renderer, self.node)
        self._image, self._image_actor = _image_layer(renderer)
        self.resize(300, 300)

    @property
    def node(self) -> vtk.vtkObject:
        """The view's slice node."""
        return self.logic.GetSliceNode()

    @property
    def composite_node(self) -> vtk.vtkObject:
        """The node that says which volumes the view shows."""
        return self.logic.GetSliceCompositeNode()

    def resize(self, width: int, height: int) -> None:
        """Give the view a size in pixels."""
        self._window.SetSize(width, height)
        self.logic.ResizeSliceNode(width, height)

    def pixels(self) -> np.ndarray:
        """What the view shows: height x width x (red, green, blue), the upper row first."""
        image = self._grab().GetOutput()
        width, height, _ = image.GetDimensions()
        return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].copy()

    def save(self, path: Path) -> None:
        """Write what the view shows as a PNG file."""
        grabber = self._grab()  # a port does not keep its filter alive
        writer = vtk.vtkPNGWriter()
        writer.SetFileName(str(path))
        writer.SetInputConnection(grabber.GetOutputPort())
        writer.Write()

    def pixel_of(self, ras: tuple[float, float, float]) -> tuple[int, int]:
        """Row and column of a point in the patient, for :meth:`pixels`."""
        to_pixels = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), to_pixels)
        column, row_from_below, _, _ = to_pixels.MultiplyPoint((*ras, 1.0))
        return self._window.GetSize()[1] - 1 - round(row_from_below), round(column)

    def _grab(self) -> vtk.vtkWindowToImageFilter:
        image = self.logic.GetImageDataConnection()
        self._image_actor.SetVisibility(bool(image))
        if image:
            self._image.SetInputConnection(image)
        self._window.Render()
        grabber = vtk.vtkWindowToImageFilter()
        grabber.SetInput(self._window)
        grabber.SetInputBufferTypeToRGB()
        grabber.ReadFrontBufferOff()
        grabber.Update()
        return grabber


def _off_screen_window() -> tuple[vtk.vtkRenderWindow, vtk.vtkRenderer]:
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetAlphaBitPlanes(True)
    window.SetNumberOfLayers(2)
    renderers = [vtk.vtkRenderer(), vtk.vtkRenderer()]
    for layer, renderer in enumerate(renderers):
        renderer.SetLayer(layer)
        renderer.GetActiveCamera().ParallelProjectionOn()
        window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    interactor.Initialize()
    return window, renderers[0]


def _displayable_managers(scene: Scene, renderer: vtk.vtkRenderer, node: vtk.vtkObject) -> vtk.vtkObject:
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(scene.application_logic)
    for name in _MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(node)
    return group


def _image_layer(renderer: vtk.vtkRenderer) -> tuple[vtk.vtkImageMapper, vtk.vtkActor2D]:
    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    renderer.AddViewProp(actor)
    return mapper, actor
