"""Why a feature has no value in a region.

The built-in engine has a value of every feature for every region, except these:

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
single matrix is that of weighted directions, or of a box in which there is only one direction. Where pyradiomics fails
or gives nonsense in other odd regions (flat, a line, one or two grey levels), the built-in engine has values; the
modules of the classes tell which.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.features.builtin.cropping import box_of
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.catalogue import by_image_and_class, parse
from HabitatRadiomicsLib.imaging import PreparedImage
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings, Protocol

#: Of pyradiomics only: the built-in engine has a value in all cases that are not named here.
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
        lines: whether any line along one of the 13 directions (4 within a slice) meets the region in more than one
        voxel.
        force_2d: neighbours and lines are within the slice only.
    """

    voxels: int
    dimensions: int
    neighbours: bool
    lines: bool
    force_2d: bool = False

    @classmethod
    def of(cls, inside: np.ndarray, *, force_2d: bool, distances: Collection[int] = (1,)) -> RegionFacts:
        """Of a boolean array (k, j, i), cropped to the region's box; distances in voxels (Chebyshev)."""
        places = np.argwhere(inside)
        # Places on the same line along a direction have the same cross product with it.
        lines = any(
            len(np.unique(np.cross(places, offset), axis=0)) < len(places) for offset in _offsets((1,), force_2d)
        )
        return cls(
            voxels=len(places),
            dimensions=int(np.linalg.matrix_rank(places - places[0])),
            neighbours=any(_some_pair(inside, offset) for offset in _offsets(distances, force_2d)),
            lines=lines,
            force_2d=force_2d,
        )


def _offsets(distances: Collection[int], force_2d: bool) -> Iterator[tuple[int, ...]]:
    """One offset (k, j, i) of each opposite pair."""
    reach = range(-max(distances), max(distances) + 1)
    for offset in product([0] if force_2d else reach, reach, reach):
        if offset > (0, 0, 0) and max(map(abs, offset)) in distances:
            yield offset


def _some_pair(inside: np.ndarray, offset: tuple[int, ...]) -> bool:
    """Whether any two voxels differ by one of the offsets."""
    if any(abs(step) >= size for step, size in zip(offset, inside.shape)):
        return False
    first = tuple(slice(max(-step, 0), size - max(step, 0)) for step, size in zip(offset, inside.shape))
    second = tuple(slice(max(step, 0), size - max(-step, 0)) for step, size in zip(offset, inside.shape))
    return bool((inside[first] & inside[second]).any())


@dataclass(frozen=True)
class IntensityFacts:
    """The properties of the intensities that decide whether the features of one (filtered) image are defined in a
    region.

    Attributes:
        lowest, highest: of the region in the filtered image; NaN where any is not finite.
        unknown_inside, unknown_outside: voxels of the image before the filter that are NaN or infinite.
        zeros: the image before the filter is 0 everywhere.
    """

    lowest: float
    highest: float
    unknown_inside: int = 0
    unknown_outside: int = 0
    zeros: bool = False


def reason_in_region(feature_class: str, feature: str, region: RegionFacts) -> str | None:
    """Why the region has no such feature, whatever its intensities; None: the intensities decide.

    Args:
        feature: one that is not defined in the region.
    """
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
    """Why a first-order or texture feature of an image is not defined, where the region alone does not tell.

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

    Only filters of features that the region alone does not explain are applied again.

    Args:
        image: the prepared image.
        mask: of the region, UInt8 (0 or 1), not empty, on the image's grid.
        undefined: ``image_class_Feature`` names, of features that are NaN.
    """
    inside = sitk.GetArrayViewFromImage(mask) == 1
    distances = settings.texture.distances
    region = RegionFacts.of(inside[box_of(inside).slices], force_2d=settings.force_2d, distances=distances)
    reasons: dict[str, str | None] = {}
    for filter_name, classes in by_image_and_class(undefined).items():
        for kind, features in classes.items():
            for feature in features:
                reason = reason_in_region(kind, feature, region)
                reasons[f"{filter_name}_{kind}_{feature}"] = UNEXPLAINED if kind == "shape" and not reason else reason
    unexplained = [name for name, reason in reasons.items() if reason is None]
    facts = _intensity_facts(image, mask, settings, {name.split("_")[0] for name in unexplained})
    for name in unexplained:
        filter_name, kind, feature = name.split("_")
        reason = reason_of_intensities(feature, filter_name, region, facts[filter_name])
        if reason == UNEXPLAINED and kind == "glcm" and settings.texture.weighting not in (None, "no_weighting"):
            reason = _NO_WEIGHTS
        reasons[name] = reason
    return {name: reasons[name] or UNEXPLAINED for name in undefined}


def undefined_columns(
    prepared: PreparedImage,
    regions: Mapping[str, sitk.Image],
    protocol: Protocol,
    values: Mapping[str, float],
) -> dict[str, str]:
    """The reason of each value of a sequence that is not finite, by column name, in the order of the values.

    Args:
        regions: masks that the values were measured in, by name.
        values: what ``measure_regions`` gave for them.
    """
    columns = {column: parse(column) for column, value in values.items() if not np.isfinite(value)}
    found: dict[str, str] = {}
    for region in dict.fromkeys(name.region for name in columns.values()):
        own = {column: name.within_region for column, name in columns.items() if name.region == region}
        reasons = undefined_reasons(prepared.image, regions[region], protocol.features, own.values())
        found |= {column: reasons[name] for column, name in own.items()}
    return {column: found[column] for column in columns}


def _intensity_facts(
    image: sitk.Image, mask: sitk.Image, settings: FeatureSettings, filters: Collection[str]
) -> dict[str, IntensityFacts]:
    if not filters:
        return {}
    voxels = sitk.GetArrayViewFromImage(image)
    unknown = ~np.isfinite(voxels)
    inside = int(np.count_nonzero(unknown & (sitk.GetArrayViewFromImage(mask) == 1)))
    outside = int(np.count_nonzero(unknown)) - inside
    # The bins do not matter; these are few whatever the intensities are.
    wanted = [f"{name}_firstorder_{feature}" for name in filters for feature in ("Minimum", "Maximum")]
    settings = settings.model_copy(update={"classes": ("firstorder",), "excluded": ()})
    found = BuiltInEngine().extract(image, {"region": mask}, settings, Discretisation(bin_count=2), wanted)["region"]
    return {
        name: IntensityFacts(
            found[f"{name}_firstorder_Minimum"],
            found[f"{name}_firstorder_Maximum"],
            unknown_inside=inside,
            unknown_outside=outside,
            zeros=not voxels.any(),
        )
        for name in filters
    }
