"""Volumes and segments of two time points: by name, by the dates of one patient's studies, and else by nobody."""

from __future__ import annotations

from typing import Any

import pytest
import slicer
from mrml_nodes import add_image, add_segmentation, block, noise

from HabitatRadiomicsLib.scene.guess import guess_inputs, guess_segment
from HabitatRadiomicsLib.scene.sequence_input import label_of, timepoint_and_sequence
from HabitatRadiomicsLib.scene.subject_hierarchy import Study, study_of

KEYS = ("baseline_CT", "follow-up_CT")


def volume(name: str) -> Any:
    return add_image(noise((4, 4, 4)), name)


def segmentation(name: str, *segments: str, on: Any = None) -> Any:
    mask = block(noise((4, 4, 4)), low=(1, 1, 1), high=(3, 3, 3))
    node = add_segmentation(dict.fromkeys(segments or ("lesion",), mask), name)
    if on is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(on)
    return node


def put(node: Any, date: str, patient: int = 0) -> int:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    patient = patient or hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Nobody")
    study = hierarchy.CreateStudyItem(patient, "study")
    if date:
        hierarchy.SetItemAttribute(study, "DICOM.StudyDate", date)
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), study)
    return patient


def volumes(scene: Any, *keys: str) -> list[Any]:
    return [found.volume for found in guess_inputs(scene, keys or KEYS).values()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("CT baseline", "CT follow-up"),
        ("baseline_CT", "follow-up_CT"),
        ("ct_baseline_2mm", "ct followup 2mm"),
        ("CT", "CT FollowUp"),
        ("CT baseline", "CT 2"),
        ("BASELINE", "FOLLOW_UP"),
    ],
)
def test_names_tell_which_is_which(scene: object, first: str, second: str) -> None:
    later, earlier = volume(second), volume(first)
    assert volumes(scene) == [earlier, later]


@pytest.mark.parametrize(
    "names",
    [
        ("CT 1", "CT 2"),
        ("CT baseline lung", "CT baseline soft"),
        ("CT baseline follow-up", "CT"),
        ("CT",),
        ("T1 baseline", "T2 follow-up", "T1 follow-up"),
    ],
)
def test_what_is_not_certain_stays_empty(scene: object, names: tuple[str, ...]) -> None:
    nodes = [volume(name) for name in names]
    found = volumes(scene)
    known = [node for node in found if node is not None]
    assert len(known) < 2
    assert all(node is nodes[names.index("T1 baseline")] for node in known) if "T1 baseline" in names else not known


def test_dates_of_one_patient_tell_which_is_which(scene: object) -> None:
    later, earlier = volume("CT 5"), volume("CT 6")
    patient = put(later, "20240611")
    put(earlier, "20240203", patient)
    assert volumes(scene) == [earlier, later]
    assert study_of(earlier).readable_date == "2024-02-03"
    assert study_of(earlier).patient == study_of(later).patient == patient


@pytest.mark.parametrize("dates", [("20240203", "20240203"), ("20240203", ""), ("", ""), ("2024", "20240203")])
def test_dates_that_are_missing_or_equal_tell_nothing(scene: object, dates: tuple[str, str]) -> None:
    patient = 0
    for number, date in enumerate(dates):
        patient = put(volume(f"CT {number}"), date, patient)
    assert volumes(scene) == [None, None]


def test_two_patients_are_no_pair(scene: object) -> None:
    put(volume("CT 1"), "20240203")
    put(volume("CT 2"), "20240611")
    assert volumes(scene) == [None, None]


def test_names_count_more_than_dates(scene: object) -> None:
    later, earlier = volume("CT follow-up"), volume("CT baseline")
    patient = put(later, "20240101")
    put(earlier, "20240611", patient)
    assert volumes(scene) == [earlier, later]


def test_a_segmentation_belongs_to_the_volume_that_it_was_drawn_on(scene: object) -> None:
    earlier, later = volume("CT baseline"), volume("CT follow-up")
    second, first = segmentation("Segmentation", on=later), segmentation("Segmentation_1", on=earlier)
    found = guess_inputs(scene, KEYS)
    assert [found[key].mask for key in KEYS] == [first, second]
    assert [found[key].segment for key in KEYS] == ["lesion", "lesion"]


def test_one_segmentation_may_hold_both_lesions(scene: object) -> None:
    volume("CT baseline"), volume("CT follow-up")
    only = segmentation("Segmentation", "lesion baseline", "lesion follow-up")
    found = guess_inputs(scene, KEYS)
    assert [found[key].mask for key in KEYS] == [only, only]
    assert [found[key].segment for key in KEYS] == ["lesion baseline", "lesion follow-up"]
    assert guess_segment(only, "CT") == ""


def test_several_sequences_are_told_apart(scene: object) -> None:
    nodes = {key: volume(key) for key in ("baseline_CT", "follow-up_CT", "baseline_PET", "follow-up_PET")}
    assert volumes(scene, *nodes) == list(nodes.values())


def test_one_time_point_of_two_is_found_alone(scene: object) -> None:
    volume("CT baseline")
    meant = volume("CT follow-up")
    assert volumes(scene, "follow-up_CT") == [meant]


def test_volumes_that_are_not_meant_are_left_out(scene: object) -> None:
    first, second = volume("CT 1"), volume("CT 2")
    drawn = segmentation("Segmentation", on=first), segmentation("Segmentation_1", on=second)
    found = guess_inputs(scene, ("CT",), without=[first])["CT"]
    assert (found.volume, found.mask) == (second, drawn[1])
    assert guess_inputs(scene, ("CT",), without=[first, second])["CT"].volume is None


def test_nodes_outside_of_studies_have_none(scene: object) -> None:
    assert study_of(volume("CT")) == Study()
    assert Study().readable_date == ""


def test_keys_in_words() -> None:
    assert [label_of(key) for key in ("CT", *KEYS)] == ["CT", "CT, baseline", "CT, follow-up"]
    assert timepoint_and_sequence("follow-up_CT") == ("follow-up", "CT")
