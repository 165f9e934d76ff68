"""Sample data: the synthetic case is the library's, and the public one is pinned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import SampleData
import slicer
from mrml_nodes import assert_same_image, contents

from HabitatRadiomicsLib.cases.synthetic import synthetic_patient
from HabitatRadiomicsLib.scene import masks
from HabitatRadiomicsLib.scene.guess import guess_input
from HabitatRadiomicsLib.scene.sample_data import add_synthetic_patient, register_sample_data
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, case_of


@pytest.fixture
def sources(scene: object) -> Iterator[dict[str, object]]:
    """What is registered, by name."""
    earlier = dict(vars(slicer.modules).get("sampleDataSources", {}))
    slicer.modules.sampleDataSources = {}
    register_sample_data(Path("icon.png"))
    assert list(slicer.modules.sampleDataSources) == ["Habitat Radiomics"]
    yield {source.sampleName: source for source in slicer.modules.sampleDataSources["Habitat Radiomics"]}
    slicer.modules.sampleDataSources = earlier


def test_the_synthetic_case_is_the_librarys(scene: object) -> None:
    """The new patient of the command 'demo', so that panel and terminal tell the same."""
    nodes = add_synthetic_patient(scene)
    assert [node.GetName() for node in nodes] == ["T1W", "T1W lesion", "T2FS", "T2FS lesion"]
    case = case_of({"T1W": SequenceInput(*nodes[:2]), "T2FS": SequenceInput(*nodes[2:])})
    for name, sequence in synthetic_patient(31, seed=4).case.sequences.items():
        assert_same_image(case.sequences[name].image, sequence.image)
        assert_same_image(case.sequences[name].mask, sequence.mask)
        assert case.sequences[name].warnings == ()


def test_the_panel_finds_its_way_in_the_synthetic_case(scene: object) -> None:
    nodes = add_synthetic_patient(scene)
    for name, volume, mask in (("T1W", *nodes[:2]), ("T2FS", *nodes[2:])):
        assert guess_input(scene, name, only_sequence=False) == SequenceInput(volume, mask, "lesion")


def test_the_synthetic_case_says_that_it_is_no_patient(scene: object) -> None:
    for volume in add_synthetic_patient(scene)[::2]:
        assert volume.GetDescription() == "Synthetic: made by code, no patient."
        assert volume.GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"


def test_a_failure_on_the_way_leaves_nothing(scene: object, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(scene)
    working = masks.add_segmentation

    def failing(scene: object, name: str, *arguments: object) -> object:
        if name == "T2FS lesion":
            raise ZeroDivisionError("oops")
        return working(scene, name, *arguments)

    monkeypatch.setattr(masks, "add_segmentation", failing)
    with pytest.raises(ZeroDivisionError):
        add_synthetic_patient(scene)
    assert contents(scene) == before


def test_both_cases_are_registered_with_a_picture(sources: dict[str, object]) -> None:
    assert list(sources) == ["SyntheticSpine", "SoftTissueSarcoma"]
    assert {source.thumbnailFileName for source in sources.values()} == {"icon.png"}


def test_the_registered_synthetic_case_needs_no_network(sources: dict[str, object]) -> None:
    source = sources["SyntheticSpine"]
    nodes = source.customDownloader(source)  # what its button does
    assert [node.GetName() for node in nodes] == ["T1W", "T1W lesion", "T2FS", "T2FS lesion"]


def test_the_public_case_is_pinned_and_checked(sources: dict[str, object]) -> None:
    source = sources["SoftTissueSarcoma"]
    assert len(source.uris) == len(set(source.uris)) == 4
    for uri in source.uris:
        assert re.fullmatch(
            r"https://raw\.githubusercontent\.com/theibsi/data_sets/[0-9a-f]{40}/[\w/]+\.nii\.gz", uri
        ), "a commit, and no branch that moves"
    for checksum in source.checksums:
        assert re.fullmatch(r"SHA256:[0-9a-f]{64}", checksum)
    assert len(set(source.checksums)) == 4
    assert len(set(source.fileNames)) == 4, "they lie in one cache"
    assert all(name.startswith("HabitatRadiomics-") and name.endswith(".nii.gz") for name in source.fileNames)
    assert source.nodeNames == ["T1W", "T1W tumour", "PET", "PET tumour"]
    assert source.loadFileTypes == ["VolumeFile", "SegmentationFile"] * 2
    for uri, kind in zip(source.uris, source.loadFileTypes):
        assert ("_mask." in uri) is (kind == "SegmentationFile")


def test_all_lists_have_an_entry_for_each_file(monkeypatch: pytest.MonkeyPatch, scene: object) -> None:
    """As handed over, whatever Slicer's Sample Data module makes of it."""
    given: list[dict[str, object]] = []
    register = lambda **arguments: given.append(arguments)  # noqa: E731
    logic = SimpleNamespace(registerCustomSampleDataSource=register)
    monkeypatch.setattr(SampleData, "SampleDataLogic", logic)
    register_sample_data(Path("icon.png"))
    public = given[1]
    for name in ("uris", "fileNames", "checksums", "nodeNames", "loadFileTypes"):
        assert isinstance(public[name], list)
        assert len(public[name]) == 4
