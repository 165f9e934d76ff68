"""The data that walks through the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import SimpleITK as sitk

#: Why a lesion was outlined again: to compare two readers, or two readings of one.
INTER_OBSERVER = "inter-observer"
INTRA_OBSERVER = "intra-observer"


@dataclass(frozen=True)
class SequenceImage:
    """One sequence of a patient: a scalar 3D image and a UInt8 mask (0 or 1) on the same grid, checked."""

    name: str
    image: sitk.Image
    mask: sitk.Image
    warnings: tuple[str, ...] = ()
    """What the reader had to do to make them fit, in sentences; travels into every output."""
    others: sitk.Image | None = None
    """UInt8, 0 or 1, on the same grid: all other labels of the mask's file; None: it has none."""


@dataclass(frozen=True)
class Case:
    """One patient at one time point, or at two."""

    case_id: str
    sequences: Mapping[str, SequenceImage] = field(default_factory=dict)
    """By name; of two time points by ``<timepoint>_<sequence>``, which is then the image's name too."""
    readings: Mapping[str, Mapping[str, SequenceImage]] = field(default_factory=dict)
    """The same lesion as it was outlined again, by :data:`INTER_OBSERVER` (a second reader) and
    :data:`INTRA_OBSERVER` (the same reader a second time)."""
