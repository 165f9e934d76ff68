"""Guesses the volume and segment of each sequence; leaves a choice empty if two candidates are equally likely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import slicer

from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.result_nodes import RESULT_ATTRIBUTE
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, timepoint_and_sequence
from HabitatRadiomicsLib.scene.subject_hierarchy import study_of

_LESION = re.compile(r"lesion|tumou?r|metastas|gtv|mass|roi", re.IGNORECASE)


def guess_inputs(scene: Any, keys: Sequence[str], *, without: Sequence[Any] = ()) -> dict[str, SequenceInput]:
    """The most likely inputs for all images of a model.

    Args:
        keys: the model's sequences; with two time points ``baseline_CT`` and the like, the earlier one first.
        without: volumes to leave out, together with the segmentations drawn on them.
    """
    sequences = dict.fromkeys(timepoint_and_sequence(key)[1] for key in keys)
    guesses: dict[str, SequenceInput] = {}
    for sequence in sequences:
        keys_of_sequence = [key for key in keys if timepoint_and_sequence(key)[1] == sequence]
        if keys_of_sequence == [sequence]:
            guesses[sequence] = guess_input(scene, sequence, only_sequence=len(sequences) == 1, without=without)
        else:
            guesses |= _guess_time_points(scene, keys_of_sequence, only_sequence=len(sequences) == 1)
    return {key: guesses[key] for key in keys}


def guess_input(scene: Any, sequence: str, *, only_sequence: bool, without: Sequence[Any] = ()) -> SequenceInput:
    """The volume and segment whose names contain a sequence; ambiguous choices stay empty.

    Args:
        sequence: the model's name for it, e.g. ``T1W``.
        only_sequence: the model needs no other one, so that a single volume in the scene must be meant.
        without: volumes to leave out, together with the segmentations drawn on them.
    """
    volumes = [node for node in _volumes(scene) if node not in without]
    masks = [node for node in _masks(scene) if not any(_is_drawn_on(node, volume) for volume in without)]
    volume = _named(volumes, sequence) or (_only(volumes) if only_sequence else None)
    mask = _drawn_on(masks, volume) if without else None
    return _input(volume, mask or _named(masks, sequence) or _only(masks), sequence)


def guess_segment(mask: Any, key: str) -> str:
    """The segment ID, or label as text, of the lesion; empty when several could be it.

    Args:
        key: of the image, e.g. ``T1W`` or ``follow-up_CT``.
    """
    choices = choices_of(mask)
    timepoint, sequence = timepoint_and_sequence(key)
    guesses = (
        _only(choices),
        _only(choices, lambda choice: bool(timepoint) and _mentions(choices[choice], timepoint)),
        _only(choices, lambda choice: _mentions(choices[choice], sequence)),
        _only(choices, lambda choice: _LESION.search(choices[choice]) is not None),
    )
    return next((guess for guess in guesses if guess is not None), "")


def _guess_time_points(scene: Any, keys: Sequence[str], *, only_sequence: bool) -> dict[str, SequenceInput]:
    """One sequence at two time points: by the names of the time points, or by the dates of one patient's studies."""
    sequence = timepoint_and_sequence(keys[0])[1]
    volumes, masks = _volumes(scene), _masks(scene)
    named_volumes = [node for node in volumes if _mentions(node.GetName() or "", sequence)]
    named_masks = [node for node in masks if _mentions(node.GetName() or "", sequence)]
    volume_at = _at_time_points(named_volumes or (volumes if only_sequence else []), keys)
    mask_at = _at_time_points(named_masks or masks, keys)
    guesses = {}
    for key in keys:
        volume = volume_at.get(key)
        mask = _drawn_on(masks, volume) or mask_at.get(key) or _of_study(masks, volume) or _only(masks)
        guesses[key] = _input(volume, mask, key)
    return guesses


def _at_time_points(nodes: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    """A node for each key for which the choice is safe: by name; if there are as many nodes as keys, also the one that
    is left over, or by the dates of one patient's studies."""
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


def _input(volume: Any, mask: Any, key: str) -> SequenceInput:
    return SequenceInput(volume, mask, "" if mask is None else guess_segment(mask, key))


def _only(candidates: Iterable[Any], fits: Callable[[Any], bool] = lambda candidate: True) -> Any | None:
    """The one candidate that fits; None if none or several do."""
    fitting = [candidate for candidate in candidates if fits(candidate)]
    return fitting[0] if len(fitting) == 1 else None


def _named(nodes: Sequence[Any], word: str) -> Any | None:
    return _only(nodes, lambda node: _mentions(node.GetName() or "", word))


def _drawn_on(masks: Sequence[Any], volume: Any) -> Any | None:
    """The only segmentation whose grid was taken from a volume."""
    return _only(masks, lambda mask: volume is not None and _is_drawn_on(mask, volume))


def _is_drawn_on(mask: Any, volume: Any) -> bool:
    if not mask.IsA("vtkMRMLSegmentationNode"):
        return False
    return mask.GetNodeReference(mask.GetReferenceImageGeometryReferenceRole()) is volume


def _of_study(masks: Sequence[Any], volume: Any) -> Any | None:
    """The only mask in a volume's study."""
    study = 0 if volume is None else study_of(volume).study
    return _only(masks, lambda mask: bool(study) and study_of(mask).study == study)


def _mentions(name: str, word: str) -> bool:
    """Whether a name contains a word: ``T1W`` is in ``t1w_tse`` and ``axial T1-W``, not in ``T1WCE``."""
    pattern = r"[\W_]*".join(re.escape(letter) for letter in re.sub(r"[\W_]", "", word))
    return re.search(rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])", name, re.IGNORECASE) is not None


def _volumes(scene: Any) -> list[Any]:
    return _candidates(scene, "vtkMRMLScalarVolumeNode")


def _masks(scene: Any) -> list[Any]:
    return _candidates(scene, "vtkMRMLSegmentationNode") + _candidates(scene, "vtkMRMLLabelMapVolumeNode")


def _candidates(scene: Any, kind: str) -> list[Any]:
    """Nodes of exactly this class: label maps and colour images are scalar volumes too."""
    return [
        node
        for node in slicer.util.getNodesByClass(kind, scene)
        if node.GetClassName() == kind and node.GetAttribute(RESULT_ATTRIBUTE) is None and not node.GetHideFromEditors()
    ]
