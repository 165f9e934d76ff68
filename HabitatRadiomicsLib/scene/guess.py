"""Guesses the volume and segment of each sequence; leaves a choice empty if two candidates are equally likely."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from HabitatRadiomicsLib.scene.case_keys import timepoint_and_sequence
from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.studies import study_of

_LESION = re.compile(r"lesion|tumou?r|metastas|gtv|mass|roi", re.IGNORECASE)


def guess_inputs(scene: Any, keys: Sequence[str], *, without: Sequence[Any] = ()) -> dict[str, SequenceInput]:
    """The most likely inputs for all images of a model.

    Args:
        keys: the model's sequences; of two time points ``baseline_CT`` and the like, the earlier one first.
        without: volumes to leave out, together with the segmentations drawn on them.
    """
    sequences = dict.fromkeys(timepoint_and_sequence(key)[1] for key in keys)
    found: dict[str, SequenceInput] = {}
    for sequence in sequences:
        own = [key for key in keys if timepoint_and_sequence(key)[1] == sequence]
        if own == [sequence]:
            found[sequence] = guess_input(scene, sequence, only_sequence=len(sequences) == 1, without=without)
        else:
            found |= _guess_time_points(scene, own, only_sequence=len(sequences) == 1)
    return {key: found[key] for key in keys}


def guess_input(scene: Any, sequence: str, *, only_sequence: bool, without: Sequence[Any] = ()) -> SequenceInput:
    """The volume and segment whose names contain a sequence; ambiguous choices stay empty.

    Args:
        sequence: the model's name for it, e.g. ``T1W``.
        only_sequence: the model needs no other one, so that a single volume in the scene must be meant.
        without: volumes to leave out, together with the segmentations drawn on them.
    """
    volumes = [node for node in _volumes(scene) if node not in without]
    masks = [node for node in _masks(scene) if not any(_is_drawn_on(node, volume) for volume in without)]
    volume = _named(volumes, sequence) or (volumes[0] if only_sequence and len(volumes) == 1 else None)
    mask = _drawn_on(masks, volume) if without else None
    mask = mask or _named(masks, sequence) or (masks[0] if len(masks) == 1 else None)
    segment = "" if mask is None else guess_segment(mask, sequence)
    return SequenceInput(volume, mask, segment)


def guess_segment(mask: Any, sequence: str) -> str:
    """The segment ID, or label as text, of the lesion; empty when several could be it.

    Args:
        sequence: of two time points with the time point, e.g. ``follow-up_CT``.
    """
    choices = choices_of(mask)
    if len(choices) == 1:
        return next(iter(choices))
    timepoint, plain = timepoint_and_sequence(sequence)
    by_timepoint = [choice for choice, name in choices.items() if timepoint and _speaks_of(name, timepoint)]
    by_sequence = [choice for choice, name in choices.items() if _speaks_of(name, plain)]
    by_lesion = [choice for choice, name in choices.items() if _LESION.search(name)]
    return next((found[0] for found in (by_timepoint, by_sequence, by_lesion) if len(found) == 1), "")


def _guess_time_points(scene: Any, keys: Sequence[str], *, only_sequence: bool) -> dict[str, SequenceInput]:
    """One sequence at two time points: by the names of the time points, or by the dates of one patient's studies."""
    sequence = timepoint_and_sequence(keys[0])[1]
    volumes = _volumes(scene)
    speaking = [node for node in volumes if _speaks_of(node.GetName() or "", sequence)]
    chosen = _at_time_points(speaking or (volumes if only_sequence else []), keys)
    masks = _masks(scene)
    named = _at_time_points([node for node in masks if _speaks_of(node.GetName() or "", sequence)] or masks, keys)
    found = {}
    for key in keys:
        volume = chosen.get(key)
        mask = _drawn_on(masks, volume) or named.get(key) or _of_study(masks, volume)
        mask = mask or (masks[0] if len(masks) == 1 else None)
        found[key] = SequenceInput(volume, mask, "" if mask is None else guess_segment(mask, key))
    return found


def _at_time_points(nodes: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    """A node for each key, as far as it is safe: by name; where there are as many nodes as keys, the one that is left,
    or by the date of one patient's studies."""
    named = {key: _named(nodes, timepoint_and_sequence(key)[0]) for key in keys}
    known = {key: node for key, node in named.items() if node is not None}
    if len({node.GetID() for node in known.values()}) < len(known):
        return {}  # one name matches both time points
    if len(nodes) != len(keys) or len(known) == len(keys):
        return known
    unknown = [key for key in keys if key not in known]
    if len(unknown) == 1:
        (left,) = (node for node in nodes if node not in known.values())
        return {**known, unknown[0]: left}
    studies = {node.GetID(): study_of(node) for node in nodes}
    dates = {study.date for study in studies.values()}
    if "" in dates or len(dates) < len(nodes) or len({study.patient for study in studies.values()}) > 1:
        return {}
    return dict(zip(keys, sorted(nodes, key=lambda node: studies[node.GetID()].date)))


def _drawn_on(masks: Sequence[Any], volume: Any) -> Any | None:
    """The only segmentation whose grid was taken from a volume."""
    found = [node for node in masks if volume is not None and _is_drawn_on(node, volume)]
    return found[0] if len(found) == 1 else None


def _is_drawn_on(mask: Any, volume: Any) -> bool:
    if not mask.IsA("vtkMRMLSegmentationNode"):
        return False
    return mask.GetNodeReference(mask.GetReferenceImageGeometryReferenceRole()) is volume


def _of_study(masks: Sequence[Any], volume: Any) -> Any | None:
    """The only mask in a volume's study."""
    study = 0 if volume is None else study_of(volume).study
    found = [node for node in masks if study and study_of(node).study == study]
    return found[0] if len(found) == 1 else None


def _named(nodes: Sequence[Any], word: str) -> Any | None:
    found = [node for node in nodes if _speaks_of(node.GetName() or "", word)]
    return found[0] if len(found) == 1 else None


def _speaks_of(name: str, word: str) -> bool:
    """``T1W`` stands in ``t1w_tse`` and ``axial T1W``, not in ``T1WCE``; hyphens and spaces do not count."""
    pattern = r"[\W_]*".join(re.escape(letter) for letter in re.sub(r"[\W_]", "", word))
    return re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", name, re.IGNORECASE) is not None


def _volumes(scene: Any) -> list[Any]:
    return _inputs(scene, "vtkMRMLScalarVolumeNode")


def _masks(scene: Any) -> list[Any]:
    return [*_inputs(scene, "vtkMRMLSegmentationNode"), *_inputs(scene, "vtkMRMLLabelMapVolumeNode")]


def _inputs(scene: Any, kind: str) -> list[Any]:
    """Nodes of exactly this class: label maps and colour images are scalar volumes too."""
    found = scene.GetNodesByClass(kind)
    found.UnRegister(scene)
    nodes = [found.GetItemAsObject(index) for index in range(found.GetNumberOfItems())]
    return [
        node
        for node in nodes
        if node.GetClassName() == kind and node.GetAttribute(RESULT_ATTRIBUTE) is None and not node.GetHideFromEditors()
    ]
