"""The built-in engine: filter once, bin once, all regions and classes from the same arrays."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

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
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, RegionLayout
from HabitatRadiomicsLib.features.builtin.ngtdm import ngtdm_features
from HabitatRadiomicsLib.features.builtin.shape import shape_features
from HabitatRadiomicsLib.features.catalogue import by_image_and_class, feature_names
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings, TextureSettings

#: Packages that compute the numbers. numba, where it is there, computes the same ones.
_PACKAGES = ("numpy", "scipy", "SimpleITK", "PyWavelets", "scikit-image")
#: By class: from a region's levels, pyradiomics' names of the wanted features, and the settings to values by name.
_TEXTURE: dict[str, Callable[[LevelLattice, Collection[str], TextureSettings], dict[str, float]]] = {
    "glcm": glcm_features,
    "glrlm": glrlm_features,
    "glszm": glszm_features,
    "gldm": gldm_features,
    "ngtdm": ngtdm_features,
}
#: By region and name.
_Values = dict[str, dict[str, float]]
_Result = TypeVar("_Result")


class BuiltInEngine:
    """pyradiomics' features from numpy, scipy, SimpleITK, PyWavelets and scikit-image.

    Where pyradiomics fails or gives no number, a feature has the value that its class defines for the case, or NaN.
    All features of an image in a region are NaN if an intensity of the region is not finite (after a filter of an image
    that is 0 everywhere, for instance).
    """

    name = "built-in"

    def __init__(self, *, jobs: int = 1) -> None:
        """
        Args:
            jobs: threads that share the images; the values are the same to the last bit. Each has one image in memory.
                Leave it at 1 where processes already use the cores.
        """
        self._jobs = jobs
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
        measured = {name: _Region.of(mask, image, name, settings) for name, mask in regions.items()}
        box = union_box(region.box for region in measured.values())
        shape = needed.get("original", {}).pop("shape", None)
        images = filtered_images(
            image,
            box,
            settings.images,
            force_2d=settings.force_2d,
            wanted=[name for name, classes in needed.items() if classes],
        )

        def of_image(image_name: str, filtered: Callable[[], np.ndarray]) -> _Values:
            values = {}
            with np.errstate(all="ignore"):
                voxels = filtered()
                for name, region in measured.items():
                    of_region = _intensity_features(
                        voxels[region.box.slices_within(box)][region.inside], region.layout, needed[image_name],
                        discretisation, settings.texture, voxel_volume=float(np.prod(spacing)),
                    )  # fmt: skip
                    values[name] = {f"{image_name}_{feature}": value for feature, value in of_region.items()}
            return values

        def of_shape(name: str) -> _Values:
            of_region = shape_features(measured[name].inside, spacing, shape)
            return {name: {f"original_shape_{feature}": value for feature, value in of_region.items()}}

        def pieces() -> Iterator[Callable[[], _Values]]:
            # Last image first: LoG takes longest, and most of all with the largest sigma.
            while images:
                yield partial(of_image, *images.popitem())
            if shape:
                yield from (partial(of_shape, name) for name in measured)

        values: _Values = {name: {} for name in regions}
        for result in in_threads(pieces(), self._jobs):
            for name, of_region in result.items():
                values[name] |= of_region
        return {region: {name: of_region[name] for name in names} for region, of_region in values.items()}


def in_threads(pieces: Iterable[Callable[[], _Result]], jobs: int) -> Iterator[_Result]:
    """The result of each piece of work, in their order; the first error cancels the pieces that have not begun.

    Threads and not processes: filters, kernels and most of numpy run without the interpreter's lock, nothing has to be
    copied, and starting a process would take longer than a small lesion.

    Args:
        pieces: each is released when it is done.
        jobs: threads; 1: only the caller's.
    """
    if jobs == 1:
        for piece in pieces:
            yield piece()
        return
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for future in [pool.submit(piece) for piece in pieces]:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Region:
    """A region's box, which voxels of the box are in it, and their layout for the textures of all images."""

    box: Box
    inside: np.ndarray
    layout: RegionLayout

    @classmethod
    def of(cls, mask: sitk.Image, image: sitk.Image, name: str, settings: FeatureSettings) -> _Region:
        if mask.GetSize() != image.GetSize():
            raise RegionError("The mask is not on the image's grid.", where=name)
        inside = sitk.GetArrayViewFromImage(mask) == 1
        try:
            box = box_of(inside)
        except RegionError as error:
            raise error.at(name) from error
        columns, rows, slices = image.GetSpacing()
        layout = RegionLayout.of(
            inside[box.slices],
            force_2d=settings.force_2d,
            distances=settings.texture.distances,
            spacing=(slices, rows, columns),
        )
        return cls(box, inside[box.slices], layout)


def _intensity_features(
    intensities: np.ndarray,
    layout: RegionLayout,
    wanted: Mapping[str, Collection[str]],
    discretisation: Discretisation,
    texture: TextureSettings,
    *,
    voxel_volume: float,
) -> dict[str, float]:
    """Features of one region on one image, by ``class_Feature``; NaN where an intensity is not finite."""
    names = [f"{kind}_{feature}" for kind, features in wanted.items() for feature in features]
    values = dict.fromkeys(names, float("nan"))
    if not np.isfinite(intensities).all():
        return values
    levels = grey_levels(intensities, discretisation)
    lattice = LevelLattice.of(levels, layout)
    for kind, features in wanted.items():
        if kind == "firstorder":
            of_class = first_order_features(intensities, levels, voxel_volume, features)
        else:
            of_class = _TEXTURE[kind](lattice, features, texture)
        values |= {f"{kind}_{feature}": value for feature, value in of_class.items() if np.isfinite(value)}
    return values
