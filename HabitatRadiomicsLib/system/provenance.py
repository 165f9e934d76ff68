"""How a result was made: versions of packages and digests of inputs, but no names."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from typing import Any

import SimpleITK as sitk

from HabitatRadiomicsLib import __version__

#: Distributions whose version can change a number.
_NUMERICAL = ("numpy", "scipy", "scikit-learn", "SimpleITK", "PyWavelets", "scikit-image", "shap")


def versions() -> dict[str, str]:
    """Versions of Python, this library and the numerical packages, by name."""
    found = {"HabitatRadiomics": __version__, "Python": platform.python_version()}
    for name in _NUMERICAL:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def image_digest(image: sitk.Image) -> str:
    """SHA-256 of an image's voxels, pixel type and geometry; the same for the same image in any file format."""
    digest = hashlib.sha256()
    geometry = (image.GetPixelIDTypeAsString(), image.GetSize(), image.GetSpacing(), image.GetOrigin())
    digest.update(repr((*geometry, image.GetDirection(), sys.byteorder)).encode())
    digest.update(sitk.GetArrayViewFromImage(image).tobytes())
    return digest.hexdigest()


def document_digest(document: Any) -> str:
    """SHA-256 of a JSON document in canonical form (sorted keys, no white space)."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
