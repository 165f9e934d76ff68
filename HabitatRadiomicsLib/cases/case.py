"""The data that walks through the rooms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import SimpleITK as sitk

#: Why a lesion was outlined again: to compare two readers, or two readings of one.
INTER_OBSERVER = "inter-observer"
INTRA_OBSERVER = "intra-observer"


def title_of(name: str) -> str:
    """An image's name, or a case's key, as a sentence has it: ``follow-up CT``."""
    return name.replace("_", " ")


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

    @property
    def title(self) -> str:
        """The name as a sentence has it: ``follow-up CT``."""
        return title_of(self.name)


@dataclass(frozen=True)
class Case:
    """One patient at one time point, or at two."""

    case_id: str
    sequences: Mapping[str, SequenceImage] = field(default_factory=dict)
    """By name; of two time points by ``<timepoint>_<sequence>``, which is then the image's name too."""
    readings: Mapping[str, Mapping[str, SequenceImage]] = field(default_factory=dict)
    """The same lesion as it was outlined again, by :data:`INTER_OBSERVER` (a second reader) and
    :data:`INTRA_OBSERVER` (the same reader a second time)."""
