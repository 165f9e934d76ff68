"""The built-in engine: filter once, bin once, all regions and classes from the same arrays."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib import __version__
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.features.builtin.cropping import Box, box_of, union_box
from HabitatRadiomicsLib.features.builtin.discretisation import grey_levels
from HabitatRadiomicsLib.features.builtin.filters import filtered_images
from HabitatRadiomicsLib.features.builtin.first_order import first_order_features
from HabitatRadiomicsLib.features.builtin.glcm import glcm_features
from HabitatRadiomicsLib.features.builtin.gldm import gldm_features
from HabitatRadiomicsLib.features.builtin.glrlm import glrlm_features
from HabitatRadiomicsLib.features.builtin.glszm import glszm_features
from HabitatRadiomicsLib.features.builtin.ngtdm import ngtdm_features
from HabitatRadiomicsLib.features.builtin.shape import shape_features
from HabitatRadiomicsLib.features.catalogue import by_image_and_class, feature_names
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings

#: Packages that compute the numbers. numba, where it is there, computes the same ones.
_PACKAGES = ("numpy", "scipy", "SimpleITK", "PyWavelets", "scikit-image")
_TEXTURE: dict[str, Callable[..., dict[str, float]]] = {
    "glcm": glcm_features,
    "glrlm": glrlm_features,
    "glszm": glszm_features,
    "gldm": gldm_features,
    "ngtdm": ngtdm_features,
}


class BuiltInEngine:
    """pyradiomics' features from numpy, scipy, SimpleITK, PyWavelets and scikit-image.

    Where pyradiomics fails or gives what is not a number, a feature has the value that its class defines for the case,
    or it is NaN. All features of an image in a region are NaN where an intensity of the region is not finite there (a
    filter of an image that is 0 everywhere, for instance).
    """

    name = "built-in"

    def __init__(self, *, crop: bool = True) -> None:
        """
        Args:
            crop: filters see the regions with as much around them as they need, which is faster; else the whole image.
        """
        self._crop = crop
        packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
        self.version = f"{__version__} ({packages})"

    def extract(
        self,
        image: sitk.Image,
        regions: Mapping[str, sitk.Image],
        settings: FeatureSettings,
        discretisation: Discretisation,
        wanted: Collection[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """See :meth:`FeatureEngine.extract`.

        Raises:
            FeatureError: a filter cannot be applied to this image.
            RegionError: a region has no voxel, or another size than the image.
        """
        names = [name for name in feature_names(settings) if wanted is None or name in wanted]
        needed = by_image_and_class(names)
        columns, rows, slices = image.GetSpacing()
        spacing = (slices, rows, columns)
        measured = {name: _Region.of(mask, image, name) for name, mask in regions.items()}
        values: dict[str, dict[str, float]] = {name: {} for name in regions}
        shape = needed.get("original", {}).pop("shape", None)
        if shape:
            for name, region in measured.items():
                found = shape_features(region.inside, spacing, shape)
                values[name] |= {f"original_shape_{feature}": value for feature, value in found.items()}
        box = union_box(region.box for region in measured.values())
        images = filtered_images(
            image,
            box,
            settings.images,
            force_2d=settings.force_2d,
            wanted=[name for name, classes in needed.items() if classes],
            crop=self._crop,
        )
        with np.errstate(all="ignore"):
            for image_name, voxels in images:
                for name, region in measured.items():
                    part = voxels[region.box.slices_within(box)]
                    found = _intensity_features(
                        part[region.inside],
                        region.inside,
                        needed[image_name],
                        discretisation,
                        force_2d=settings.force_2d,
                        voxel_volume=float(np.prod(spacing)),
                    )
                    values[name] |= {f"{image_name}_{feature}": value for feature, value in found.items()}
        return {region: {name: found[name] for name in names} for region, found in values.items()}


@dataclass(frozen=True)
class _Region:
    """Where a region lies, and which voxels of its box are in it."""

    box: Box
    inside: np.ndarray

    @classmethod
    def of(cls, mask: sitk.Image, image: sitk.Image, name: str) -> _Region:
        if mask.GetSize() != image.GetSize():
            raise RegionError("The mask is not on the image's grid.", where=name)
        inside = sitk.GetArrayViewFromImage(mask) == 1
        try:
            box = box_of(inside)
        except RegionError as error:
            raise error.at(name) from error
        return cls(box, inside[box.slices])


def _intensity_features(
    intensities: np.ndarray,
    inside: np.ndarray,
    wanted: Mapping[str, Collection[str]],
    discretisation: Discretisation,
    *,
    force_2d: bool,
    voxel_volume: float,
) -> dict[str, float]:
    """Features of one region on one image, by ``class_Feature``; NaN where an intensity is not finite."""
    names = [f"{kind}_{feature}" for kind, features in wanted.items() for feature in features]
    values = dict.fromkeys(names, float("nan"))
    if not np.isfinite(intensities).all():
        return values
    levels_inside = grey_levels(intensities, discretisation)
    levels = np.zeros(inside.shape, dtype=np.int64)
    levels[inside] = levels_inside
    for kind, features in wanted.items():
        if kind == "firstorder":
            found = first_order_features(intensities, levels_inside, voxel_volume, features)
        else:
            found = _TEXTURE[kind](levels, force_2d=force_2d, wanted=features)
        values |= {f"{kind}_{feature}": value for feature, value in found.items() if np.isfinite(value)}
    return values
