"""A MRML scene with the logics of the application around it, and no window."""

from __future__ import annotations

import tempfile
from pathlib import Path

import slicer
import vtk

from .share_files import write_color_files, write_terminologies
from .subject_hierarchy import SubjectHierarchy

#: Slicer's module name and the class of its logic.
_LOGICS = {
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Units": "vtkSlicerUnitsLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "Models": "vtkSlicerModelsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
    "Texts": "vtkSlicerTextsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "CropVolume": "vtkSlicerCropVolumeLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Data": "vtkSlicerDataModuleLogic",
}


class Scene:
    """The MRML scene, the application logic, and the logics of Slicer's own modules by name."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="slicer-standin-", ignore_cleanup_errors=True)
        self.temporary_path = Path(self._folder.name)
        self.node = slicer.vtkMRMLScene()
        self.application_logic = self._application_logic()
        self._cache = self._remote_files()
        self.logics: dict[str, vtk.vtkObject] = {}
        self._add_colors()
        for name, class_name in _LOGICS.items():
            logic = getattr(slicer, class_name)()
            if name == "Terminologies":
                folder = self._private(name)
                write_terminologies(folder)
                logic.SetModuleShareDirectory(str(folder))
            logic.SetMRMLScene(self.node)
            self._register(name, logic)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.node, True)
        self._add_singletons()
        self._items = SubjectHierarchy(self.node)

    def clear(self) -> None:
        """Close the scene, as File > Close scene does."""
        self.node.Clear(False)

    def _application_logic(self) -> vtk.vtkObject:
        logic = slicer.vtkSlicerApplicationLogic()
        logic.SetMRMLScene(self.node)
        logic.SetTemporaryPath(str(self._private("temporary")))
        home = self._private("home")
        logic.SetHomeDirectory(str(home))
        logic.SetShareDirectory("share")
        write_color_files(home / "share" / "ColorFiles")
        logic.SetSliceLogics(vtk.vtkCollection())
        logic.SetViewLogics(vtk.vtkCollection())
        return logic

    def _add_colors(self) -> None:
        logic = slicer.vtkSlicerColorLogic()
        self.application_logic.SetColorLogic(logic)
        self._register("Colors", logic)  # without it, volumes are rendered black
        logic.SetMRMLScene(self.node)
        logic.AddDefaultColorNodes()

    def _remote_files(self) -> tuple[vtk.vtkObject, vtk.vtkObject]:
        # The cache manager walks its folder and may prune it: never a shared one.
        remote = slicer.vtkMRMLRemoteIOLogic()
        remote.SetMRMLScene(self.node)
        remote.SetMRMLApplicationLogic(self.application_logic)
        remote.GetCacheManager().SetRemoteCacheDirectory(str(self._private("cache")))
        data = slicer.vtkDataIOManagerLogic()
        data.SetMRMLScene(self.node)
        data.SetMRMLApplicationLogic(self.application_logic)
        data.SetAndObserveDataIOManager(remote.GetDataIOManager())
        remote.AddDataIOToScene()
        return remote, data

    def _register(self, name: str, logic: vtk.vtkObject) -> None:
        logic.SetMRMLApplicationLogic(self.application_logic)
        self.application_logic.SetModuleLogic(name, logic)
        self.logics[name] = logic

    def _add_singletons(self) -> None:
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.node.AddNode(crosshair)

    def _private(self, name: str) -> Path:
        folder = self.temporary_path / name
        folder.mkdir()
        return folder
