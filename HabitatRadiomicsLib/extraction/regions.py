"""The regions of a lesion and their features, for a single patient, and for the cases of a cohort with stored results.

A stored habitat is named by its superpixels: it is the same region whichever population's centroids define it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, RegionError
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseImages
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, Preparation, PreparedLesion, Unmeasured
from HabitatRadiomicsLib.features import FeatureEngine, choose_engine, feature_names
from HabitatRadiomicsLib.features.catalogue import PATCH, FeatureName
from HabitatRadiomicsLib.features.deep.measure import known_image_warnings, measure_patch, patch_digest_parts
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedImage, PreparedSequence, ring_of
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of
from HabitatRadiomicsLib.system.tasks import one_thread

#: Regions that are not habitats.
NAMED = ("whole", "ring", PATCH)

#: Regions of a case by view and sequence: "whole", "ring", "patch", or the numbers of a habitat's superpixels.
Plan = dict[str, dict[str, list[str]]]
#: Measured regions of a case by view, sequence and region, or why a region cannot be measured.
Measured = dict[str, dict[str, dict[str, np.ndarray | Unmeasured]]]


def regions_of(
    prepared: PreparedSequence, habitats: HabitatMap | None, names: Collection[str], protocol: Protocol
) -> dict[str, sitk.Image]:
    """Masks of regions, UInt8 0 or 1, on the prepared image's grid.

    Args:
        habitats: of the lesion; None if no habitat is requested.
        names: ``whole``, ``habitats``, ``S1``.., ``ring``, ``patch`` (the lesion, at which the patch is centred).
        protocol: gives thickness and limits of the ring.

    Raises:
        RegionError: a habitat has no voxel in this lesion, or the ring is empty.
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
                raise RegionError(f"{name} was requested without habitats.", where=prepared.title)
            for wanted in habitats.model.names if name == "habitats" else (name,):
                masks[wanted] = _habitat(habitats, wanted)
    return masks


def measure_regions(
    prepared: PreparedImage,
    regions: Mapping[str, sitk.Image],
    protocol: Protocol,
    engine: FeatureEngine,
    wanted: Collection[FeatureName] | None = None,
) -> dict[str, float]:
    """Feature values of one sequence by column name.

    Args:
        wanted: the features that are needed (those of other sequences are ignored); None: all.

    Raises:
        RegionError: a region is too small for texture.
        FeatureError: a filter does not suit the image.
        NetworkError, DependencyError: deep features cannot be measured.
    """
    masks = {name: mask for name, mask in regions.items() if name != PATCH}
    for name, mask in masks.items():
        check_size(mask, protocol.features.minimum_region_voxels, f"{prepared.title} {name}")
    names = None
    if wanted is not None:
        names = {name.within_region for name in wanted if name.key == prepared.name and name.region != PATCH}
    discretisation = protocol.features.discretisation_of(prepared.name)
    values: dict[str, dict[str, float]] = {}
    try:
        with one_thread():
            if masks:
                values = engine.extract(prepared.image, masks, protocol.features, discretisation, names)
    except HabitatRadiomicsError as error:
        raise error.at(prepared.title) from error
    if PATCH in regions:
        values[PATCH] = measure_patch(prepared, protocol)
    return {f"{prepared.name}_{region}_{name}": value for region in regions for name, value in values[region].items()}


def _habitat(habitats: HabitatMap, name: str) -> sitk.Image:
    if name in habitats.regions:
        return habitats.regions[name]
    if name in habitats.model.names:
        missing = no_habitat(name)
        raise RegionError(missing.problem, where=habitats.title, remedy=missing.remedy)
    raise unknown_habitat(name, habitats.model.names, habitats.title)


def no_habitat(name: str) -> Unmeasured:
    """Why a habitat without a voxel in a lesion is not measured."""
    return Unmeasured(
        f"Habitat {name} has no voxel in this lesion.",
        "The lesion has no tissue of this kind; it cannot be scored by a model that needs it.",
    )


def unknown_habitat(name: str, names: Iterable[str], where: str) -> RegionError:
    """The error for a habitat that the population does not have."""
    return RegionError(
        f"There is no habitat {name}: this population has {', '.join(names)}.",
        where=where,
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
    """Settings of regions that were added later; for protocols that do not use them, older stored results stay
    valid."""
    limits = protocol.ring_limits
    rows: dict[str, object] = {} if limits is None else {"ring_limits": limits.model_dump(mode="json")}
    return {**rows, **patch_digest_parts(protocol)}


@dataclass(frozen=True)
class RegionWork:
    """Measures the regions of a case; a :class:`Completion`."""

    preparation: Preparation
    plan: Plan

    def completed(self, images: CaseImages, kept: Answer | None) -> Answer:
        """The stored regions and the missing ones of the plan."""
        protocol = self.preparation.protocol
        first = kept is None
        regions: dict[str, Any] = {ORIGINAL: {name: {} for name in self.plan[ORIGINAL]}}
        answer = dict(kept or {"regions": regions, "undefined": {}, "warnings": {}, "volumes_ml": {}})
        missing = self._missing(answer)
        if kept is not None and not any(missing.values()):
            return kept
        views = [view for view, sequences in missing.items() if sequences or (first and view == ORIGINAL)]
        made = set()
        for view, lesions in self.preparation.lesions(images, views):
            made.add(view)
            if view == ORIGINAL and first:
                answer["warnings"] = {name: _warnings(lesion, protocol) for name, lesion in lesions.items()}
                answer["volumes_ml"] = {
                    name: lesion.volume_ml
                    for name, lesion in lesions.items()
                    if name == protocol.baseline_key(sequence_of(name))
                }
            for name, keys in missing[view].items():
                values, reasons = _measured(lesions[name], keys, protocol, explain=view == ORIGINAL)
                answer["regions"].setdefault(view, {}).setdefault(name, {}).update(values)
                answer["undefined"].setdefault(name, {}).update(reasons)
        for view in set(views) - made:
            for name, keys in missing[view].items():
                unmeasured = {key: {"problem": "The copy could not be made."} for key in keys}
                answer["regions"].setdefault(view, {}).setdefault(name, {}).update(unmeasured)
        return answer

    def _missing(self, kept: Answer) -> Plan:
        """The regions of the plan that are not stored."""
        missing: Plan = {}
        for view, sequences in self.plan.items():
            known = kept["regions"].get(view, {})
            rows = {name: [key for key in keys if key not in known.get(name, {})] for name, keys in sequences.items()}
            missing[view] = {name: keys for name, keys in rows.items() if keys}
        return missing


def _warnings(lesion: PreparedLesion, protocol: Protocol) -> list[str]:
    texts = (*lesion.warnings, *known_image_warnings(lesion.image_sha256, protocol))
    return [f"{lesion.title}: {text}" for text in texts]


def _measured(
    lesion: PreparedLesion, keys: Collection[str], protocol: Protocol, *, explain: bool
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """For each region, its feature values in the catalogue's order (null: undefined), or a problem and its remedy.

    With ``explain``, also the reasons of undefined values, by region and feature.
    """
    measured: dict[str, Any] = {}
    masks: dict[str, sitk.Image] = {}
    for key in keys:
        if key == PATCH:
            measured[key] = list(measure_patch(lesion, protocol).values())
            continue
        mask = _mask(lesion, key)
        if isinstance(mask, Unmeasured):
            measured[key] = {"problem": mask.problem, "remedy": mask.remedy}
            continue
        try:
            check_size(mask, protocol.features.minimum_region_voxels, lesion.name)
            masks[key] = mask
        except RegionError as error:
            measured[key] = {"problem": error.problem, "remedy": error.remedy}
    if not masks:
        return measured, {}
    # A column name cannot contain superpixels, so the regions get the names of habitats.
    numbered = {f"S{number}": mask for number, mask in enumerate(masks.values(), start=1)}
    values = measure_regions(lesion, numbered, protocol, choose_engine(protocol.features))
    names = feature_names(protocol.features)
    reasons = undefined_columns(lesion, numbered, protocol, values) if explain else {}
    undefined: dict[str, dict[str, str]] = {}
    for number, key in enumerate(masks, start=1):
        start = f"{lesion.name}_S{number}_"
        row = [values[start + name] for name in names]
        measured[key] = [value if np.isfinite(value) else None for value in row]
        undefined[key] = {name: reasons[start + name] for name in names if start + name in reasons}
    return measured, {key: row for key, row in undefined.items() if row}


def _mask(lesion: PreparedLesion, key: str) -> sitk.Image | Unmeasured:
    if key == "whole":
        return lesion.mask
    if key == "ring":
        assert lesion.ring is not None
        return lesion.ring
    assert lesion.labels is not None
    roi = sitk.GetArrayViewFromImage(lesion.mask) == 1
    voxels = np.zeros(roi.shape, dtype=np.uint8)
    voxels[roi] = np.isin(lesion.labels, [int(number) for number in key.split()])
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(lesion.mask)
    return mask


@dataclass(frozen=True)
class MeasuredCase:
    """The measurements of a case in memory, as arrays: lists would need four times the memory.

    Attributes:
        regions: values by view, sequence and region, or why the region cannot be measured.
        undefined: reasons of undefined values by sequence, region and feature; of the original view.
        warnings: about the images, sentences by sequence.
        volume_ml: of the lesion, the mean over its sequences; with two time points, at baseline.
    """

    regions: Measured
    undefined: Mapping[str, Mapping[str, Mapping[str, str]]]
    warnings: Mapping[str, tuple[str, ...]]
    volume_ml: float

    @classmethod
    def of(cls, answer: Answer) -> MeasuredCase:
        """From the stored document."""
        regions = {
            view: {
                sequence: {
                    key: Unmeasured(**row) if isinstance(row, dict) else np.array(row, dtype=float)
                    for key, row in rows.items()
                }
                for sequence, rows in sequences.items()
            }
            for view, sequences in answer["regions"].items()
        }
        warnings = {sequence: tuple(texts) for sequence, texts in answer["warnings"].items()}
        return cls(regions, answer["undefined"], warnings, float(np.mean(list(answer["volumes_ml"].values()))))
