"""The images and masks of one patient, as every later step takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import SimpleITK as sitk

#: Why a lesion was segmented again: to compare two readers, or two readings by one reader.
INTER_OBSERVER = "inter-observer"
INTRA_OBSERVER = "intra-observer"


def title_of(name: str) -> str:
    """An image's name, or a case's key, for use in a sentence: ``follow-up CT``."""
    return name.replace("_", " ")


@dataclass(frozen=True)
class SequenceImage:
    """One sequence of a patient: a scalar 3D image and a UInt8 mask (0 or 1) on the same grid, checked."""

    name: str
    image: sitk.Image
    mask: sitk.Image
    warnings: tuple[str, ...] = ()
    """Sentences on what had to be done to make image and mask match; they appear in every output."""
    others: sitk.Image | None = None
    """UInt8, 0 or 1, on the same grid: all other labels of the mask's file; None: it has none."""

    @property
    def title(self) -> str:
        """The name for use in a sentence: ``follow-up CT``."""
        return title_of(self.name)


@dataclass(frozen=True)
class Case:
    """One patient at one time point, or at two."""

    case_id: str
    sequences: Mapping[str, SequenceImage] = field(default_factory=dict)
    """Sequences by name; with two time points by ``<timepoint>_<sequence>``, which is then the image's name too."""
    readings: Mapping[str, Mapping[str, SequenceImage]] = field(default_factory=dict)
    """Repeated segmentations of the lesion: :data:`INTER_OBSERVER` by a second reader, :data:`INTRA_OBSERVER` by the
    same reader a second time."""
