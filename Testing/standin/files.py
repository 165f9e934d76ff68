"""``slicer.app.coreIOManager()``: the few readers and writers that the extension and its tests use."""

# ruff: noqa: N802 (names of the application)
from __future__ import annotations

from pathlib import Path
from typing import Any

from .scene import Scene

_TYPES = {
    ".seg.nrrd": "SegmentationFile",
    ".seg.nhdr": "SegmentationFile",
    ".nrrd": "VolumeFile",
    ".nhdr": "VolumeFile",
    ".nii": "VolumeFile",
    ".nii.gz": "VolumeFile",
    ".mha": "VolumeFile",
    ".mhd": "VolumeFile",
    ".mrb": "SceneFile",
    ".mrml": "SceneFile",
    ".csv": "TableFile",
    ".tsv": "TableFile",
    ".ctbl": "ColorTableFile",
}


class Files:
    """Reads and writes nodes by way of the logics, with the application's names and property maps."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def fileType(self, path: str) -> str:
        """The application's name for the type of a file."""
        name = Path(path).name.lower()
        return next((kind for ending, kind in _TYPES.items() if name.endswith(ending)), "NoFile")

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any, messages: Any) -> bool:
        """Read a file into the scene; the nodes go into the collection ``loaded``."""
        path = properties["fileName"]
        if kind == "SceneFile":
            return self._load_scene(path, clear=properties.get("clear", False))
        node = Path(path).is_file() and self._load_node(kind, path, properties)
        if not node:
            return False
        loaded.AddItem(node)
        return True

    def saveNodes(self, kind: str, properties: dict[str, Any], messages: Any = None) -> bool:
        """Write the scene, or the node of ``nodeID``, to the file of ``fileName``."""
        path = str(properties["fileName"])
        if "nodeID" in properties:
            return self._save_node(self._scene.node.GetNodeByID(properties["nodeID"]), path)
        if path.endswith(".mrb"):
            return bool(self._scene.node.WriteToMRB(path))
        self._scene.node.SetURL(path)
        return bool(self._scene.node.Commit(path))

    def fileWriterFileType(self, node: Any, path: str = "") -> str:
        """The type under which a node is written: only whether there is one matters here."""
        return "StorableNodeFile" if node.IsA("vtkMRMLStorableNode") else "NoFile"

    def _load_scene(self, path: str, *, clear: bool) -> bool:
        scene = self._scene.node
        if path.endswith(".mrb"):
            return bool(scene.ReadFromMRB(path, clear))
        scene.SetURL(path)
        return bool(scene.Connect() if clear else scene.Import())

    def _load_node(self, kind: str, path: str, properties: dict[str, Any]) -> Any:
        logics = self._scene.logics
        name = properties.get("name") or Path(path).name.split(".")[0]
        if kind == "VolumeFile":
            options = 1 if properties.get("labelmap") else 0
            return logics["Volumes"].AddArchetypeVolume(path, name, options)
        if kind == "SegmentationFile":
            node = logics["Segmentations"].LoadSegmentationFromFile(path, True, name)
            if node:
                node.CreateDefaultDisplayNodes()
            return node
        if kind == "TableFile":
            return logics["Tables"].AddTable(path, name)
        if kind == "ColorTableFile":
            return logics["Colors"].LoadColorFile(path, name)
        raise NotImplementedError(f"the stand-in reads no {kind}")

    @staticmethod
    def _save_node(node: Any, path: str) -> bool:
        node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(path)
        return bool(storage.WriteData(node))
