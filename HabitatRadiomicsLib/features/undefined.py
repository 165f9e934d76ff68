"""Why a feature has no value in a region.

The built-in engine gives a value for every feature of every region, except these:

========================================  ============================================  ================================
no value                                  where                                         but
========================================  ============================================  ================================
shape Elongation, Flatness                the region is a single voxel                  the axis lengths are 0
shape SurfaceVolumeRatio                  the mesh encloses no volume: it has a hole    the other features of shape
                                          where two voxels touch by an edge only        have values
glcm, all                                 no two voxels of the region are neighbours    of a single grey level MCC is 1,
                                                                                        and of a single matrix
                                                                                        InverseVariance 0
glcm, all                                 weighted directions: exp(-distance^2) is 0,
                                          at distances from 27 mm
glrlm, all                                no line along one of the directions meets     of a single matrix RunVariance
                                          the region twice (one voxel, two askew)       and RunEntropy are 0
firstorder RobustMeanAbsoluteDeviation    the region is two voxels that differ
firstorder features of high powers        intensities leave the range of numbers
all but shape, of one image               an intensity of the region is not finite in
                                          it: NaN in the image (elsewhere, too, if the
                                          filter spreads it); square, logarithm and
                                          exponential of an image of zeros
========================================  ============================================  ================================

Neighbours are voxels at the distances of the protocol; with ``force_2d``, they and the lines are within a slice. A
single matrix is that of weighted directions, or of a box with only one direction. Where pyradiomics fails or gives
nonsense in other unusual regions (flat, a line, one or two grey levels), the built-in engine has values, which the
modules of the classes describe.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.features.builtin.cropping import box_of
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.builtin.neighbours import RegionLayout
from HabitatRadiomicsLib.features.catalogue import parse
from HabitatRadiomicsLib.imaging import PreparedImage
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings, Protocol

#: Of pyradiomics only: the built-in engine has a value in all other cases.
UNEXPLAINED = "The engine gave no finite real number."

_NO_AXES = "The region is a single voxel, which has no axes to compare."
_FLAT = (
    "The region lies in a plane or on a line, and pyradiomics' rounding made the variance across it negative; the "
    "built-in engine gives 0."
)
_NO_VOLUME = "The mesh of the region encloses no volume: it has a hole where voxels touch by an edge or a corner only."
_NO_PAIRS = "No two voxels of the region are neighbours{where}, and a co-occurrence matrix counts pairs of neighbours."
_NO_WEIGHTS = "The neighbours are so far apart in mm that the weights of all pairs, exp(-distance^2), vanish."
_NO_RUNS = "No line along a direction of the matrix meets the region in more than one voxel{where}: there are no runs."
_NONE_BETWEEN = (
    "The region is two voxels of different intensity: none lies between the 10th and the 90th percentile, where the "
    "deviation is taken."
)
_NOT_A_NUMBER = "In {count} of the region's {voxels} voxels the intensity of the image is NaN or infinite."
_SPREAD = (
    "The image has NaN or infinite intensities outside of the region, and the filter {filter} spreads them into it."
)
_ZEROS = "The image is 0 everywhere, where the filter {filter} is not defined."
_OVERFLOW = "The filter {filter} of these intensities leaves the range of floating-point numbers."
_POWERS = (
    "The intensities, {lowest:g} to {highest:g}, are so large or so close together that sums of their powers leave the "
    "range of floating-point numbers."
)
_AXES = ("MinorAxisLength", "LeastAxisLength", "Elongation", "Flatness")
#: Fourth powers of larger deviations overflow, those of smaller ones vanish.
_LARGEST, _SMALLEST = 1e76, 1e-76


@dataclass(frozen=True)
class RegionFacts:
    """The properties of a region that decide whether shape and texture features are defined in it.

    Attributes:
        voxels: how many it has.
        dimensions: 3; 2 in a plane, 1 on a line, 0 of a single voxel.
        neighbours: whether any two voxels are neighbours at the distances of the co-occurrence matrix.
        lines: whether a line along one of the 13 directions (4 within a slice) meets the region in more than one voxel.
        force_2d: neighbours and lines are within the slice.
    """

    voxels: int
    dimensions: int
    neighbours: bool
    lines: bool
    force_2d: bool = False

    @classmethod
    def of(cls, inside: np.ndarray, *, force_2d: bool, distances: Collection[int] = (1,)) -> RegionFacts:
        """Of a boolean array (k, j, i), cropped to the region's box; distances in voxels (Chebyshev)."""
        layout = RegionLayout.of(inside, force_2d=force_2d, distances=distances)
        positions = layout.positions()
        return cls(
            voxels=len(positions),
            dimensions=int(np.linalg.matrix_rank(positions - positions[0])),
            neighbours=bool(layout.neighbour_counts.any()),
            lines=any(layout.has_line_along(offset) for offset in layout.adjacent),
            force_2d=force_2d,
        )


@dataclass(frozen=True)
class IntensityFacts:
    """The properties of intensities that decide whether the features of a (filtered) image are defined in a region.

    Attributes:
        lowest, highest: of the region in the filtered image; NaN if any intensity is not finite.
        unknown_inside, unknown_outside: voxels of the unfiltered image that are NaN or infinite.
        zeros: the unfiltered image is 0 everywhere.
    """

    lowest: float
    highest: float
    unknown_inside: int = 0
    unknown_outside: int = 0
    zeros: bool = False


def reason_in_region(feature_class: str, feature: str, region: RegionFacts) -> str | None:
    """Why an undefined feature does not exist in the region, whatever its intensities; None: the intensities decide."""
    where = " within a slice" if region.force_2d else ""
    if feature_class == "shape" and feature in ("Elongation", "Flatness") and region.voxels == 1:
        return _NO_AXES
    if feature_class == "shape" and feature in _AXES and region.dimensions < 3:
        return _FLAT
    if feature_class == "shape" and feature == "SurfaceVolumeRatio":
        return _NO_VOLUME
    if feature_class == "glcm" and not region.neighbours:
        return _NO_PAIRS.format(where=where)
    if feature_class == "glrlm" and not region.lines:
        return _NO_RUNS.format(where=where)
    return None


def reason_of_intensities(feature: str, filter_name: str, region: RegionFacts, intensities: IntensityFacts) -> str:
    """Why a first-order or texture feature is not defined, if :func:`reason_in_region` is None.

    Args:
        feature: pyradiomics' name, without its class.
        filter_name: pyradiomics' name of the filtered image.
    """
    if not np.isfinite([intensities.lowest, intensities.highest]).all():
        if intensities.unknown_inside:
            return _NOT_A_NUMBER.format(count=intensities.unknown_inside, voxels=region.voxels)
        if intensities.unknown_outside:
            return _SPREAD.format(filter=filter_name)
        return (_ZEROS if intensities.zeros else _OVERFLOW).format(filter=filter_name)
    spread = intensities.highest - intensities.lowest
    if feature == "RobustMeanAbsoluteDeviation" and region.voxels == 2 and spread > 0:
        return _NONE_BETWEEN
    if max(abs(intensities.lowest), abs(intensities.highest)) > _LARGEST or 0 < spread < _SMALLEST:
        return _POWERS.format(lowest=intensities.lowest, highest=intensities.highest)
    return UNEXPLAINED


def undefined_reasons(
    image: sitk.Image, mask: sitk.Image, settings: FeatureSettings, undefined: Collection[str]
) -> dict[str, str]:
    """The reason, a sentence, of each feature that is not defined in a region.

    Filters are applied again only for features that the region alone does not explain.

    Args:
        image: the prepared image.
        mask: of the region, UInt8 (0 or 1), not empty, on the image's grid.
        undefined: ``image_class_Feature`` names of the features that are NaN.
    """
    inside = sitk.GetArrayViewFromImage(mask) == 1
    texture = settings.texture
    region = RegionFacts.of(inside[box_of(inside).slices], force_2d=settings.force_2d, distances=texture.distances)
    parts = {name: name.split("_") for name in undefined}
    reasons = {name: reason_in_region(kind, feature, region) for name, (_, kind, feature) in parts.items()}
    by_intensity = [name for name, reason in reasons.items() if reason is None and parts[name][1] != "shape"]
    facts = _intensity_facts(image, mask, settings, {parts[name][0] for name in by_intensity})
    for name in by_intensity:
        filter_name, kind, feature = parts[name]
        reasons[name] = reason_of_intensities(feature, filter_name, region, facts[filter_name])
        if reasons[name] == UNEXPLAINED and kind == "glcm" and texture.weighting not in (None, "no_weighting"):
            reasons[name] = _NO_WEIGHTS
    return {name: reason or UNEXPLAINED for name, reason in reasons.items()}


def undefined_columns(
    prepared: PreparedImage,
    regions: Mapping[str, sitk.Image],
    protocol: Protocol,
    values: Mapping[str, float],
) -> dict[str, str]:
    """The reason of each value of a sequence that is not finite, by column name, in the order of the values.

    Args:
        regions: masks of the measured regions, by name.
        values: the result of ``measure_regions``.
    """
    columns = {column: parse(column) for column, value in values.items() if not np.isfinite(value)}
    reasons = {
        region: undefined_reasons(
            prepared.image, regions[region], protocol.features,
            [name.within_region for name in columns.values() if name.region == region],
        )
        for region in {name.region for name in columns.values()}
    }  # fmt: skip
    return {column: reasons[name.region][name.within_region] for column, name in columns.items()}


def _intensity_facts(
    image: sitk.Image, mask: sitk.Image, settings: FeatureSettings, filters: Collection[str]
) -> dict[str, IntensityFacts]:
    if not filters:
        return {}
    voxels = sitk.GetArrayViewFromImage(image)
    unknown = ~np.isfinite(voxels)
    inside = int(np.count_nonzero(unknown & (sitk.GetArrayViewFromImage(mask) == 1)))
    outside = int(np.count_nonzero(unknown)) - inside
    # The bins do not matter: two of them, whatever the intensities are.
    wanted = [f"{name}_firstorder_{feature}" for name in filters for feature in ("Minimum", "Maximum")]
    settings = settings.model_copy(update={"classes": ("firstorder",), "excluded": ()})
    values = BuiltInEngine().extract(image, {"region": mask}, settings, Discretisation(bin_count=2), wanted)["region"]
    return {
        name: IntensityFacts(
            values[f"{name}_firstorder_Minimum"],
            values[f"{name}_firstorder_Maximum"],
            unknown_inside=inside,
            unknown_outside=outside,
            zeros=not voxels.any(),
        )
        for name in filters
    }
