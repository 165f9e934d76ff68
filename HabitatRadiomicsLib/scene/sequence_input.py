"""What the user chose for one image of a patient, and what the library makes of it.

The key of an image is its sequence or, with two time points, time point and sequence (``follow-up_CT``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from HabitatRadiomicsLib.cases import Case, SequenceImage, checked_sequence, title_of
from HabitatRadiomicsLib.errors import ImageError, MaskError
from HabitatRadiomicsLib.scene.masks import lesion_of
from HabitatRadiomicsLib.scene.volumes import image_of


@dataclass(frozen=True)
class SequenceInput:
    """A volume and where the lesion is drawn in it.

    Attributes:
        volume: vtkMRMLScalarVolumeNode.
        mask: vtkMRMLSegmentationNode or vtkMRMLLabelMapVolumeNode.
        segment: segment ID, or the label as text; empty takes the only one there is.
    """

    volume: Any
    mask: Any
    segment: str = ""


def timepoint_and_sequence(key: str) -> tuple[str, str]:
    """The parts of a key; the time point is empty where there is only one."""
    timepoint, _, sequence = key.rpartition("_")
    return timepoint, sequence


def label_of(key: str) -> str:
    """As a selector shows it: ``CT``, or ``CT, follow-up``."""
    timepoint, sequence = timepoint_and_sequence(key)
    return f"{sequence}, {timepoint}" if timepoint else sequence


def read_input(name: str, chosen: SequenceInput) -> SequenceImage:
    """One image in world coordinates, checked as a file would be.

    Raises:
        HabitatRadiomicsError: something is not chosen, or does not fit; the same sentences as on the command line.
    """
    where_image, where_mask = f"{title_of(name)} volume", f"{title_of(name)} segment"
    if chosen.volume is None:
        raise ImageError("No volume is chosen.", where=where_image)
    if not chosen.volume.IsA("vtkMRMLScalarVolumeNode"):
        raise ImageError("It is not a scalar volume.", where=where_image, remedy="Choose an image volume.")
    if chosen.mask is None:
        raise MaskError("No segmentation or label map is chosen.", where=where_mask)
    if chosen.mask is chosen.volume:
        raise MaskError("Volume and label map are the same node.", where=where_mask)
    image = image_of(chosen.volume, where=where_image)
    labels, label, notes = lesion_of(chosen.mask, chosen.segment, image, where=where_mask)
    read = checked_sequence(
        name, image, labels, label=label, resample_mask=True, where_image=where_image, where_mask=where_mask
    )
    return replace(read, warnings=(*notes, *read.warnings))


def case_of(inputs: Mapping[str, SequenceInput]) -> Case:
    """The case of several images; its identifier does not name the patient.

    Raises:
        HabitatRadiomicsError: one of them is refused.
    """
    return Case("case", {name: read_input(name, chosen) for name, chosen in inputs.items()})
