"""The images and masks of one patient, the input of every later step, and how they are written to files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import SimpleITK as sitk

from HabitatRadiomicsLib.outputs import write_image

#: Kinds of repeated segmentation: by a second reader, or by the same reader a second time.
INTER_OBSERVER = "inter-observer"
INTRA_OBSERVER = "intra-observer"


def title_of(name: str) -> str:
    """A sequence's name, or a case's key, for use in a sentence: ``follow-up CT``."""
    return name.replace("_", " ")


@dataclass(frozen=True)
class SequenceImage:
    """One sequence of a patient: a scalar 3D image and a UInt8 mask (0 or 1) on the same grid, checked."""

    name: str
    image: sitk.Image
    mask: sitk.Image
    warnings: tuple[str, ...] = ()
    """Sentences on changes that made image and mask match; they appear in every output."""
    others: sitk.Image | None = None
    """All other labels of the mask's file as UInt8 0 and 1, on the same grid; None: there are none."""

    @property
    def title(self) -> str:
        """The name for use in a sentence: ``follow-up CT``."""
        return title_of(self.name)


@dataclass(frozen=True)
class Case:
    """One patient at one time point, or at two."""

    case_id: str
    sequences: Mapping[str, SequenceImage] = field(default_factory=dict)
    """Sequences by name; with two time points by ``<timepoint>_<sequence>``, which is then also the image's name."""
    readings: Mapping[str, Mapping[str, SequenceImage]] = field(default_factory=dict)
    """Repeated segmentations of the lesion by kind: :data:`INTER_OBSERVER`, :data:`INTRA_OBSERVER`."""


def write_case(folder: Path, case: Case, *, compressed: bool = True) -> dict[str, tuple[Path, Path]]:
    """Write a case's images and masks as NRRD into ``folder/<case_id>``; returns the two paths by sequence.

    The files read back to the same case. Compression takes seconds for a large series, so temporary files are written
    without it.
    """
    target = folder / case.case_id
    target.mkdir(parents=True, exist_ok=True)
    paths = {name: (target / f"{name}.nrrd", target / f"{name}-mask.nrrd") for name in case.sequences}
    for name, sequence in case.sequences.items():
        for image, path in zip((sequence.image, sequence.mask), paths[name]):
            write_image(image, path, compressed=compressed)
    return paths
