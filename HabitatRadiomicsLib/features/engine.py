"""The interface of feature engines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

import SimpleITK as sitk

from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings


class FeatureEngine(Protocol):
    """Computes features with pyradiomics' definitions and names."""

    name: str
    version: str

    def extract(
        self,
        image: sitk.Image,
        regions: Mapping[str, sitk.Image],
        settings: FeatureSettings,
        discretisation: Discretisation,
        wanted: Collection[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """Features of each region; every filtered image is computed once for all regions.

        Args:
            image: a prepared image.
            regions: UInt8 masks (0 or 1) on the image's grid, by name.
            settings: filters, classes, 2D or 3D.
            discretisation: of this image.
            wanted: ``image_class_Feature`` names to compute; None: all that the settings ask for.

        Returns:
            Per region, value by ``image_class_Feature``; NaN where a feature is not defined for the region.

        Raises:
            FeatureError: a filter cannot be applied to this image.
        """
        ...


def choose_engine(settings: FeatureSettings, *, jobs: int = 1) -> FeatureEngine:
    """The engine that the protocol asks for; ``auto`` is the built-in one, whatever else is installed.

    Args:
        jobs: threads for one case, which the built-in engine can use; the values do not depend on it.

    Raises:
        FeatureError: the settings exclude a feature that does not exist.
        DependencyError: the protocol asks for pyradiomics, which is not installed.
    """
    feature_names(settings)  # before any image is read
    if settings.engine == "pyradiomics":
        from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine

        return PyradiomicsEngine()
    from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine

    return BuiltInEngine(jobs=jobs)
