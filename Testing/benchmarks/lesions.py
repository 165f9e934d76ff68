"""Lesions made by code: an ellipsoid in a noisy field of view, with two habitats, in several sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from HabitatRadiomicsLib.protocol import FeatureSettings, ImageFilters

#: About so many voxels.
VOXELS = {"tiny": 2_000, "small": 9_000, "medium": 54_000, "large": 117_000, "giant": 490_000}
_WIDE = "-wide"
_FIELD_OF_VIEW = (64, 384, 384)
_SPACING = (0.9, 0.9, 3.0)
_MARGIN = 5
_FLATNESS = 0.3
#: As in a T1-weighted series after z-scoring, times 100; with bins of 25 some 30 grey levels in the lesion.
_CONTRAST, _COARSE, _FINE = 100, 70, 70


@dataclass(frozen=True)
class RegionCase:
    """A prepared image and the regions to measure in it."""

    name: str
    image: sitk.Image
    regions: Mapping[str, sitk.Image]
    settings: FeatureSettings

    @property
    def title(self) -> str:
        """Name, image size and the lesion's voxels, in words."""
        size = " x ".join(map(str, self.image.GetSize()))
        return f"{self.name}, {self.voxels:,} voxels in {size}"

    @property
    def voxels(self) -> int:
        """Of the whole lesion."""
        return int(np.count_nonzero(sitk.GetArrayViewFromImage(self.regions["whole"])))


def case_named(name: str) -> RegionCase:
    """A size of ``VOXELS``, its image cut to five voxels around the lesion; ``small-wide``: all of the field of view.

    ``tiny`` has features of the original image only.
    """
    size = name.removesuffix(_WIDE)
    voxels, whole, coarse = _lesion(VOXELS[size])
    regions = {"whole": whole, "S1": whole & (coarse < 0), "S2": whole & (coarse >= 0)}
    box = (slice(None),) * 3 if name.endswith(_WIDE) else _around(whole)
    image = _image(voxels[box])
    masks = {region: _image(inside[box].astype(np.uint8)) for region, inside in regions.items()}
    title = f"{size}, {'whole field of view' if name.endswith(_WIDE) else 'cropped'}"
    return RegionCase(title, image, masks, _settings(name))


def save_case(case: RegionCase, folder: Path) -> None:
    """For :func:`read_case`, which needs less memory than making it."""
    sitk.WriteImage(case.image, folder / "image.mha")
    for region, mask in case.regions.items():
        sitk.WriteImage(mask, folder / f"{region}.mha")


def read_case(name: str, folder: Path) -> RegionCase:
    """A case of that name as saved there."""
    masks = {region: sitk.ReadImage(folder / f"{region}.mha") for region in ("whole", "S1", "S2")}
    return RegionCase(name, sitk.ReadImage(folder / "image.mha"), masks, _settings(name))


def _settings(name: str) -> FeatureSettings:
    return _on_original_image() if name.startswith("tiny") else FeatureSettings()


def _lesion(voxels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intensities, the lesion, and the coarse part of the noise, which tells its habitats apart."""
    noise = np.random.default_rng(0).standard_normal(_FIELD_OF_VIEW, dtype=np.float32)
    coarse, fine = (
        smooth / smooth.std()
        for smooth in (ndimage.gaussian_filter(noise, (2, 6, 6)), ndimage.gaussian_filter(noise, (0, 0.7, 0.7)))
    )
    radius = (3 * voxels / (4 * np.pi * _FLATNESS)) ** (1 / 3)
    k, j, i = np.ogrid[tuple(slice(-(size // 2), size - size // 2) for size in _FIELD_OF_VIEW)]
    whole = (k / (radius * _FLATNESS)) ** 2 + (j / radius) ** 2 + (i / radius) ** 2 <= 1
    return (_COARSE * coarse + _FINE * fine + _CONTRAST * whole).astype(np.float32), whole, coarse


def _around(inside: np.ndarray) -> tuple[slice, ...]:
    hits = [np.flatnonzero(inside.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    return tuple(slice(max(int(hit[0]) - _MARGIN, 0), int(hit[-1]) + _MARGIN + 1) for hit in hits)


def _image(voxels: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(_SPACING)
    return image


def _on_original_image() -> FeatureSettings:
    images = ImageFilters(
        wavelet=None, square=False, square_root=False, logarithm=False, exponential=False, gradient=False,
        lbp_2d=False, log_sigmas=(),
    )  # fmt: skip
    return FeatureSettings(images=images)
