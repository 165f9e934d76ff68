"""Fixtures for tests on real MRML, without Qt. They skip where slicer-core is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from HabitatRadiomicsLib.case import write_case
from HabitatRadiomicsLib.commands.program import main

sys.path.append(str(Path(__file__).resolve().parent.parent))
sys.path.append(str(Path(__file__).resolve().parent))  # mrml_nodes

from standin.install import install_mrml, missing_for

if TYPE_CHECKING:
    from standin.headless import StandIn
    from standin.slice_view import SliceView

    from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
    from HabitatRadiomicsLib.synthetic import SyntheticPatient

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
