"""Which volume and segment a sequence most likely means, and nothing where two are as likely."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

_LESION = re.compile(r"lesion|tumou?r|metastas|gtv|mass|roi", re.IGNORECASE)


def guess_input(scene: Any, sequence: str, *, only_sequence: bool) -> SequenceInput:
    """The volume and segment whose names speak of a sequence; what is not safe to guess stays empty.

    Args:
        sequence: the model's name for it, e.g. ``T1W``.
        only_sequence: the model needs no other one, so that a single volume in the scene must be meant.
    """
    volumes = _inputs(scene, "vtkMRMLScalarVolumeNode")
    masks = [*_inputs(scene, "vtkMRMLSegmentationNode"), *_inputs(scene, "vtkMRMLLabelMapVolumeNode")]
    volume = _named(volumes, sequence) or (volumes[0] if only_sequence and len(volumes) == 1 else None)
    mask = _named(masks, sequence) or (masks[0] if len(masks) == 1 else None)
    segment = "" if mask is None else guess_segment(mask, sequence)
    return SequenceInput(volume, mask, segment)


def guess_segment(mask: Any, sequence: str) -> str:
    """The segment ID, or label as text, of the lesion; empty when several could be it."""
    choices = choices_of(mask)
    if len(choices) == 1:
        return next(iter(choices))
    by_sequence = [choice for choice, name in choices.items() if _speaks_of(name, sequence)]
    by_lesion = [choice for choice, name in choices.items() if _LESION.search(name)]
    return next((found[0] for found in (by_sequence, by_lesion) if len(found) == 1), "")


def _named(nodes: Sequence[Any], sequence: str) -> Any | None:
    found = [node for node in nodes if _speaks_of(node.GetName() or "", sequence)]
    return found[0] if len(found) == 1 else None


def _speaks_of(name: str, sequence: str) -> bool:
    """``T1W`` stands in ``t1w_tse`` and ``axial T1W``, not in ``T1WCE``; hyphens and spaces do not count."""
    pattern = r"[\W_]*".join(re.escape(letter) for letter in re.sub(r"[\W_]", "", sequence))
    return re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", name, re.IGNORECASE) is not None


def _inputs(scene: Any, kind: str) -> list[Any]:
    """Of this very class: label maps and colour images are scalar volumes too."""
    found = scene.GetNodesByClass(kind)
    found.UnRegister(scene)
    nodes = [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]
    return [
        node
        for node in nodes
        if node.GetClassName() == kind and node.GetAttribute(RESULT_ATTRIBUTE) is None and not node.GetHideFromEditors()
    ]
