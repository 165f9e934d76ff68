"""Fixtures for tests on real MRML, without Qt. They skip where slicer-core is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.commands.program import main

sys.path.append(str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path(__file__).resolve().parent))  # mrml_nodes and others

from standin.install import install_mrml, missing_for

if TYPE_CHECKING:
    import SimpleITK as sitk
    from standin.headless import StandIn
    from standin.slice_view import SliceView

    from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
    from HabitatRadiomicsLib.scene.result_nodes import ResultNodes
    from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

_MISSING = missing_for("mrml")


class _SkippedModule(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip(_MISSING, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Do not even import a test module that cannot run."""
    return _SkippedModule.from_parent(parent, path=module_path) if _MISSING else None


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Make ``import slicer`` work in test modules."""
    if isinstance(collector, pytest.Module) and not _MISSING:
        install_mrml()


@pytest.fixture(scope="session")
def application() -> StandIn:
    """The stand-in for the application, one per process."""
    return install_mrml()


@pytest.fixture
def scene(application: StandIn) -> Iterator[object]:
    """The empty MRML scene; an error that VTK tells of during the test fails it."""
    application.reset()
    yield application.scene.node
    errors = application.problems.take_errors()
    application.reset()
    assert not errors, "\n".join(["VTK told of errors:", *errors])


@pytest.fixture
def slice_view(application: StandIn, scene: object) -> SliceView:
    """The axial slice view; ``application.slice_views`` has all three."""
    return application.slice_views["Red"]


@pytest.fixture(scope="session")
def case_files(patient: SyntheticPatient, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Image and mask of a synthetic patient by sequence; T2FS is oblique."""
    return write_case(tmp_path_factory.mktemp("patient"), patient.case)


@pytest.fixture(scope="session")
def case_arguments(case_files: dict[str, tuple[Path, Path]]) -> list[str]:
    """The same for the command line."""
    return [
        text
        for name, (image, mask) in case_files.items()
        for text in ("--image", f"{name}={image}", "--mask", f"{name}={mask}")
    ]


@pytest.fixture(scope="session")
def scored(case_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command line writes of the patient's score."""
    folder = tmp_path_factory.mktemp("command") / "score"
    assert main(["score", "--model", "t790m-spine-demo", *case_arguments, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def inputs(scene: object, case_files: dict[str, tuple[Path, Path]]) -> dict[str, SequenceInput]:
    """The patient in the scene, loaded by Slicer: a segmentation for T1W, a label map volume for T2FS."""
    from mrml_nodes import load_inputs

    return load_inputs(case_files)


@pytest.fixture
def image() -> sitk.Image:
    """Oblique and anisotropic."""
    from mrml_nodes import noise

    return noise()


@pytest.fixture
def volume(scene: object, image: sitk.Image) -> object:
    """Its node."""
    from mrml_nodes import add_image

    return add_image(image)


@pytest.fixture
def lesion(image: sitk.Image) -> sitk.Image:
    """A block with a notch, so that no flip of it is the same."""
    from mrml_nodes import block

    mask = block(image)
    mask[6:9, 5:7, 2:4] = 0
    return mask


@pytest.fixture
def results(
    application: StandIn, scene: object, scored: Path, inputs: dict[str, SequenceInput]
) -> Iterator[ResultNodes]:
    """The nodes of a score; the views show the first input, as after loading it, without any result."""
    from HabitatRadiomicsLib.scene.result_nodes import add_results

    found = add_results(scene, scored, inputs)
    for view in application.slice_views.values():
        view.composite_node.SetBackgroundVolumeID(inputs["T1W"].volume.GetID())
        view.logic.FitSliceToBackground()
    for node in (inputs["T1W"].mask, *found.habitats.values()):
        node.SetDisplayVisibility(False)
    yield found
    for view in application.slice_views.values():
        for layer in ("Background", "Foreground", "Label"):
            getattr(view.composite_node, f"Set{layer}VolumeID")(None)
