"""Features by pyradiomics (van Griethuysen 2017, doi 10.1158/0008-5472.CAN-17-0339), the reference engine."""

from __future__ import annotations

import importlib.metadata
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import DependencyError, FeatureError
from HabitatRadiomicsLib.features.catalogue import by_image_and_class, feature_names, image_names, log_sigmas
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings, ImageFilters
from HabitatRadiomicsLib.system.installation.dependencies import reference_engine_advice


class PyradiomicsEngine:
    """Calls pyradiomics' own filters and feature classes, filter by filter, all regions at each.

    ``RadiomicsFeatureExtractor.execute`` would repeat every filter for every region; the values are the same.
    """

    name = "pyradiomics"

    def __init__(self) -> None:
        """
        Raises:
            DependencyError: pyradiomics is not installed.
        """
        try:
            import radiomics
        except ImportError as error:
            raise DependencyError(
                "The protocol asks for pyradiomics, which is not installed.", remedy=reference_engine_advice()
            ) from error
        # It reports failures of single features as log lines; here they are NaN, which the caller reports.
        radiomics.logger.setLevel(logging.CRITICAL)
        self.version = _installed_version()

    def extract(
        self,
        image: sitk.Image,
        regions: Mapping[str, sitk.Image],
        settings: FeatureSettings,
        discretisation: Discretisation,
        wanted: Collection[str] | None = None,
    ) -> dict[str, dict[str, float]]:
        """See :meth:`FeatureEngine.extract`."""
        from radiomics import imageoperations
        from radiomics.featureextractor import RadiomicsFeatureExtractor

        names = [name for name in feature_names(settings) if wanted is None or name in wanted]
        by_image = by_image_and_class(names)
        extractor = RadiomicsFeatureExtractor(**_settings(settings, discretisation))
        boxes = {name: imageoperations.checkMask(image, mask, label=1)[0] for name, mask in regions.items()}
        values: dict[str, dict[str, float]] = {name: {} for name in regions}
        any_mask = next(iter(regions.values()))
        with _quiet():
            if "shape" in by_image.get("original", {}):
                extractor.enabledFeatures = {"shape": by_image["original"]["shape"]}
                for name, mask in regions.items():
                    values[name] |= _as_floats(extractor.computeShape(image, mask, boxes[name], **extractor.settings))
            offered = image_names(settings.images, force_2d=settings.force_2d)
            needed = [name for name in offered if set(by_image.get(name, {})) - {"shape"}]
            for filtered, image_name, arguments in _images(extractor, image, any_mask, settings.images, needed):
                extractor.enabledFeatures = {
                    kind: features for kind, features in by_image[image_name].items() if kind != "shape"
                }
                for name, mask in regions.items():
                    crop, crop_mask = imageoperations.cropToTumorMask(filtered, mask, boxes[name])
                    try:
                        values[name] |= _as_floats(extractor.computeFeatures(crop, crop_mask, image_name, **arguments))
                    except RuntimeError as error:
                        raise _no_neighbours(error, name, settings) from error
        _check_complete(values, names, image)
        return {region: {name: measured[name] for name in names} for region, measured in values.items()}


def _settings(settings: FeatureSettings, discretisation: Discretisation) -> dict[str, Any]:
    by_width = discretisation.bin_count is None
    texture = settings.texture
    return {
        **({"binWidth": discretisation.bin_width} if by_width else {"binCount": discretisation.bin_count}),
        "force2D": settings.force_2d,
        "force2Ddimension": 0,
        "distances": list(texture.distances),
        "weightingNorm": texture.weighting,
        "symmetricalGLCM": texture.symmetrical_glcm,
        "gldm_a": texture.gldm_alpha,
        "label": 1,
        "additionalInfo": False,
    }


def _no_neighbours(error: RuntimeError, region: str, settings: FeatureSettings) -> Exception:
    # pyradiomics' C code raises this where the region's box leaves no neighbour.
    if "angle count" not in str(error):
        return error
    return FeatureError(
        f"The region is smaller than the distances of neighbours ({', '.join(map(str, settings.texture.distances))}), "
        "or a single voxel.",
        where=region,
        remedy="Choose smaller distances in the protocol, or the built-in engine, which then leaves GLCM empty.",
    )


def _images(
    extractor: Any, image: sitk.Image, mask: sitk.Image, filters: ImageFilters, needed: Collection[str]
) -> Iterator[tuple[sitk.Image, str, dict[str, Any]]]:
    """The filtered images that are needed, one at a time, so that only one is in memory."""
    from radiomics import imageoperations

    families = {
        "Original": "original", "Wavelet": "wavelet", "Square": "square", "SquareRoot": "squareroot",
        "Logarithm": "logarithm", "Exponential": "exponential", "Gradient": "gradient", "LBP2D": "lbp-2D",
    }  # fmt: skip
    options = {**extractor.settings, "wavelet": filters.wavelet}
    for family, prefix in families.items():
        if any(name == prefix or name.startswith(prefix + "-") for name in needed):
            for item in getattr(imageoperations, f"get{family}Image")(image, mask, **options):
                if item[1] in needed:
                    yield item
    sigmas = [sigma for name, sigma in log_sigmas(filters).items() if name in needed]
    if sigmas:
        yield from imageoperations.getLoGImage(image, mask, **{**extractor.settings, "sigma": sigmas})


def _as_floats(results: Mapping[str, Any]) -> dict[str, float]:
    """Real numbers; NaN where a value is complex or not finite."""
    values = {}
    for name, value in results.items():
        number = complex(np.asarray(value).item())
        values[name] = number.real if number.imag == 0 and np.isfinite(number.real) else float("nan")
    return values


def _check_complete(values: Mapping[str, Mapping[str, float]], names: Collection[str], image: sitk.Image) -> None:
    # Where an image is too small for a filter, pyradiomics leaves the filter out and writes a log line.
    for measured in values.values():
        missing = sorted({name.split("_")[0] for name in names if name not in measured})
        if missing:
            raise FeatureError(
                f"The image ({' x '.join(map(str, image.GetSize()))} voxels) is too small for: {', '.join(missing)}.",
                remedy="LoG needs at least four slices, and more than sigma in each direction: leave it out of the "
                "protocol, or use a larger field of view.",
            )


def _installed_version() -> str:
    for distribution in ("pyradiomics-bhklab", "pyradiomics"):
        try:
            return f"{distribution} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    import radiomics

    return str(radiomics.__version__)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # LBP of floating-point images and degenerate matrices: the values are pyradiomics' all the same.
        warnings.simplefilter("ignore")
        yield
