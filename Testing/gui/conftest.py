"""Fixtures for tests of the panel, with Qt as strict as PythonQt. They skip where it is not installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort

sys.path.append(str(Path(__file__).resolve().parent.parent))

from standin.install import install_gui, missing_for

if TYPE_CHECKING:
    from standin.gui import GuiStandIn

_MISSING = missing_for("gui")
#: Test modules that read source code and need neither Qt nor MRML.
_RUN_ANYWHERE = {"test_pythonqt_lint.py"}

_FEW_FEATURES = """\
name: few
title: Few features
sequences: [T1W]
features:
  classes: [shape]
  images: {wavelet: null, square: false, square_root: false, logarithm: false, exponential: false, gradient: false,
           lbp_2d: false, log_sigmas: []}
"""


class _SkippedModule(pytest.Module):
    def collect(self) -> list[pytest.Item]:
        pytest.skip(_MISSING, allow_module_level=True)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Do not even import a test module that cannot run."""
    if not _MISSING or module_path.name in _RUN_ANYWHERE:
        return None
    return _SkippedModule.from_parent(parent, path=module_path)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Make ``import slicer, qt, ctk`` work in test modules."""
    if isinstance(collector, pytest.Module) and not _MISSING and collector.path.name not in _RUN_ANYWHERE:
        install_gui()


@pytest.fixture(scope="session")
def _gui() -> GuiStandIn:
    return install_gui()


@pytest.fixture
def slicer_gui(_gui: GuiStandIn) -> Iterator[GuiStandIn]:
    """The application with an empty scene; an error of VTK, or an exception in a slot, fails the test."""
    _gui.reset()
    yield _gui
    errors = _gui.problems.take_errors()
    _gui.reset()
    assert not errors, "\n".join(["errors that nobody saw:", *errors])


@pytest.fixture
def habitat_widget(slicer_gui: GuiStandIn, checkout: Path) -> Any:
    """The panel of the extension's module, loaded as the application does."""
    path = checkout / "HabitatRadiomics" / "HabitatRadiomics.py"
    if not path.is_file():
        pytest.skip("the checkout has no module yet")
    _, widget = slicer_gui.load_module(path)
    return widget


@pytest.fixture
def commands_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The panel's commands run in the tests' process, which has imported everything already."""
    from panel_steps import CommandHere

    from HabitatRadiomicsLib.panel import background_run

    monkeypatch.setattr(background_run, "start_command", CommandHere)


@pytest.fixture
def screenshot(slicer_gui: GuiStandIn) -> Callable[[Any, Path], None]:
    """``screenshot(widget, path)`` writes a widget's picture as PNG."""
    return slicer_gui.screenshot


@pytest.fixture(scope="module")
def few_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two patients of one sequence, and a protocol of few features."""
    folder = tmp_path_factory.mktemp("cohort")
    images, _ = write_synthetic_cohort(folder, 2, seed=5)
    lines = images.read_text(encoding="utf-8").splitlines(keepends=True)
    images.write_text("".join(line for line in lines if ",T2FS," not in line), encoding="utf-8")
    (folder / "few.yaml").write_text(_FEW_FEATURES, encoding="utf-8")
    return folder


@pytest.fixture
def tab(habitat_widget: Any, slicer_gui: Any) -> Any:
    """The widgets of the cohort tab."""
    slicer_gui.process_events()
    return habitat_widget.ui
