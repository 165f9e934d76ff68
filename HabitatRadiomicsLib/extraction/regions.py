"""The regions of one case that a study needs: measured once, and kept for every later run.

A habitat is named by the superpixels that it consists of, so that it is the same region whichever population's
centroids led to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.mask import volume_ml
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.extraction.kept_cases import Answer
from HabitatRadiomicsLib.extraction.maps import scale_for
from HabitatRadiomicsLib.extraction.measure import check_size, measure_regions
from HabitatRadiomicsLib.extraction.superpixels import ORIGINAL, prepared_views
from HabitatRadiomicsLib.features import choose_engine, feature_names
from HabitatRadiomicsLib.features.catalogue import PATCH
from HabitatRadiomicsLib.features.deep.measure import known_image_warnings, measure_patch
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import describe_lesion
from HabitatRadiomicsLib.imaging import PreparedSequence, ring_of
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of

#: Regions that are no habitat.
NAMED = ("whole", "ring", PATCH)

#: Regions of a case by view and sequence: "whole", "ring", "patch", or the superpixels that a habitat consists of.
Plan = dict[str, dict[str, list[str]]]
#: Measured regions of a case by view, sequence and region; a sentence where a region cannot be measured.
Measured = dict[str, dict[str, dict[str, np.ndarray | str]]]


@dataclass(frozen=True)
class RegionMeasuring:
    """The regions of one case that are needed, on top of those that were kept; travels to other processes."""

    protocol: Protocol
    plan: Plan

    def answer(self, case: Case) -> Answer:
        """All of them, when nothing was kept."""
        return self.completed(case, {"regions": {}, "undefined": {}, "warnings": [], "volumes_ml": {}})

    def lacks(self, kept: Answer) -> bool:
        """Whether a region of the plan has not been measured."""
        return any(
            key not in kept["regions"].get(view, {}).get(sequence, {})
            for view, sequences in self.plan.items()
            for sequence, keys in sequences.items()
            for key in keys
        )

    def completed(self, case: Case, kept: Answer) -> Answer:
        """What was kept, and what it lacked."""
        regions, undefined, volumes = kept["regions"], kept["undefined"], kept["volumes_ml"]
        warnings = list(kept["warnings"])
        for view, prepared in prepared_views(case, self.protocol, perturbed=len(self.plan) > 1):
            if view == ORIGINAL:
                warnings = [
                    f"{sequence.title}: {text}"
                    for sequence in prepared.values()
                    for text in (*sequence.warnings, *known_image_warnings(sequence, self.protocol))
                ]
                volumes = {
                    name: volume_ml(sequence.source.mask)
                    for name, sequence in prepared.items()
                    if name == self.protocol.baseline_key(sequence_of(name))
                }
            for name, keys in self.plan.get(view, {}).items():
                place = regions.setdefault(view, {}).setdefault(name, {})
                missing = [key for key in keys if key not in place]
                found, reasons = _measure(name, prepared, missing, self.protocol, explain=view == ORIGINAL)
                place.update(found)
                undefined.setdefault(name, {}).update(reasons)
        return {"regions": regions, "undefined": undefined, "warnings": warnings, "volumes_ml": volumes}


def _measure(
    name: str, view: Mapping[str, PreparedSequence], keys: Sequence[str], protocol: Protocol, *, explain: bool
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Feature values of an image's regions in the catalogue's order, null for an undefined one; or why there are none.

    Beside them, if asked for, the reason of each undefined value by region and feature.
    """
    found: dict[str, Any] = {}
    masks: dict[str, sitk.Image] = {}
    labels = None
    prepared = view[name]
    if any(key not in NAMED for key in keys):
        scale = scale_for(name, view, protocol)
        labels = describe_lesion(prepared, protocol.habitats, seed=protocol.seed, scale=scale).superpixels.labels
    for key in keys:
        if key == PATCH:
            found[key] = list(measure_patch(prepared, protocol).values())
            continue
        try:
            mask = _mask(prepared, key, labels, protocol)
            check_size(mask, protocol.features.minimum_region_voxels, prepared.name)
            masks[key] = mask
        except RegionError as error:
            found[key] = error.problem
    if not masks:
        return found, {}
    # Column names may not hold just any region name.
    numbered = {f"S{number}": mask for number, mask in enumerate(masks.values(), start=1)}
    values = measure_regions(prepared, numbered, protocol, choose_engine(protocol.features))
    names = feature_names(protocol.features)
    reasons = undefined_columns(prepared, numbered, protocol, values) if explain else {}
    undefined: dict[str, dict[str, str]] = {}
    for number, key in enumerate(masks, start=1):
        start = f"{prepared.name}_S{number}_"
        row = [values[start + name] for name in names]
        found[key] = [value if np.isfinite(value) else None for value in row]
        undefined[key] = {name: reasons[start + name] for name in names if start + name in reasons}
    return found, {key: row for key, row in undefined.items() if row}


def _mask(prepared: PreparedSequence, key: str, labels: np.ndarray | None, protocol: Protocol) -> sitk.Image:
    if key == "whole":
        return prepared.mask
    if key == "ring":
        return ring_of(prepared, protocol)
    assert labels is not None
    return _mask_of(prepared, np.isin(labels, [int(number) for number in key.split()]))


def _mask_of(prepared: PreparedSequence, inside: np.ndarray) -> sitk.Image:
    """A mask of some of the lesion's voxels, given in C order."""
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    voxels = np.zeros(roi.shape, dtype=np.uint8)
    voxels[roi] = inside
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(prepared.mask)
    return mask


@dataclass(frozen=True)
class MeasuredCase:
    """What is held of a case: numbers as arrays, for a list of a cohort's numbers would take four times the room.

    Attributes:
        regions: values by view, sequence and region, or a sentence where the region cannot be measured.
        undefined: reasons by sequence, region and feature, of the case as it is.
        volume_ml: of the lesion, the mean over its sequences; of two time points, at baseline.
    """

    regions: Measured
    undefined: Mapping[str, Mapping[str, Mapping[str, str]]]
    warnings: tuple[str, ...]
    volume_ml: float

    @classmethod
    def of(cls, answer: Answer) -> MeasuredCase:
        """From what is kept on disk."""
        regions = {
            view: {
                sequence: {
                    key: row if isinstance(row, str) else np.array(row, dtype=float) for key, row in rows.items()
                }
                for sequence, rows in sequences.items()
            }
            for view, sequences in answer["regions"].items()
        }
        return cls(
            regions, answer["undefined"], tuple(answer["warnings"]), float(np.mean(list(answer["volumes_ml"].values())))
        )
