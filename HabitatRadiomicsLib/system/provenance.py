"""The provenance of a result: versions of packages and digests of inputs, but no names."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from HabitatRadiomicsLib import __version__

#: Distributions whose version can change a number.
_NUMERICAL = ("numpy", "scipy", "scikit-learn", "SimpleITK", "PyWavelets", "scikit-image", "shap")


def versions() -> dict[str, str]:
    """Versions of Python, this library and the numerical packages, by name."""
    by_name = {"HabitatRadiomics": __version__, "Python": platform.python_version()}
    for name in _NUMERICAL:
        with suppress(importlib.metadata.PackageNotFoundError):
            by_name[name] = importlib.metadata.version(name)
    return by_name


def image_digest(image: sitk.Image) -> str:
    """SHA-256 of an image's voxels, pixel type and geometry; it does not depend on the file format."""
    digest = hashlib.sha256()
    geometry = (image.GetPixelIDTypeAsString(), image.GetSize(), image.GetSpacing(), image.GetOrigin())
    digest.update(repr((*geometry, image.GetDirection(), sys.byteorder)).encode())
    digest.update(sitk.GetArrayViewFromImage(image).tobytes())
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder (a DICOM series)."""
    digest = hashlib.sha256()
    for file in sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            for block in iter(partial(stream.read, 1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def document_digest(document: Any) -> str:
    """SHA-256 of a JSON document in canonical form (sorted keys, no white space)."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
