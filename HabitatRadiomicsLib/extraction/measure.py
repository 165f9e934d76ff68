"""From a prepared sequence and its habitats to feature values."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, RegionError
from HabitatRadiomicsLib.features.catalogue import PATCH, FeatureName
from HabitatRadiomicsLib.features.deep.measure import measure_patch, patch_digest_parts
from HabitatRadiomicsLib.features.engine import FeatureEngine
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence, ring_of
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.system.tasks import one_thread


def regions_of(
    prepared: PreparedSequence, habitats: HabitatMap | None, names: Collection[str], protocol: Protocol
) -> dict[str, sitk.Image]:
    """Masks of the regions asked for, UInt8 0 or 1, on the prepared image's grid.

    Args:
        prepared: the lesion.
        habitats: its habitats; may be None when no habitat is asked for.
        names: ``whole``, ``habitats``, ``S1``.., ``ring``, ``patch`` (the lesion, which the patch is placed by).
        protocol: thickness and limits of the ring.

    Raises:
        RegionError: a habitat has no voxels in this lesion, or nothing is left of the ring.
    """
    masks: dict[str, sitk.Image] = {}
    for name in names:
        if name in ("whole", PATCH):
            masks[name] = prepared.mask
        elif name == "ring":
            try:
                masks[name] = ring_of(prepared, protocol)
            except RegionError as error:
                raise error.at(prepared.title) from error
        else:
            if habitats is None:
                raise RegionError(f"{name} was asked for without habitats.", where=prepared.title)
            for wanted in habitats.model.names if name == "habitats" else (name,):
                masks[wanted] = _habitat(habitats, wanted)
    return masks


def measure_regions(
    prepared: PreparedSequence,
    regions: Mapping[str, sitk.Image],
    protocol: Protocol,
    engine: FeatureEngine,
    wanted: Collection[FeatureName] | None = None,
) -> dict[str, float]:
    """Feature values of one sequence by column name.

    Args:
        wanted: features that suffice (of this sequence; others are ignored); None: all.

    Raises:
        RegionError: a region is too small for texture.
        FeatureError: a filter does not suit the image.
        NetworkError, DependencyError: deep features cannot be measured.
    """
    outlined = {name: mask for name, mask in regions.items() if name != PATCH}
    for name, mask in outlined.items():
        check_size(mask, protocol.features.minimum_region_voxels, f"{prepared.title} {name}")
    names = None
    if wanted is not None:
        names = {name.within_region for name in wanted if name.key == prepared.name and name.region != PATCH}
    discretisation = protocol.features.discretisation_of(prepared.name)
    found: dict[str, dict[str, float]] = {}
    try:
        with one_thread():
            if outlined:
                found = engine.extract(prepared.image, outlined, protocol.features, discretisation, names)
    except HabitatRadiomicsError as error:
        raise error.at(prepared.title) from error
    if PATCH in regions:
        found[PATCH] = measure_patch(prepared, protocol)
    return {f"{prepared.name}_{region}_{name}": value for region in regions for name, value in found[region].items()}


def _habitat(habitats: HabitatMap, name: str) -> sitk.Image:
    if name in habitats.regions:
        return habitats.regions[name]
    if name in habitats.model.names:
        raise RegionError(
            f"Habitat {name} has no voxel in this lesion.",
            where=habitats.title,
            remedy="The lesion has no tissue of this kind; it cannot be scored by a model that needs it.",
        )
    raise RegionError(
        f"There is no habitat {name}: this population has {', '.join(habitats.model.names)}.",
        where=habitats.title,
        remedy="Name only habitats that exist in the protocol's regions, or 'habitats' for all.",
    )


def check_size(mask: sitk.Image, minimum: int, where: str) -> None:
    """Refuse a region that is too small for texture.

    Raises:
        RegionError: it has fewer voxels than ``minimum``, or they lie on a line.
    """
    inside = np.nonzero(sitk.GetArrayViewFromImage(mask))
    voxels = len(inside[0])
    if voxels < minimum:
        raise RegionError(
            f"The region has {voxels} voxels; texture needs at least {minimum}.",
            where=where,
            remedy="A finer spacing or a smaller minimum_region_voxels in the protocol would admit it.",
        )
    extents = [int(axis.max() - axis.min()) + 1 for axis in inside]
    if sum(extent > 1 for extent in extents) < 2:
        raise RegionError("The region is a line of voxels; texture needs an area or a volume.", where=where)


def later_settings(protocol: Protocol) -> dict[str, object]:
    """Settings of regions that few protocols have; those of others keep what they measured before there were such."""
    limits = protocol.ring_limits
    rows: dict[str, object] = {} if limits is None else {"ring_limits": limits.model_dump(mode="json")}
    return {**rows, **patch_digest_parts(protocol)}
