"""Slicer's module ``SampleData``, as far as another module registers its sample data there."""

# ruff: noqa: N802, N815 (names of the application)
from __future__ import annotations

import hashlib
import inspect
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import slicer


def _listed(value: Any, length: int) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * length


@dataclass
class SampleDataSource:
    """A registered data set: parallel lists, an entry per file."""

    sampleName: str
    uris: Any
    fileNames: Any
    nodeNames: Any = None
    checksums: Any = None
    loadFiles: Any = None
    loadFileTypes: Any = None
    customDownloader: Callable[[SampleDataSource], Any] | None = None
    thumbnailFileName: str | None = None
    loadFileProperties: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        length = len(_listed(self.uris, 1))
        for name in ("uris", "fileNames", "nodeNames", "checksums", "loadFiles", "loadFileTypes"):
            values = _listed(getattr(self, name), length)
            if len(values) != length:
                raise ValueError("All fields of sample data source must have the same length")
            setattr(self, name, values)


class SampleDataLogic:
    """Registers data sets and fetches them."""

    @staticmethod
    def registerCustomSampleDataSource(category: str = "Custom", **fields: Any) -> None:
        """Add a data set to a category."""
        sources = vars(slicer.modules).setdefault("sampleDataSources", {})
        source = SampleDataSource(**fields)
        if source not in sources.setdefault(category, []):
            sources[category].append(source)

    def sourceForSampleName(self, name: str) -> SampleDataSource | None:
        """The data set of a name."""
        sources = getattr(slicer.modules, "sampleDataSources", {})
        return next((source for group in sources.values() for source in group if source.sampleName == name), None)

    def downloadSample(self, name: str) -> Any:
        """Fetch a data set and load it: its first node."""
        nodes = self.downloadSamples(name)
        return nodes[0] if nodes else None

    def downloadSamples(self, name: str) -> Any:
        """Fetch a data set and load it."""
        return self.downloadFromSource(self.sourceForSampleName(name))

    def downloadFromSource(self, source: SampleDataSource) -> Any:
        """Fetch a data set and load it; a downloader of its own is called by its button only, as in the application."""
        loaders = {"VolumeFile": slicer.util.loadVolume, "SegmentationFile": slicer.util.loadSegmentation}
        nodes = []
        for uri, name, node_name, checksum, load, kind in zip(
            source.uris, source.fileNames, source.nodeNames, source.checksums, source.loadFiles, source.loadFileTypes
        ):
            path = self.downloadFileIntoCache(uri, name, checksum)
            if load is not False:
                properties = {**source.loadFileProperties, "name": node_name}
                nodes.append(loaders.get(kind, slicer.util.loadVolume)(path, properties))
        return nodes

    def downloadFileIntoCache(self, uri: str, name: str, checksum: str | None = None) -> str:
        """Fetch a file; a wrong checksum is an error."""
        path = Path(slicer.app.temporaryPath) / name
        urllib.request.urlretrieve(uri, path)
        if checksum is not None:
            algorithm, _, digest = checksum.partition(":")
            if hashlib.new(algorithm.lower(), path.read_bytes()).hexdigest() != digest:
                raise ValueError(f"the checksum of {name} is wrong")
        return str(path)


def install_module() -> ModuleType:
    """Make ``SampleData`` importable."""
    module = ModuleType("SampleData")
    module.__doc__ = inspect.cleandoc(__doc__ or "")
    for item in (SampleDataSource, SampleDataLogic):
        setattr(module, item.__name__, item)
    module.__dict__["downloadSample"] = lambda name: SampleDataLogic().downloadSample(name)
    sys.modules["SampleData"] = module
    return module
